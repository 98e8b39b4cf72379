//! Whole houses: real processes and sockets, each test with a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod messages;
mod stage;
mod start;
mod weather;
