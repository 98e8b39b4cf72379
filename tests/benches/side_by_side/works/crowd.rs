//! Many connections: what a silent one costs, and how fast a thousand come in.

use std::thread;
use std::time::Duration;

use super::{FAILED, Figures, KIB_EACH, MILLISECONDS, PATIENCE, RAW, client, joined};
use crate::Trouble;
use crate::peer::{Place, Server, Started};
use crate::process::{Running, resident_bytes};
use crate::talk::{Part, Report, Task};

/// After the last has joined, what was said about it has been read after so long.
const SETTLE: Duration = Duration::from_secs(2);

pub(super) fn idle(
    processes: usize,
    each: usize,
    server: Server,
) -> Result<Option<Figures>, Trouble> {
    // These two serve a fixed number of clients, and have no idle ones.
    if matches!(server, Server::CopyLoop | Server::Naive) {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let place = Place {
        directory: directory.path(),
        clients: processes * each,
        pinned: false,
        unlimited: false,
    };
    let server = server.start(place)?;
    let before = resident_bytes(server.running.pid())?;
    let _clients = crowd(&server, processes, Task::Idle { connections: each })?;
    thread::sleep(SETTLE);
    let bytes = resident_bytes(server.running.pid())? - before;
    Ok(Some(Figures::from([(
        KIB_EACH,
        bytes / 1024.0 / (processes * each) as f64,
    )])))
}

pub(super) fn rush(
    processes: usize,
    each: usize,
    server: Server,
) -> Result<Option<Figures>, Trouble> {
    if matches!(server, Server::CopyLoop | Server::Naive) {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let place = Place {
        directory: directory.path(),
        clients: processes * each,
        pinned: false,
        unlimited: false,
    };
    let server = server.start(place)?;
    let mut clients = crowd(&server, processes, Task::Rush { connections: each })?;
    for client in &mut clients {
        client.go()?;
    }
    let (mut first, mut last, mut all_failed) = (u64::MAX, 0, 0);
    for client in &mut clients {
        let Report::Rushed {
            failed,
            began,
            ended,
            ..
        } = client.report(PATIENCE)?
        else {
            return Err("no report of a rush".into());
        };
        first = first.min(began);
        last = last.max(ended);
        all_failed += failed;
    }
    Ok(Some(Figures::from([
        (MILLISECONDS, (last - first) as f64 / 1e6),
        (FAILED, all_failed as f64),
    ])))
}

fn crowd(server: &Started, processes: usize, task: Task) -> Result<Vec<Running>, Trouble> {
    let mut clients = Vec::new();
    for _ in 0..processes {
        clients.push(client(server, Part::Many, task, RAW)?);
    }
    for client in &mut clients {
        joined(client)?;
    }
    Ok(clients)
}
