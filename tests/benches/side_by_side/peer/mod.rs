//! Who is measured beside whom.

mod copy_loop;
pub(crate) mod henhouse;
mod naive;
mod nats;
mod node;
mod redis;
mod zmq;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::node::{House, Plan, Script};
use crate::Trouble;
use crate::process::{self, Running};
use crate::scenario::Through;
use crate::talk::{Part, Wire};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A server that raw clients speak to.
    Server(Server),
    /// A house of Node programs.
    Node(Script),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Henhouse,
    Nats,
    Redis,
    Zmq,
    CopyLoop,
    Naive,
}

/// What a server has to itself while it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Path,
    /// How many clients there will be.
    pub(crate) clients: usize,
    /// On one core, with the clients.
    pub(crate) pinned: bool,
    /// Whether slow receivers may have as much waiting as there is memory. Ours never may.
    pub(crate) unlimited: bool,
}

/// A server that takes connections.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) running: Running,
    pub(crate) wire: Wire,
    pub(crate) address: String,
}

/// All of them, in the order of the table.
pub(crate) const ALL: [Peer; 9] = [
    Peer::Server(Server::Henhouse),
    Peer::Server(Server::CopyLoop),
    Peer::Server(Server::Nats),
    Peer::Server(Server::Redis),
    Peer::Server(Server::Zmq),
    Peer::Server(Server::Naive),
    Peer::Node(Script::Henhouse),
    Peer::Node(Script::NodeCluster),
    Peer::Node(Script::EggCluster),
];

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Server(Server::Henhouse) => "henhouse",
            Peer::Server(Server::Nats) => "nats-server",
            Peer::Server(Server::Redis) => "redis",
            Peer::Server(Server::Zmq) => "libzmq proxy",
            Peer::Server(Server::CopyLoop) => "copy loop (floor)",
            Peer::Server(Server::Naive) => "naive tokio (control)",
            Peer::Node(Script::Henhouse) => "henhouse, in Node",
            Peer::Node(Script::NodeCluster) => "node cluster",
            Peer::Node(Script::EggCluster) => "egg-cluster",
        }
    }

    /// Which version it is; an error where it is not installed.
    pub(crate) fn version(self) -> Result<String, Trouble> {
        match self {
            Peer::Server(Server::Nats) => nats::version(),
            Peer::Server(Server::Redis) => redis::version(),
            Peer::Server(Server::Zmq) => zmq::version(),
            Peer::Server(Server::Henhouse | Server::CopyLoop | Server::Naive) => {
                Ok(env!("CARGO_PKG_VERSION").to_owned())
            }
            Peer::Node(script) => script.version(),
        }
    }

    /// How it is run.
    pub(crate) fn how(self) -> &'static str {
        match self {
            Peer::Server(Server::Henhouse) => henhouse::HOW,
            Peer::Server(Server::Nats) => nats::HOW,
            Peer::Server(Server::Redis) => redis::HOW,
            Peer::Server(Server::Zmq) => zmq::HOW,
            Peer::Server(Server::CopyLoop) => copy_loop::HOW,
            Peer::Server(Server::Naive) => naive::HOW,
            Peer::Node(script) => script.how(),
        }
    }
}

impl Server {
    /// Whether there are clients that speak to it so.
    pub(crate) fn speaks(self, through: Through) -> bool {
        match through {
            Through::Bytes => true,
            Through::Library | Through::Handler => matches!(self, Server::Henhouse | Server::Nats),
        }
    }

    /// Starts it, and waits until it takes connections.
    pub(crate) fn start(self, place: Place<'_>) -> Result<Started, Trouble> {
        let started = match self {
            Server::Henhouse => henhouse::start(place),
            Server::Nats => nats::start(place),
            Server::Redis => redis::start(place),
            Server::Zmq => zmq::start(place),
            Server::CopyLoop => copy_loop::start(place),
            Server::Naive => naive::start(place),
        }?;
        let give_up = Instant::now() + Duration::from_secs(10);
        loop {
            let open = match started.wire {
                // These take as many connections as there will be clients, and no more.
                Wire::Bare => Path::new(&started.address).exists(),
                wire => wire.greet(&started.address, Part::Many).is_ok(),
            };
            if open {
                return Ok(started);
            }
            if Instant::now() > give_up {
                return Err("the server does not take connections".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One of the brokers in this program.
fn own(word: &str, wire: Wire, place: Place<'_>) -> Result<Started, Trouble> {
    let socket = place.directory.join("s");
    let address = socket.to_string_lossy().into_owned();
    let order = crate::broker::Order {
        socket: address.clone(),
        clients: place.clients,
    };
    let command = process::own_command(word, &serde_json::to_string(&order)?, place.pinned)?;
    Ok(Started {
        running: Running::start(command)?,
        wire,
        address,
    })
}

/// Where `tests/install-peers` puts what it installs.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/peers")
}

/// A program that is installed on this host, or by `tests/install-peers`.
fn program(name: &str) -> Result<PathBuf, Trouble> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let root = installed().join("root/usr");
    std::env::split_paths(&path)
        .chain([root.join("bin"), root.join("sbin")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{name} is not installed; tests/install-peers does it").into())
}

/// Where the libraries are that such a program may need.
fn libraries() -> PathBuf {
    installed().join(format!("root/usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}

/// What a program says when it is asked for its version, the first line.
fn asked(mut command: std::process::Command) -> Result<String, Trouble> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
