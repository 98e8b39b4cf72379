//! All that was seen, as it is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Trouble;
use crate::statistics::Spread;
use crate::targets::Verdict;

/// One run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// How it was started.
    pub(crate) command: String,
    pub(crate) host: Host,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) peers: BTreeMap<String, Peered>,
    /// What the client libraries were, by name.
    pub(crate) libraries: BTreeMap<String, String>,
    pub(crate) targets: Vec<Verdict>,
    pub(crate) cells: Vec<Cell>,
}

/// What a peer was, and how it was run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Peered {
    pub(crate) version: String,
    pub(crate) how: String,
}

/// Where it ran.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) compiler: String,
    /// Of a minute, before and after.
    pub(crate) load: [String; 2],
}

/// One work by one peer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) work: String,
    pub(crate) peer: String,
    pub(crate) figures: BTreeMap<String, Spread>,
}

impl Results {
    /// The figure of one cell.
    pub(crate) fn figure(&self, work: &str, peer: &str, figure: &str) -> Option<&Spread> {
        let cell = self
            .cells
            .iter()
            .find(|cell| cell.work == work && cell.peer == peer)?;
        cell.figures.get(figure)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Trouble> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(std::fs::write(path, text)?)
    }
}

impl Host {
    pub(crate) fn look() -> Host {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map(|(_, name)| name.to_owned())
            .unwrap_or_default();
        Host {
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            processor,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            compiler: compiler(),
            load: [load(), String::new()],
        }
    }

    pub(crate) fn look_again(&mut self) {
        self.load[1] = load();
    }
}

/// The one that is here now; this program was just built with it.
fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    String::from_utf8_lossy(&text).trim().to_owned()
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
