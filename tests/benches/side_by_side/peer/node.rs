//! Node's process channels, bare and under egg-cluster: what Henhouse comes to replace.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::{installed, program};
use crate::Trouble;
use crate::process::{self, Running};

/// A master of Node processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    NodeCluster,
    EggCluster,
}

/// What its agent and workers are to do; see `load.js`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    pub(crate) work: &'static str,
    pub(crate) payload: usize,
    pub(crate) from: &'static str,
    pub(crate) sources: usize,
    pub(crate) many: usize,
    pub(crate) seconds: f64,
}

impl Script {
    pub(super) fn version(self) -> Result<String, Trouble> {
        let mut command = Command::new(program("node")?);
        command.arg("--version");
        let node = super::asked(command)?;
        if self == Script::NodeCluster {
            return Ok(format!("node {node}"));
        }
        let package = installed().join("node_modules/egg-cluster/package.json");
        let package = std::fs::read_to_string(package)
            .map_err(|_| "egg-cluster is not installed; tests/install-peers does it")?;
        let package: serde_json::Value = serde_json::from_str(&package)?;
        Ok(format!(
            "egg-cluster {} on node {node}",
            package["version"].as_str().unwrap_or("?")
        ))
    }

    /// Starts master, agent and workers, who then do as `plan` says.
    pub(crate) fn start(self, plan: &Plan, pinned: bool) -> Result<Running, Trouble> {
        let script = match self {
            Script::NodeCluster => "node_cluster.js",
            Script::EggCluster => "egg_cluster.js",
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = process::command(&program("node")?, pinned)?;
        command.arg(scripts().join(script));
        command.env("HENHOUSE_BENCH_PLAN", serde_json::to_string(plan)?);
        command.env("HENHOUSE_BENCH_PEERS", installed());
        command.env("HENHOUSE_BENCH_PORT", port.to_string());
        Running::start(command)
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}
