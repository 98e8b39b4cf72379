//! What a run is told by its environment.

use std::path::PathBuf;
use std::time::Duration;

/// How much is measured, and where the figures go.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How this run was started.
    pub(crate) command: String,
    pub(crate) rounds: usize,
    /// How long a sender sends.
    pub(crate) time: Duration,
    peers: Vec<String>,
    works: Vec<String>,
    pub(crate) results: PathBuf,
    /// Whether the figures are worth keeping.
    pub(crate) keep: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Settings {
        let quick = std::env::var("HENHOUSE_BENCH").is_ok_and(|value| value == "quick");
        let (peers, works) = (words("HENHOUSE_BENCH_PEERS"), words("HENHOUSE_BENCH_WORK"));
        let results = std::env::var_os("HENHOUSE_BENCH_RESULTS");
        Settings {
            command: command(),
            rounds: number("HENHOUSE_BENCH_ROUNDS")
                .map_or(if quick { 1 } else { 5 }, |n| n as usize),
            time: Duration::from_secs_f64(number("HENHOUSE_BENCH_SECONDS").unwrap_or(if quick {
                0.3
            } else {
                1.0
            })),
            // A part of the table in place of the whole one would only confuse.
            keep: results.is_some() || (!quick && peers.is_empty() && works.is_empty()),
            results: results.map_or_else(
                || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/results"),
                PathBuf::from,
            ),
            peers,
            works,
        }
    }

    pub(crate) fn wants_peer(&self, name: &str) -> bool {
        wanted(&self.peers, name)
    }

    pub(crate) fn wants_work(&self, name: &str) -> bool {
        wanted(&self.works, name)
    }
}

/// As somebody would type it.
fn command() -> String {
    let set: String = std::env::vars()
        .filter(|(name, _)| name.starts_with("HENHOUSE_BENCH"))
        .map(|(name, value)| format!("{name}='{value}' "))
        .collect();
    format!("{set}cargo bench -p henhouse-tests --bench side_by_side")
}

fn wanted(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

fn words(variable: &str) -> Vec<String> {
    let value = std::env::var(variable).unwrap_or_default();
    value
        .split(';')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn number(variable: &str) -> Option<f64> {
    std::env::var(variable).ok()?.parse().ok()
}
