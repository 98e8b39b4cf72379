//! One message there and one back.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use crate::talk::{Order, Report};
use crate::wire::{Ends, other};

pub(super) fn ask(
    order: &Order,
    ends: &mut Ends,
    payload: usize,
    seconds: f64,
) -> io::Result<Report> {
    let message = order.wire.message(order.part, payload);
    let mut arrivals = Arrivals::new(order.wire, other(order.part), payload);
    let mut nanoseconds = Vec::new();
    let start = Instant::now();
    let time = Duration::from_secs_f64(seconds);
    while start.elapsed() < time {
        let asked = Instant::now();
        ends.writer.write_all(&message)?;
        while arrivals.read(&mut ends.reader)?.messages == 0 {}
        nanoseconds.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(Report::asked(nanoseconds))
}

/// Until it is killed.
pub(super) fn answer(order: &Order, ends: &mut Ends, payload: usize) -> io::Result<()> {
    let message = order.wire.message(order.part, payload);
    let mut arrivals = Arrivals::new(order.wire, other(order.part), payload);
    loop {
        for _ in 0..arrivals.read(&mut ends.reader)?.messages {
            ends.writer.write_all(&message)?;
        }
    }
}
