//! Visitors of an HTTP server: each connects, asks once, reads to the end, and comes again.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Trouble;
use crate::talk::{Report, now, say};

/// As many at once.
const VISITORS: usize = 8;

/// The ports of one address are few, and each rests for a minute when it was used.
const VISITS_MAX: u64 = 16_000;

/// What such a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) port: u16,
    pub(crate) seconds: f64,
}

pub(crate) fn run(order: &str) -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(order)?;
    let began = now();
    let mut threads = Vec::new();
    for _ in 0..VISITORS {
        let order = order.clone();
        threads.push(thread::spawn(move || come_again(&order)));
    }
    let mut visits = 0;
    for thread in threads {
        visits += thread.join().map_err(|_| "a thread panicked")??;
    }
    say(&Report::Visited {
        visits,
        began,
        ended: now(),
    })
}

fn come_again(order: &Order) -> io::Result<u64> {
    let (start, time) = (Instant::now(), Duration::from_secs_f64(order.seconds));
    let mut visits = 0;
    while start.elapsed() < time && visits < VISITS_MAX / VISITORS as u64 {
        visit(order.port)?;
        visits += 1;
    }
    Ok(visits)
}

fn visit(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200 ") && answer.windows(7).any(|part| part == b"served\n") {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Err(io::Error::other(format!("not served, but {answer:?}")))
}
