//! Sends as fast as it is taken, or at a pace; and counts.

use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use crate::talk::{Order, Report, Task, now};
use crate::wire::{Ends, other};

/// A paced sender sends so often.
const TICK: Duration = Duration::from_millis(1);

pub(super) fn send(order: &Order, ends: &mut Ends) -> io::Result<Report> {
    let Task::Send {
        payload,
        write_bytes,
        seconds,
        pace,
    } = order.task
    else {
        return Err(io::Error::other("not an order to send"));
    };
    let message = order.wire.message(order.part, payload);
    let at_once = match pace {
        Some(pace) => (pace / payload) / 1000,
        None => write_bytes / message.len(),
    };
    let messages = message.repeat(at_once.max(1));
    let each = at_once.max(1) as u64;
    // Whoever writes must read too: a server that has something to say to a sender that does not
    // listen may in the end not listen either. The thread ends with this process.
    let mut reader = ends.reader.try_clone()?;
    thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    let (mut sent, began) = (0, now());
    let start = Instant::now();
    let time = Duration::from_secs_f64(seconds);
    let mut next = start;
    while start.elapsed() < time {
        if pace.is_some() {
            next += TICK;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        ends.writer.write_all(&messages)?;
        sent += each;
    }
    ends.writer
        .write_all(&order.wire.message(order.part, payload + 1))?;
    Ok(Report::Sent {
        messages: sent,
        began,
    })
}

pub(super) fn count(
    order: &Order,
    ends: &mut Ends,
    payload: usize,
    wanted: usize,
) -> io::Result<Report> {
    let mut arrivals = Arrivals::new(order.wire, other(order.part), payload);
    let (mut messages, mut ended, mut gap) = (0, 0, 0);
    let mut last = 0;
    while ended < wanted {
        let seen = arrivals.read(&mut ends.reader)?;
        if seen.messages > 0 {
            let at = now();
            if last > 0 {
                gap = gap.max(at - last);
            }
            last = at;
        }
        messages += seen.messages;
        ended += seen.ends;
    }
    Ok(Report::Counted {
        messages,
        ended: now(),
        gap,
    })
}
