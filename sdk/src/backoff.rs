//! How long to wait before the next try.

use std::time::Duration;

use crate::limits::{BACKOFF_MAX, BACKOFF_MIN};

/// Full jitter: a random time up to a bound that doubles, so that a broker that comes back
/// does not meet all its processes at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    bound: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Backoff {
        Backoff { bound: BACKOFF_MIN }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.bound.mul_f64(fastrand::f64());
        self.bound = (self.bound * 2).min(BACKOFF_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_their_bound() {
        let mut backoff = Backoff::new();
        assert!(backoff.next() <= BACKOFF_MIN);
        let pauses: Vec<_> = (0..1_000).map(|_| backoff.next()).collect();
        assert!(pauses.iter().all(|pause| *pause <= BACKOFF_MAX));
        assert!(pauses.iter().any(|pause| *pause > BACKOFF_MAX / 2));
    }
}
