//! One message there and one back.

use std::thread;
use std::time::Duration;

use super::{Figures, P50, P99, P999, PATIENCE, client, joined};
use crate::Trouble;
use crate::client::{Report, Task};
use crate::peer::{Peer, Place, Plan, Script, Server};
use crate::statistics::percentile;
use crate::wire::Part;

pub(super) fn run(
    payload: usize,
    pinned: bool,
    peer: Peer,
    time: Duration,
) -> Result<Option<Figures>, Trouble> {
    let mut nanoseconds = match peer {
        Peer::Server(server) => by_server(payload, pinned, server, time)?,
        Peer::Node(script) => by_node(payload, pinned, script, time)?,
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
    pinned: bool,
    server: Server,
    time: Duration,
) -> Result<Vec<u64>, Trouble> {
    let directory = tempfile::tempdir()?;
    let server = server.start(Place {
        directory: directory.path(),
        clients: 2,
        pinned,
        unlimited: true,
    })?;
    let ask = Task::Ask {
        payload,
        seconds: time.as_secs_f64(),
    };
    let mut answerer = client(&server, Part::Many, Task::Answer { payload }, pinned)?;
    let mut asker = client(&server, Part::One, ask, pinned)?;
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
    };
    let mut master = script.start(&plan, pinned)?;
    loop {
        match master.report(time + PATIENCE)? {
            Report::Booted | Report::Ready => {}
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
