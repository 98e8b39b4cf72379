//! One work, done once by one peer, and what was seen of it.

mod crowd;
mod flood;
mod house;
mod ping;
mod stuck;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Trouble;
use crate::peer::{Peer, Started};
use crate::process::{Running, command, own_command};
use crate::scenario::{Through, Work};
use crate::talk::{Order, Part, Report, Task};

/// What was seen, by name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

pub(crate) const PER_SECOND: &str = "messages per second";
pub(crate) const CPU: &str = "cpu-seconds per million";
pub(crate) const CPU_ALL: &str = "cpu-seconds per million, all processes";
pub(crate) const CALLS: &str = "system calls per message";
pub(crate) const CALLS_ALL: &str = "system calls per message, all processes";
pub(crate) const P50: &str = "p50 us";
pub(crate) const P99: &str = "p99 us";
pub(crate) const P999: &str = "p99.9 us";
pub(crate) const KIB_EACH: &str = "KiB each";
pub(crate) const MILLISECONDS: &str = "ms until all are in";
pub(crate) const FAILED: &str = "refused";
pub(crate) const GAP: &str = "longest silence ms";
pub(crate) const LOST: &str = "lost";
pub(crate) const BOOT: &str = "ms to egg-ready";
pub(crate) const VISITS: &str = "connections per second";

/// How long anybody may take for anything before the round is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Node process compiles what it runs only after a while: the houses of Node get longer.
const NODE_TIMES: u32 = 3;

/// What is seen while a work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The clock.
    Time,
    /// How often processes call the system; the time means nothing then.
    Calls,
}

/// How works are done.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    /// How long a sender sends.
    pub(crate) time: Duration,
    /// The program of the client libraries, where there is one.
    pub(crate) library: Option<PathBuf>,
}

/// Does it. `None` where this peer has no such work.
pub(crate) fn run(
    work: Work,
    peer: Peer,
    means: &Means,
    watch: Watch,
) -> Result<Option<Figures>, Trouble> {
    match (work, peer, watch) {
        (Work::Flood(flood), Peer::Server(server), _) => {
            flood::by_server(flood, server, means, watch)
        }
        (Work::Flood(flood), Peer::Node(script), _) => {
            flood::by_node(flood, script, means.time * NODE_TIMES, watch)
        }
        (_, _, Watch::Calls) => Ok(None),
        (
            Work::Ping {
                payload,
                pinned,
                through,
            },
            peer,
            Watch::Time,
        ) => ping::run(payload, pinned, through, peer, means),
        (Work::Idle { processes, each }, Peer::Server(server), Watch::Time) => {
            crowd::idle(processes, each, server)
        }
        (Work::Rush { processes, each }, Peer::Server(server), Watch::Time) => {
            crowd::rush(processes, each, server)
        }
        (
            Work::Stuck {
                pace,
                stuck,
                seconds,
            },
            Peer::Server(server),
            Watch::Time,
        ) => stuck::run(pace, stuck, Duration::from_secs_f64(seconds), server),
        (Work::Boot { workers }, peer, Watch::Time) => house::boot(workers, peer),
        (Work::Serve { workers }, peer, Watch::Time) => house::serve(workers, peer, means.time),
        (Work::Idle { .. } | Work::Rush { .. } | Work::Stuck { .. }, Peer::Node(_), _) => Ok(None),
    }
}

/// How a client is started.
#[derive(Debug, Clone, Copy)]
struct Manner<'a> {
    through: Through,
    library: Option<&'a Path>,
    pinned: bool,
}

/// A raw client, on whatever core is free.
const RAW: Manner<'_> = Manner {
    through: Through::Bytes,
    library: None,
    pinned: false,
};

/// Starts one client of `server`.
fn client(
    server: &Started,
    part: Part,
    task: Task,
    manner: Manner<'_>,
) -> Result<Running, Trouble> {
    let order = Order {
        wire: server.wire,
        address: server.address.clone(),
        part,
        task,
    };
    let order = serde_json::to_string(&order)?;
    let command = match (manner.through, manner.library) {
        (Through::Bytes, _) => own_command("client", &order, manner.pinned)?,
        (Through::Library | Through::Handler, Some(library)) => {
            let mut command = command(library, manner.pinned)?;
            command.arg(order);
            command
        }
        (Through::Library | Through::Handler, None) => {
            return Err("the client libraries are not there".into());
        }
    };
    Running::start(command)
}

/// Waits until it has joined.
fn joined(client: &mut Running) -> Result<(), Trouble> {
    match client.report(PATIENCE)? {
        Report::Ready => Ok(()),
        report => Err(format!("not ready, but {report:?}").into()),
    }
}
