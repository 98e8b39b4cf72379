//! One message there and one back.

use std::thread;
use std::time::Duration;

use super::{Figures, Manner, Means, NODE_TIMES, P50, P99, P999, PATIENCE, client, joined};
use crate::Trouble;
use crate::peer::{Peer, Place, Plan, Script, Server};
use crate::scenario::Through;
use crate::statistics::percentile;
use crate::talk::{Part, Report, Task};

pub(super) fn run(
    payload: usize,
    pinned: bool,
    through: Through,
    peer: Peer,
    means: &Means,
) -> Result<Option<Figures>, Trouble> {
    let manner = Manner {
        through,
        library: means.library.as_deref(),
        pinned,
    };
    let mut nanoseconds = match (peer, through) {
        (Peer::Server(server), _) if !server.speaks(through) => return Ok(None),
        (Peer::Server(server), _) => by_server(payload, manner, server, means.time)?,
        // What Node's processes send by is their library.
        (Peer::Node(_), Through::Bytes) => return Ok(None),
        (Peer::Node(script), _) => by_node(payload, pinned, script, means.time * NODE_TIMES)?,
    };
    nanoseconds.sort_unstable();
    let us = |share| percentile(&nanoseconds, share) / 1000.0;
    Ok(Some(Figures::from([
        (P50, us(0.5)),
        (P99, us(0.99)),
        (P999, us(0.999)),
    ])))
}

fn by_server(
    payload: usize,
    manner: Manner<'_>,
    server: Server,
    time: Duration,
) -> Result<Vec<u64>, Trouble> {
    let directory = tempfile::tempdir()?;
    let server = server.start(Place {
        directory: directory.path(),
        clients: 2,
        pinned: manner.pinned,
        unlimited: true,
    })?;
    let ask = Task::Ask {
        payload,
        seconds: time.as_secs_f64(),
    };
    let mut answerer = client(&server, Part::Many, Task::Answer { payload }, manner)?;
    let mut asker = client(&server, Part::One, ask, manner)?;
    joined(&mut answerer)?;
    joined(&mut asker)?;
    thread::sleep(Duration::from_millis(150));
    asker.go()?;
    asked(asker.report(time + PATIENCE)?)
}

fn by_node(
    payload: usize,
    pinned: bool,
    script: Script,
    time: Duration,
) -> Result<Vec<u64>, Trouble> {
    let plan = Plan {
        work: "ping",
        payload,
        from: "one",
        sources: 1,
        many: 1,
        seconds: time.as_secs_f64(),
        pause: 300,
    };
    let directory = tempfile::tempdir()?;
    let mut master = script.start(&plan, directory.path(), pinned)?.master;
    loop {
        match master.report(time + PATIENCE)? {
            Report::Ready => {}
            report => return asked(report),
        }
    }
}

fn asked(report: Report) -> Result<Vec<u64>, Trouble> {
    match report {
        Report::Asked { nanoseconds } if !nanoseconds.is_empty() => Ok(nanoseconds),
        report => Err(format!("no round trips, but {report:?}").into()),
    }
}
