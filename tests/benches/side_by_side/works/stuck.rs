//! Seven that read, beside one that never does. Every server has its own limits here.

use std::thread;
use std::time::Duration;

use super::{Figures, GAP, LOST, PATIENCE, PER_SECOND, RAW, client, joined};
use crate::Trouble;
use crate::peer::{Place, Server};
use crate::talk::{Part, Report, Task};

const PAYLOAD: usize = 128;
const READERS: usize = 7;

pub(super) fn run(
    pace: Option<usize>,
    stuck: bool,
    time: Duration,
    server: Server,
) -> Result<Option<Figures>, Trouble> {
    // With two of these one that does not read stops everybody, for ever; the third drops even the
    // word that it is over.
    if matches!(server, Server::CopyLoop | Server::Naive | Server::Zmq) {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let clients = 1 + READERS + usize::from(stuck);
    let server = server.start(Place {
        directory: directory.path(),
        clients,
        pinned: false,
        unlimited: false,
    })?;
    let count = Task::Count {
        payload: PAYLOAD,
        ends: 1,
    };
    let send = Task::Send {
        payload: PAYLOAD,
        write_bytes: 64 << 10,
        seconds: time.as_secs_f64(),
        pace,
    };
    let mut all = Vec::new();
    if stuck {
        all.push(client(&server, Part::Many, Task::Ignore, RAW)?);
    }
    for _ in 0..READERS {
        all.push(client(&server, Part::Many, count, RAW)?);
    }
    all.push(client(&server, Part::One, send, RAW)?);
    for client in &mut all {
        joined(client)?;
    }
    thread::sleep(Duration::from_millis(150));
    let readers = all.len() - 1 - READERS..all.len() - 1;
    let source = all.len() - 1;
    all[source].go()?;
    let Report::Sent {
        messages: sent,
        began,
    } = all[source].report(time + PATIENCE)?
    else {
        return Err("the sender did not send".into());
    };
    let (mut arrived, mut last, mut silence) = (0, began, 0);
    for reader in &mut all[readers] {
        let Report::Counted {
            messages,
            ended,
            gap,
        } = reader.report(PATIENCE)?
        else {
            return Err("a receiver did not count".into());
        };
        arrived += messages;
        last = last.max(ended);
        silence = silence.max(gap);
    }
    Ok(Some(Figures::from([
        (PER_SECOND, arrived as f64 / ((last - began) as f64 / 1e9)),
        (GAP, silence as f64 / 1e6),
        (LOST, (sent * READERS as u64).saturating_sub(arrived) as f64),
    ])))
}
