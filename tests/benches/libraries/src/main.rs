//! A client by the library that most would use for a server: does what the raw clients of the
//! bench `side_by_side` do, by the same orders, with the same reports.
//!
//! Each program has one thread for its event loop, the libraries' own habits, and a payload that
//! was made beforehand.

#[path = "../../side_by_side/talk.rs"]
mod talk;

mod henhouse;
mod nats;

use std::process::ExitCode;

use crate::talk::{Order, Wire};

type Trouble = Box<dyn std::error::Error>;

/// A sender looks at the clock after so many messages.
const BETWEEN_LOOKS: u64 = 64;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("client: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(&std::env::args().nth(1).ok_or("no order")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match order.wire {
        Wire::Henhouse => runtime.block_on(henhouse::run(order)),
        Wire::Nats => runtime.block_on(nats::run(order)),
        wire => Err(format!("no library for {wire:?} is here").into()),
    }
}

fn not_for_libraries<T>() -> Result<T, Trouble> {
    Err("the libraries have no such task".into())
}
