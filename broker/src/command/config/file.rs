//! The file as it is written. `CONFIG.md` documents each key; a test holds the two together.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) master: MasterTable,
    #[serde(default)]
    pub(super) listen: Vec<ListenTable>,
    pub(super) agent: Option<RoleTable>,
    pub(super) worker: RoleTable,
    #[serde(default)]
    pub(super) reload: ReloadTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterTable {
    pub(super) socket: Option<PathBuf>,
    pub(super) shutdown_timeout: Option<Time>,
    pub(super) give_up_after: Option<Time>,
    pub(super) orphan: Option<OrphanName>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrphanName {
    Kill,
    Term,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenTable {
    pub(super) name: String,
    pub(super) address: String,
    #[serde(default)]
    pub(super) mode: Mode,
    pub(super) balance: Option<Balance>,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Inherit,
    Handoff,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Balance {
    RoundRobin,
    LeastConnections,
    Sticky,
}

/// `[agent]` or `[worker]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleTable {
    #[serde(deserialize_with = "words")]
    pub(super) command: Vec<String>,
    pub(super) dir: Option<PathBuf>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Of `[worker]` only.
    pub(super) count: Option<u32>,
    pub(super) start_timeout: Option<Time>,
    pub(super) drain_timeout: Option<Time>,
    pub(super) term_grace: Option<Time>,
    pub(super) stable_after: Option<Time>,
    pub(super) backoff_first: Option<Time>,
    pub(super) backoff_max: Option<Time>,
    pub(super) intensity: Option<u32>,
    pub(super) watchdog: Option<Time>,
    pub(super) age_max: Option<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadTable {
    pub(super) min_ready_for: Option<Time>,
}

/// A length of time, written with its unit: a bare number would be seconds to one reader and
/// milliseconds to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time with its unit, such as \"10s\" or \"5m\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        humantime::parse_duration(text)
            .map(Time)
            .map_err(|error| E::custom(format!("{error}; write it as \"10s\" or \"5m\"")))
    }
}

/// A command is a list: no shell takes it apart, so nothing in it need be escaped.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_seq(WordsVisitor)
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of the program and its arguments, such as [\"node\", \"worker.js\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(word) = words.next_element()? {
            all.push(word);
        }
        Ok(all)
    }
}

/// Reads the file's text. The error says where, and what may have been meant.
pub(super) fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let said = error.to_string();
        if error.message() == "missing field `worker`" {
            return "there must be a [worker] section, with a command".to_owned();
        }
        match meant(error.message()) {
            Some(key) => format!("{}\ndid you mean `{key}`?", said.trim_end()),
            None => said.trim_end().to_owned(),
        }
    })
}

/// Of the names that would have been right, the one that is nearest to the one that was written.
///
/// serde tells both in its message, each between backticks, the wrong one first.
fn meant(message: &str) -> Option<&str> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let written = names.next()?;
    names
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .min()
        .filter(|&(distance, name)| distance <= 1 + name.len() / 3)
        .map(|(_, name)| name)
}
