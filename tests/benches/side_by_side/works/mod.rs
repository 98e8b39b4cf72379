//! One work, done once by one peer, and what was seen of it.

mod crowd;
mod flood;
mod ping;
mod stuck;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Trouble;
use crate::client::{Order, Report, Task};
use crate::peer::{Peer, Started};
use crate::process::{Running, own_command};
use crate::scenario::Work;
use crate::wire::Part;

/// What was seen, by name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

pub(crate) const PER_SECOND: &str = "messages per second";
pub(crate) const CPU: &str = "cpu-seconds per million";
pub(crate) const CALLS: &str = "system calls per message";
pub(crate) const P50: &str = "p50 us";
pub(crate) const P99: &str = "p99 us";
pub(crate) const P999: &str = "p99.9 us";
pub(crate) const KIB_EACH: &str = "KiB each";
pub(crate) const MILLISECONDS: &str = "ms until all are in";
pub(crate) const FAILED: &str = "refused";
pub(crate) const GAP: &str = "longest silence ms";
pub(crate) const LOST: &str = "lost";

/// How long anybody may take for anything before the round is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is seen while a work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The clock.
    Time,
    /// How often the server calls the system; the time means nothing then.
    Calls,
}

/// Does it. `None` where this peer has no such work.
pub(crate) fn run(
    work: Work,
    peer: Peer,
    time: Duration,
    watch: Watch,
) -> Result<Option<Figures>, Trouble> {
    match (work, peer, watch) {
        (Work::Flood(flood), Peer::Server(server), _) => {
            flood::by_server(flood, server, time, watch)
        }
        (Work::Flood(flood), Peer::Node(script), Watch::Time) => {
            flood::by_node(flood, script, time)
        }
        (Work::Ping { payload, pinned }, peer, Watch::Time) => {
            ping::run(payload, pinned, peer, time)
        }
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
                longer,
            },
            Peer::Server(server),
            Watch::Time,
        ) => stuck::run(pace, stuck, time * longer, server),
        (_, Peer::Node(_), _) | (_, _, Watch::Calls) => Ok(None),
    }
}

/// Starts one client of `server`.
fn client(server: &Started, part: Part, task: Task, pinned: bool) -> Result<Running, Trouble> {
    let order = Order {
        wire: server.wire,
        address: server.address.clone(),
        part,
        task,
    };
    Running::start(own_command(
        "client",
        &serde_json::to_string(&order)?,
        pinned,
    )?)
}

/// Waits until it has joined.
fn joined(client: &mut Running) -> Result<(), Trouble> {
    match client.report(PATIENCE)? {
        Report::Ready => Ok(()),
        report => Err(format!("not ready, but {report:?}").into()),
    }
}
