//! Being asked to leave.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Closed;
use crate::limits::DRAIN_DEADLINE;

/// The house asks this process to take nothing new, finish what it has, and leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// How much time is left. Then the process is ended.
    pub deadline: Duration,
    /// Why: a reload, a shutdown, a smaller scale.
    pub cause: String,
}

/// A drain as it is kept: its deadline stands while time goes on.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    at: Instant,
    cause: String,
}

impl Deadline {
    pub(crate) fn after(deadline: Duration, cause: String) -> Deadline {
        let at = Instant::now() + deadline;
        Deadline { at, cause }
    }

    /// A messenger that has ended asks its program to leave as well: nobody else will.
    pub(crate) fn of_the_end(why: &Closed) -> Deadline {
        Deadline::after(DRAIN_DEADLINE, why.to_string())
    }

    pub(crate) fn drain(&self) -> Drain {
        Drain {
            deadline: self.at.saturating_duration_since(Instant::now()),
            cause: self.cause.clone(),
        }
    }
}
