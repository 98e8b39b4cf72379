//! What is promised about a message, kept while processes are killed.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod check;
mod crowd;
mod flood;
mod held_back;
mod hostile;
mod journal;
mod losses;
mod play;
mod stage;
mod talk;
