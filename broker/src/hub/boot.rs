//! Who is expected before the first `egg-ready`.

use std::time::{Duration, Instant};

/// Whom a broker waits for before it says `egg-ready` for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) agent: bool,
    pub(crate) workers: u32,
    /// After so long it goes on with those that are there.
    pub(crate) timeout: Option<Duration>,
}

/// How far the start has come. Plain data.
#[derive(Debug)]
pub(super) struct Boot {
    /// Whether an agent is expected, at the start and ever after.
    pub(super) agent: bool,
    pub(super) workers: u32,
    pub(super) deadline: Option<Instant>,
    /// Whether the first `egg-ready` was said.
    pub(super) done: bool,
}

impl Boot {
    pub(super) fn new(expected: Expected, now: Instant) -> Boot {
        Boot {
            agent: expected.agent,
            workers: expected.workers,
            deadline: expected.timeout.map(|timeout| now + timeout),
            done: !expected.agent && expected.workers == 0,
        }
    }

    /// Whether all that are expected are ready.
    pub(super) fn is_complete(&self, agent_ready: bool, workers_ready: usize) -> bool {
        (agent_ready || !self.agent) && workers_ready >= self.workers as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(agent: bool, workers: u32) -> Boot {
        Boot::new(
            Expected {
                agent,
                workers,
                timeout: None,
            },
            Instant::now(),
        )
    }

    #[test]
    fn nobody_expected_is_a_start_already_done() {
        assert!(boot(false, 0).done);
        assert!(!boot(true, 0).done);
    }

    #[test]
    fn a_start_is_complete_when_all_expected_are_ready() {
        assert!(!boot(true, 2).is_complete(true, 1));
        assert!(!boot(true, 2).is_complete(false, 2));
        assert!(boot(true, 2).is_complete(true, 2));
        assert!(boot(false, 1).is_complete(false, 1));
    }
}
