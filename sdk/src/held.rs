//! Senders that wait for room.

use std::task::Waker;

/// A place among those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Those who wait for room in the outbox. One that is polled again keeps its place, and one
/// that gives up leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Held {
    waiting: Vec<(Ticket, Waker)>,
    next: u64,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Keeps `waker` for when there is room.
    pub(crate) fn hold(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) {
        if let Some(ticket) = ticket
            && let Some((_, place)) = self.waiting.iter_mut().find(|(place, _)| place == ticket)
        {
            place.clone_from(waker);
            return;
        }
        let new = Ticket(self.next);
        self.next += 1;
        self.waiting.push((new, waker.clone()));
        *ticket = Some(new);
    }

    pub(crate) fn release(&mut self, ticket: Ticket) {
        self.waiting.retain(|(place, _)| *place != ticket);
    }

    /// Everybody, to be woken: there is room.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        let everybody = std::mem::take(&mut self.waiting);
        everybody.into_iter().map(|(_, waker)| waker).collect()
    }
}
