//! The `henhouse` command line.

mod arguments;
#[cfg(unix)]
mod bench;
mod broker;
#[cfg(unix)]
mod check;
#[cfg(unix)]
mod config;
mod log;
#[cfg(unix)]
mod operator;
mod out;
#[cfg(unix)]
mod send;
#[cfg(unix)]
mod start;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod steer;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Verb};

/// The command did not do what it was asked to.
pub(crate) const FAILED: u8 = 1;

/// What was asked for makes no sense.
#[cfg(unix)]
pub(crate) const USAGE: u8 = 2;

/// The configuration is wrong.
#[cfg(unix)]
pub(crate) const CONFIG: u8 = 78;

/// Runs the command with the process's own arguments.
pub fn main() -> ExitCode {
    // Usage errors end in clap, with 2.
    let code = match Arguments::parse().verb {
        Verb::Broker(arguments) => broker::run(&arguments),
        #[cfg(unix)]
        Verb::Start(at) => return start::run(&at),
        #[cfg(unix)]
        Verb::Check(at) => check::run(&at),
        #[cfg(unix)]
        Verb::Status(arguments) => status::run(&arguments),
        #[cfg(unix)]
        Verb::Reload(arguments) => steer::reload(&arguments),
        #[cfg(unix)]
        Verb::Restart(arguments) => steer::restart(&arguments),
        #[cfg(unix)]
        Verb::Scale(arguments) => steer::scale(&arguments),
        #[cfg(unix)]
        Verb::Stop(arguments) => steer::stop(&arguments),
        #[cfg(unix)]
        Verb::Logs(arguments) => steer::logs(&arguments),
        #[cfg(unix)]
        Verb::Send(arguments) => send::run(&arguments),
        #[cfg(unix)]
        Verb::Bench(arguments) => bench::run(&arguments),
        #[cfg(unix)]
        Verb::BenchBroker => bench::serve(),
    };
    ExitCode::from(code)
}
