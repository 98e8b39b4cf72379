//! Why a process does not fill its slot any longer, and how people say it.

use std::{fmt, time::Duration};

use super::{
    exit::{Exit, Span},
    model::Now,
    slot::Process,
};

/// Why a process does not fill its slot any longer. Every cause goes through
/// [`Supervisor::trouble`].
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    Exited(Exit),
    NotSpawned(String),
    NotReady,
    Failing(String),
    Lost { goodbye: bool },
    Stuck,
    Silent(Duration),
}

impl Trouble {
    /// Whether the process is gone already.
    pub(super) fn is_death(&self) -> bool {
        matches!(self, Self::Exited(_) | Self::NotSpawned(_))
    }

    /// What happened to that process, as people say it.
    pub(super) fn words(&self, process: &Process, now: Now) -> String {
        let when = match process.ready_at {
            Some(ready) => format!("{} after ready", Span(now.saturating_sub(ready))),
            None => format!(
                "before it was ready, {} after its start",
                Span(now.saturating_sub(process.started))
            ),
        };
        match self {
            Self::NotSpawned(_) => self.to_string(),
            Self::NotReady => format!("{self} in {}", Span(now.saturating_sub(process.started))),
            _ => format!("{self}, {when}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(exit) => exit.fmt(f),
            Self::NotSpawned(reason) => write!(f, "cannot be started: {reason}"),
            Self::NotReady => f.write_str("was not ready"),
            Self::Failing(reason) => write!(f, "says that it fails ({reason})"),
            Self::Lost { goodbye: true } => f.write_str("said goodbye unasked"),
            Self::Lost { goodbye: false } => f.write_str("lost its connection and lives on"),
            Self::Stuck => f.write_str("took no messages and was cut"),
            Self::Silent(time) => write!(f, "gave no sign of life for {}", Span(*time)),
        }
    }
}
