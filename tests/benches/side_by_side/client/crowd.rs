//! Many connections of one process.

use std::io::{self, Read as _};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::Trouble;
use crate::talk::{Order, Report, now, say, wait_for_word};
use crate::wire::Ends;

/// Threads that only wait for a socket need little.
const STACK_BYTES: usize = 64 << 10;

/// Joins, and reads whatever comes.
pub(super) fn idle(order: &Order, connections: usize) -> Result<(), Trouble> {
    let mut all: Vec<Ends> = Vec::new();
    for _ in 0..connections {
        // Only that which listens: where a protocol needs a second one to send, it would count.
        let mut ends = order.wire.greet(&order.address, order.part)?;
        order.wire.ready(&mut ends, order.part)?;
        all.push(ends);
    }
    say(&Report::Ready)?;
    let mut scrap = vec![0; 64 << 10];
    loop {
        let mut waited: Vec<PollFd<'_>> = all
            .iter()
            .map(|ends| PollFd::new(&ends.reader, PollFlags::IN))
            .collect();
        poll(&mut waited, None)?;
        let readable: Vec<bool> = waited.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (ends, readable) in all.iter_mut().zip(readable) {
            if readable && ends.reader.read(&mut scrap)? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }
}

/// Connects in as many threads as connections, all at once.
pub(super) fn rush(order: &Order, connections: usize) -> Result<Report, Trouble> {
    let start = Arc::new(Barrier::new(connections + 1));
    let mut threads = Vec::new();
    for _ in 0..connections {
        let (order, start) = (order.clone(), Arc::clone(&start));
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || {
                start.wait();
                let ends = order.wire.greet(&order.address, order.part);
                (ends, now())
            })?;
        threads.push(thread);
    }
    say(&Report::Ready)?;
    wait_for_word()?;
    let began = now();
    start.wait();
    let (mut joined, mut failed, mut ended) = (0, 0, began);
    let mut open: Vec<io::Result<Ends>> = Vec::new();
    for thread in threads {
        let (ends, at) = thread.join().map_err(|_| "a thread panicked")?;
        match &ends {
            Ok(_) => (joined, ended) = (joined + 1, ended.max(at)),
            Err(_) => failed += 1,
        }
        open.push(ends);
    }
    // All stay open until the others have come too.
    thread::sleep(Duration::from_millis(200));
    drop(open);
    Ok(Report::Rushed {
        joined,
        failed,
        began,
        ended,
    })
}
