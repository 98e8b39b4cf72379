//! Houses of Node processes: under our own master, under egg-cluster, and under the least that
//! can be made of Node's own process channels.

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
    Henhouse,
    NodeCluster,
    EggCluster,
}

/// What its agent and workers are to do; see `load.js`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    /// "flood", "ping", or "stand": be ready, and serve who comes.
    pub(crate) work: &'static str,
    pub(crate) payload: usize,
    pub(crate) from: &'static str,
    pub(crate) sources: usize,
    pub(crate) many: usize,
    pub(crate) seconds: f64,
    /// Milliseconds from ready to the first message.
    pub(crate) pause: u32,
}

impl Plan {
    /// To be ready.
    pub(crate) fn stand(workers: usize) -> Plan {
        Plan {
            work: "stand",
            payload: 0,
            from: "one",
            sources: 0,
            many: workers,
            seconds: 0.0,
            pause: 0,
        }
    }
}

/// A house that is starting.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) master: Running,
    /// Where its workers will listen.
    pub(crate) port: u16,
}

impl Script {
    pub(super) fn version(self) -> Result<String, Trouble> {
        let mut command = Command::new(program("node")?);
        command.arg("--version");
        let node = super::asked(command)?;
        match self {
            Script::NodeCluster => Ok(format!("node {node}")),
            Script::Henhouse => {
                let version = env!("CARGO_PKG_VERSION");
                match our_client().is_file() {
                    true => Ok(format!("{version} on node {node}")),
                    false => Err("examples/node is not built; tests/install-peers does it".into()),
                }
            }
            Script::EggCluster => {
                let package = installed().join("node_modules/egg-cluster/package.json");
                let package = std::fs::read_to_string(package)
                    .map_err(|_| "egg-cluster is not installed; tests/install-peers does it")?;
                let package: serde_json::Value = serde_json::from_str(&package)?;
                let version = package["version"].as_str().unwrap_or("?");
                Ok(format!("egg-cluster {version} on node {node}"))
            }
        }
    }

    pub(super) fn how(self) -> &'static str {
        match self {
            Script::Henhouse => {
                "henhouse start -c henhouse.toml, of node benches/peers/henhouse.mjs"
            }
            Script::NodeCluster => "node benches/peers/node_cluster.js",
            Script::EggCluster => "node benches/peers/egg_cluster.js",
        }
    }

    /// Starts master, agent and workers, who then do as `plan` says.
    pub(crate) fn start(
        self,
        plan: &Plan,
        directory: &Path,
        pinned: bool,
    ) -> Result<House, Trouble> {
        let node = program("node")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = match self {
            Script::Henhouse => {
                let child = [node.as_path(), &scripts().join("henhouse.mjs")];
                super::henhouse::master(&child, plan.many, port, directory, pinned)?
            }
            Script::NodeCluster => script(&node, "node_cluster.js", pinned)?,
            Script::EggCluster => script(&node, "egg_cluster.js", pinned)?,
        };
        // Our master takes what begins with HENHOUSE_ out of its children's environment.
        command.env("BENCH_PLAN", serde_json::to_string(plan)?);
        command.env("BENCH_PACKAGES", installed());
        command.env("BENCH_CLIENT", our_client());
        command.env("BENCH_PORT", port.to_string());
        let master = Running::start_master(command, directory)?;
        Ok(House { master, port })
    }
}

fn script(node: &Path, name: &str, pinned: bool) -> Result<Command, Trouble> {
    let mut command = process::command(node, pinned)?;
    command.arg(scripts().join(name));
    Ok(command)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

fn our_client() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/node/dist/src/index.js")
}
