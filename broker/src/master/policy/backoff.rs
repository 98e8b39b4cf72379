//! How long a slot waits before it tries again.

use std::time::Duration;

use super::{
    model::Now,
    rules::{INTENSITY_WINDOW, RoleRules},
};

/// The failures in a row of one slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    fails: u32,
}

impl Backoff {
    /// Counts a failure of a process that had been ready for `ready_for`, and gives the delay
    /// before the next start.
    ///
    /// Being ready is not enough to be forgiven, for to be ready and die two seconds later is the
    /// commonest loop of all: only a stable run is. The first crash after one restarts at once.
    pub(crate) fn failed(
        &mut self,
        ready_for: Option<Duration>,
        rules: &RoleRules,
        rng: &mut fastrand::Rng,
    ) -> Duration {
        if ready_for.is_some_and(|time| time >= rules.stable_after) {
            self.fails = 0;
        }
        self.fails = self.fails.saturating_add(1);
        if self.fails == 1 && ready_for.is_some() {
            return Duration::ZERO;
        }
        // 2^20 x 100 ms is more than a day, so the shift is bounded well before it overflows.
        let doubled = rules
            .backoff_first
            .saturating_mul(1 << (self.fails - 1).min(20));
        let jitter = 0.5 + rng.f64() / 2.0;
        doubled.min(rules.backoff_max).mul_f64(jitter)
    }
}

/// The failures of a whole role over the last minute.
///
/// Above its limit the role goes to slow retry: one start for each `backoff_max`, until one of its
/// processes has been stable. No slot is ever given up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intensity {
    failures: std::collections::VecDeque<Now>,
    slow_next: Option<Now>,
}

impl Intensity {
    /// Counts a failure; true where it leads to slow retry.
    pub(crate) fn failed(&mut self, now: Now, limit: u32) -> bool {
        self.failures.push_back(now);
        while self
            .failures
            .front()
            .is_some_and(|&first| first + INTENSITY_WINDOW < now)
            || self.failures.len() > limit as usize + 1
        {
            self.failures.pop_front();
        }
        let entered = self.slow_next.is_none() && self.failures.len() > limit as usize;
        if entered {
            self.slow_next = Some(now);
        }
        entered
    }

    /// Counts a start, and spaces the next one where retry is slow.
    pub(crate) fn started(&mut self, now: Now, rules: &RoleRules) {
        if let Some(next) = &mut self.slow_next {
            *next = now + rules.backoff_max;
        }
    }

    /// A process has been stable: forget all. True where that ends a slow retry.
    pub(crate) fn calmed(&mut self) -> bool {
        self.failures.clear();
        self.slow_next.take().is_some()
    }

    /// Somebody asks for a start now.
    pub(crate) fn hurry(&mut self, now: Now) {
        if let Some(next) = &mut self.slow_next {
            *next = now;
        }
    }

    /// In slow retry, the earliest next start.
    pub(crate) fn slow_next(&self) -> Option<Now> {
        self.slow_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_crash_after_a_stable_run_restarts_at_once_and_then_it_backs_off_to_the_cap() {
        let (rules, mut rng) = (RoleRules::worker(), fastrand::Rng::with_seed(1));
        let mut backoff = Backoff::default();
        assert_eq!(
            backoff.failed(Some(31 * SECOND), &rules, &mut rng),
            Duration::ZERO
        );
        let mut longest = Duration::ZERO;
        for step in 1..64 {
            let full = Duration::from_millis(100 << step.min(12)).min(30 * SECOND);
            let delay = backoff.failed(Some(2 * SECOND), &rules, &mut rng);
            assert!(
                delay >= full / 2 && delay <= full,
                "step {step}: {delay:?} of {full:?}"
            );
            longest = longest.max(delay);
        }
        assert!(longest > 25 * SECOND);
        assert_eq!(
            backoff.failed(Some(30 * SECOND), &rules, &mut rng),
            Duration::ZERO
        );
    }

    #[test]
    fn one_that_was_never_ready_waits_even_the_first_time() {
        let (rules, mut rng) = (RoleRules::worker(), fastrand::Rng::with_seed(1));
        assert!(Backoff::default().failed(None, &rules, &mut rng) >= Duration::from_millis(50));
    }

    #[test]
    fn above_its_intensity_a_role_starts_one_for_each_cap_until_one_is_stable() {
        let (rules, mut intensity) = (RoleRules::worker(), Intensity::default());
        for second in 0..10 {
            assert!(!intensity.failed(SECOND * second, 10));
        }
        assert!(intensity.failed(10 * SECOND, 10));
        assert_eq!(intensity.slow_next(), Some(10 * SECOND));
        intensity.started(11 * SECOND, &rules);
        assert_eq!(intensity.slow_next(), Some(41 * SECOND));
        assert!(!intensity.failed(12 * SECOND, 10), "it is slow already");
        assert!(intensity.calmed());
        assert_eq!(intensity.slow_next(), None);
    }

    #[test]
    fn failures_that_lie_far_apart_are_borne_for_ever() {
        let mut intensity = Intensity::default();
        assert!((0..1000).all(|count| !intensity.failed(SECOND * 7 * count, 10)));
    }
}
