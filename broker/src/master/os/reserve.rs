//! Keeps the descriptors that children get their listeners at occupied in the master.
//!
//! A child's listeners are put at 3, 4 and so on between fork and exec. Were one of those numbers
//! free in the master, std's own pipe for "exec failed" could get it, would be overwritten, and a
//! program that does not exist would count as started.

use std::{
    fs::File,
    os::fd::{AsRawFd, OwnedFd},
};

use super::raw::{LISTEN_FIRST, LISTENERS_MAX};

/// The first descriptor above those that listeners are put at.
pub(crate) fn above_reserved() -> i32 {
    LISTEN_FIRST + i32::try_from(LISTENERS_MAX).unwrap_or(i32::MAX - LISTEN_FIRST)
}

/// Holds the reserved numbers that were free.
#[derive(Debug, Default)]
pub(crate) struct Reserve {
    held: Vec<OwnedFd>,
}

impl Reserve {
    /// Occupies those reserved numbers that are free now: an embedding program may have closed
    /// some that were its own.
    pub(crate) fn fill(&mut self) -> std::io::Result<()> {
        loop {
            // The kernel always gives the lowest free number.
            let null = File::open("/dev/null")?;
            if null.as_raw_fd() >= above_reserved() {
                return Ok(());
            }
            self.held.push(null.into());
        }
    }
}
