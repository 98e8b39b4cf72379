//! One measurement, from its processes to its line.

use crate::process::{Process, pin};
use crate::{Trouble, Work};

/// Measures `work` with so many messages, and prints what comes of it.
pub(crate) fn measure(work: &Work, messages: usize) -> Result<(), Trouble> {
    pin(work.pinned)?;
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("broker.sock");
    let socket = socket.to_str().ok_or("a directory that is not UTF-8")?;
    let mut broker = Process::start(&["broker", socket, &work.receivers.to_string()])?;
    broker.numbers()?;
    let (count, threads) = (messages.to_string(), work.threads.to_string());
    let part = |part| Process::start(&["part", part, socket, &count, &threads]);
    let mut receivers = Vec::new();
    for _ in 0..work.receivers {
        receivers.push(part(work.part)?);
    }
    let asks = work.part == "answer";
    let sender = part(if asks { "ask" } else { "send" })?.numbers()?;
    if asks {
        // The answerer ends with its broker, and the broker says first what it has used.
        broker.end();
    }
    let mut ended = 0;
    let mut receiver_used = 0;
    for receiver in &mut receivers {
        let numbers = receiver.numbers()?;
        ended = ended.max(numbers[0]);
        receiver_used += numbers[1] / work.receivers as u64;
    }
    broker.end();
    let broker_used = broker.numbers()?[0];
    let ended = sender.get(2).copied().unwrap_or(ended);
    let seconds = (ended - sender[0]) as f64 / 1e9;
    let each = |used: u64| used as f64 / messages as f64 / 1e3;
    print!(
        "{:<22} {:>9.0}/s  {:5.2} {:5.2} {:5.2}",
        work.name,
        messages as f64 / seconds,
        each(sender[1]),
        each(broker_used),
        each(receiver_used)
    );
    match sender[..] {
        [_, _, _, p50, p99] => println!(
            "  p50 {:.1} us, p99 {:.1} us",
            p50 as f64 / 1e3,
            p99 as f64 / 1e3
        ),
        _ => println!(),
    }
    Ok(())
}
