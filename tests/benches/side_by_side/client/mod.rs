//! A client in a process of its own: joins, waits for its word, does one thing, reports.

mod arrivals;
mod crowd;
mod flood;
mod ping;

use std::io::{self, BufRead as _, Write as _};

use serde::{Deserialize, Serialize};

use crate::Trouble;
use crate::wire::{Part, Wire};

/// What a client process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) wire: Wire,
    pub(crate) address: String,
    pub(crate) part: Part,
    pub(crate) task: Task,
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

/// What a client says on its standard output, a line each, with `@ ` before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Report {
    /// An egg-cluster has started, all of it.
    Booted,
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
}

/// Does what `order` says.
pub(crate) fn run(order: &str) -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(order)?;
    let report = match order.task {
        Task::Idle { connections } => return crowd::idle(&order, connections),
        Task::Rush { connections } => crowd::rush(&order, connections)?,
        task => {
            let mut ends = order.wire.join(&order.address, order.part)?;
            say(&Report::Ready)?;
            match task {
                Task::Send { .. } => {
                    wait_for_word()?;
                    flood::send(&order, &mut ends)?
                }
                Task::Count {
                    payload,
                    ends: wanted,
                } => flood::count(&order, &mut ends, payload, wanted)?,
                Task::Ask { payload, seconds } => {
                    wait_for_word()?;
                    ping::ask(&order, &mut ends, payload, seconds)?
                }
                Task::Answer { payload } => return Ok(ping::answer(&order, &mut ends, payload)?),
                // Until it is killed.
                Task::Ignore | Task::Idle { .. } | Task::Rush { .. } => loop {
                    std::thread::park();
                },
            }
        }
    };
    say(&report)
}

fn say(report: &Report) -> Result<(), Trouble> {
    let mut line = String::from("@ ");
    line.push_str(&serde_json::to_string(report)?);
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    Ok(out.flush()?)
}

fn wait_for_word() -> io::Result<()> {
    io::stdin().lock().read_line(&mut String::new()).map(drop)
}
