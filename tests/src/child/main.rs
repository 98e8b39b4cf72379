//! A process that does what a test tells it, and tells the test all that happens to it.
//!
//! It is started as agent or worker like any other, connects to the test's own socket
//! (`HENHOUSE_TEST_CONTROL`), says who it is, and then takes one command per line, as JSON:
//! see [`commands`]. Whatever it is not told to do, it does not do: it neither joins nor gets
//! ready by itself.

mod commands;
mod control;
mod serve;

use std::process::ExitCode;

use serde_json::json;

use crate::commands::Child;
use crate::control::Control;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let local = tokio::task::LocalSet::new();
    match local.block_on(&runtime, run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&*error),
    }
}

async fn run() -> Result<(), henhouse_sdk::BoxError> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (control, mut orders) = Control::connect(&variable("HENHOUSE_TEST_CONTROL")).await?;
    control.say(json!({
        "event": "born",
        "pid": std::process::id(),
        "role": variable("HENHOUSE_ROLE"),
        "index": variable("HENHOUSE_INDEX"),
        "incarnation": variable("HENHOUSE_INCARNATION"),
        "generation": variable("HENHOUSE_GENERATION"),
    }));
    let child = Child::new(control);
    // The test is over when its socket is closed, and so are we.
    while let Some(order) = orders.next().await? {
        child.obey(order);
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "the last lines of a child are what its master shows"
)]
fn complain(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("henhouse-child: {error}");
    ExitCode::FAILURE
}
