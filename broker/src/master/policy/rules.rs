//! The numbers that the state machine goes by, with their defaults.

use std::time::Duration;

/// The most workers that a master will have: each needs a connection, and the broker has 1,024.
pub(crate) const WORKERS_MAX: u32 = 512;

/// How long a process may live on after its connection ended without a goodbye, before it counts
/// as failed: a crash closes the socket some time before it can be reaped.
pub(crate) const LOST_GRACE: Duration = Duration::from_secs(1);

/// How long one that was asked to go before it was ready may still say Ready: it may have said so,
/// and serve, before it could read that it was asked. Many times what a loaded machine takes.
pub(crate) const READY_GRACE: Duration = Duration::from_millis(500);

/// How long the master waits, after the last KILL of a shutdown, for the kernel to deliver it.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(2);

/// The window over which failures are counted against the intensity.
pub(crate) const INTENSITY_WINDOW: Duration = Duration::from_secs(60);

/// What holds for the whole house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Where there is an agent, what holds for it.
    pub(crate) agent: Option<RoleRules>,
    /// What holds for each worker.
    pub(crate) worker: RoleRules,
    /// How many workers there should be.
    pub(crate) workers: u32,
    /// A shutdown takes no longer.
    pub(crate) shutdown_timeout: Duration,
    /// With no worker ready for so long the master ends; `None`: never.
    pub(crate) give_up_after: Option<Duration>,
    /// A replacement must have been ready for so long before the old one drains.
    pub(crate) min_ready_for: Duration,
}

impl Rules {
    /// How many processes beyond the number of workers may live while some are replaced.
    pub(crate) fn surge(workers: u32) -> u32 {
        (workers / 4).max(1)
    }

    /// How long the parts of a shutdown take together at the most.
    pub(crate) fn shutdown_parts(&self) -> Duration {
        let part = |role: &RoleRules| role.drain_timeout + role.term_grace;
        part(&self.worker) + self.agent.as_ref().map_or(Duration::ZERO, part)
    }
}

/// What holds for the processes of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleRules {
    /// From its start to its Ready.
    pub(crate) start_timeout: Duration,
    /// From Drain to TERM.
    pub(crate) drain_timeout: Duration,
    /// From TERM to KILL.
    pub(crate) term_grace: Duration,
    /// Ready for so long, it is taken for stable, and its slot's failures are forgotten.
    pub(crate) stable_after: Duration,
    /// The delay before the second start; it doubles with every failure.
    pub(crate) backoff_first: Duration,
    /// The longest delay, and the interval of the slow retry.
    pub(crate) backoff_max: Duration,
    /// More failures of the role than this in a minute lead to slow retry; `None`: 10, or five
    /// for each worker.
    pub(crate) intensity: Option<u32>,
    /// One that ever said Beat, and then none for so long, is taken for stuck; `None`: never.
    pub(crate) watchdog: Option<Duration>,
    /// One that served for so long is replaced, give or take a tenth; `None`: never.
    pub(crate) age_max: Option<Duration>,
}

impl RoleRules {
    /// The defaults for a worker.
    pub(crate) fn worker() -> Self {
        Self {
            start_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
            term_grace: Duration::from_secs(3),
            stable_after: Duration::from_secs(30),
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            intensity: None,
            watchdog: Some(Duration::from_secs(30)),
            age_max: None,
        }
    }

    /// The defaults for the agent: it has less to finish, and others wait for its successor.
    pub(crate) fn agent() -> Self {
        Self {
            drain_timeout: Duration::from_secs(5),
            ..Self::worker()
        }
    }

    /// The number of failures in a minute that is still borne.
    pub(crate) fn intensity_of(&self, processes: u32) -> u32 {
        self.intensity
            .unwrap_or_else(|| processes.saturating_mul(5).max(10))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            agent: Some(RoleRules::agent()),
            worker: RoleRules::worker(),
            workers: 1,
            shutdown_timeout: Duration::from_secs(25),
            give_up_after: Some(Duration::from_secs(300)),
            min_ready_for: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_shutdown_fit_in_the_default_total() {
        let rules = Rules::default();
        assert!(rules.shutdown_parts() <= rules.shutdown_timeout);
    }

    #[test]
    fn one_extra_for_few_workers_and_a_quarter_for_many() {
        assert_eq!(Rules::surge(1), 1);
        assert_eq!(Rules::surge(7), 1);
        assert_eq!(Rules::surge(8), 2);
    }
}
