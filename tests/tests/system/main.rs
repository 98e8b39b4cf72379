//! Whole houses: real processes and sockets, each test with a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod command;
mod crossing;
mod failing;
mod faults;
mod give_up;
mod listeners;
mod load;
mod messages;
mod orphans;
mod output;
mod pid_one;
mod reconfigure;
mod reload;
mod scale;
mod send;
mod shutdown;
mod spawning;
mod stage;
mod start;
mod weather;
