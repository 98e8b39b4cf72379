//! What the harness and its clients say to each other, and the clock that they share.
//!
//! The client libraries' program (`tests/benches/libraries`) is made of this file too.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What a client process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) wire: Wire,
    pub(crate) address: String,
    pub(crate) part: Part,
    pub(crate) task: Task,
}

/// Whose protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wire {
    /// Ours.
    Henhouse,
    /// NATS's text.
    Nats,
    /// Redis's text.
    Redis,
    /// ZeroMQ's.
    Zmq,
    /// A length and bytes, nothing else: for the brokers in here.
    Bare,
}

/// Who a client is: the one at one side, or one of those at the other. Each side hears what the
/// other sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    One,
    Many,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Send for so long, then one message that is a byte longer: the end.
    Send {
        payload: usize,
        write_bytes: usize,
        seconds: f64,
        pace: Option<usize>,
    },
    /// Count what arrives until so many ends have come.
    Count { payload: usize, ends: usize },
    /// The same in a handler that the library calls, where it has such.
    Handle { payload: usize, ends: usize },
    /// Join, and never read.
    Ignore,
    /// Send one, wait for the answer, again and again for so long.
    Ask { payload: usize, seconds: f64 },
    /// Answer each, until killed.
    Answer { payload: usize },
    /// Join so many times and read what comes, until killed.
    Idle { connections: usize },
    /// Connect so many times at once.
    Rush { connections: usize },
}

/// What a client says, a line each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Report {
    /// It has joined and waits for its word.
    Ready,
    /// It has sent; when it began, by the clock of all processes.
    Sent { messages: u64, began: u64 },
    /// It has counted; when the last came, and the longest time that nothing came.
    Counted { messages: u64, ended: u64, gap: u64 },
    /// How long each round trip took.
    Asked { nanoseconds: Vec<u64> },
    /// Connections that were taken in and that were not, and the first and last moment.
    Rushed {
        joined: u64,
        failed: u64,
        began: u64,
        ended: u64,
    },
    /// Visits to a server that were answered.
    Visited { visits: u64, began: u64, ended: u64 },
}

/// So much of a measurement of round trips is for warming up.
const WARM_UP: f64 = 0.1;

impl Report {
    /// Of all round trips but the first.
    pub(crate) fn asked(mut nanoseconds: Vec<u64>) -> Report {
        nanoseconds.drain(..(nanoseconds.len() as f64 * WARM_UP) as usize);
        Report::Asked { nanoseconds }
    }
}

/// Tells the harness, by a line on the standard output that begins with `@ `.
pub(crate) fn say(report: &Report) -> Result<(), Box<dyn Error>> {
    let mut line = String::from("@ ");
    line.push_str(&serde_json::to_string(report)?);
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    Ok(out.flush()?)
}

/// Until the harness says go.
pub(crate) fn wait_for_word() -> io::Result<()> {
    io::stdin().lock().read_line(&mut String::new()).map(drop)
}

/// The time in nanoseconds, by the clock that all processes share.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
