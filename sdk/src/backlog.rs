//! How many bytes wait for this program's handlers, and when the session may read on.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// A count with a bound, over all queues of a messenger.
///
/// Two bounds, in fact. Beyond the first the session stops reading, so that the broker holds
/// our senders back. But a handler may itself be waiting for the broker: for a reply, a
/// receipt, or room to send. What it waits for comes behind the messages that fill the queues,
/// so while anybody waits the session reads on, up to twice the bound. Beyond that nothing is
/// read, and the waiting ends by its own time-out.
#[derive(Debug)]
pub(crate) struct Backlog {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// 0, or the count at which the session, which holds, is to be woken.
    wake_at: AtomicUsize,
    session: Mutex<Option<Waker>>,
}

impl Backlog {
    pub(crate) fn new(bytes_max: usize) -> Backlog {
        Backlog {
            bytes_max: bytes_max.max(1),
            bytes: AtomicUsize::new(0),
            wake_at: AtomicUsize::new(0),
            session: Mutex::new(None),
        }
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, SeqCst);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        let left = self.bytes.fetch_sub(bytes, SeqCst) - bytes;
        let wake_at = self.wake_at.load(SeqCst);
        if wake_at > 0 && left <= wake_at && self.wake_at.swap(0, SeqCst) > 0 {
            let session = self.session().take();
            if let Some(waker) = session {
                waker.wake();
            }
        }
    }

    /// Ready where the session may read. `somebody_waits` is asked only where it matters; where
    /// it says no, it is to wake the session when that changes.
    pub(crate) fn poll_room(
        &self,
        cx: &mut Context<'_>,
        somebody_waits: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<()> {
        if self.bytes.load(SeqCst) < self.bytes_max {
            return Poll::Ready(());
        }
        let bound = if somebody_waits(cx) {
            self.bytes_max.saturating_mul(2)
        } else {
            self.bytes_max
        };
        *self.session() = Some(cx.waker().clone());
        // An eighth below, so that the session is not woken for each message that is taken.
        self.wake_at.store((bound - bound / 8).max(1), SeqCst);
        // What was taken meanwhile may have gone before it could see that we hold.
        if self.bytes.load(SeqCst) < bound {
            self.wake_at.store(0, SeqCst);
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        // Held for a move of one waker; nothing in there can panic.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: usize, somebody_waits: bool, may_read: bool) {
        let backlog = Backlog::new(100);
        backlog.add(bytes);
        let polled = backlog.poll_room(&mut Context::from_waker(Waker::noop()), |_| somebody_waits);
        assert_eq!(polled.is_ready(), may_read);
    }

    #[test]
    fn the_session_stops_at_the_bound_and_goes_on_to_twice_that_while_somebody_waits() {
        check(99, false, true);
        check(100, false, false);
        check(100, true, true);
        check(199, true, true);
        check(200, true, false);
    }
}
