//! A client in a process of its own: joins, waits for its word, does one thing, reports.

mod arrivals;
mod crowd;
mod flood;
pub(crate) mod member;
mod ping;
pub(crate) mod visitors;

use crate::Trouble;
use crate::talk::{Order, Report, Task, say, wait_for_word};

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
                Task::Handle { .. } => return Err("bytes call no handlers".into()),
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
