//! Senders that are far ahead of a receiver rest for a moment.
//!
//! Without it a flood fills the receiver's outbox to its limit and keeps it there: every byte
//! then goes out to main memory and back, and arrives as late as the whole outbox takes. A
//! burst still finds all of an outbox's room, since a rest is short whatever the receiver does.

use super::Hub;
use super::lane::Ending;
use crate::limits::AHEAD_BYTES;
use crate::roster::Key;

impl Hub {
    /// A sender's turn of reading begins.
    pub(crate) fn turn_begins(&mut self) {
        self.ahead_of = None;
    }

    /// Has `from` rest, if what it sent in this turn is far ahead of a receiver.
    pub(crate) fn rest(&mut self, from: Key) -> bool {
        let Some(receiver) = self.ahead_of.take() else {
            return false;
        };
        // Its own outbox is written in its own turn; and one that ends holds nobody up.
        if receiver == from || self.lanes[from].ending != Ending::No {
            return false;
        }
        let Some(ahead_of) = self.lanes.get_mut(receiver) else {
            return false;
        };
        if !ahead_of.resting.contains(&from) {
            ahead_of.resting.push(from);
        }
        self.lanes[from].rests = true;
        true
    }

    /// `from` has rested long enough.
    pub(crate) fn rested(&mut self, from: Key) {
        self.lanes[from].rests = false;
    }

    /// Whether `from` rests.
    pub(crate) fn rests(&self, from: Key) -> bool {
        self.lanes[from].rests
    }

    /// `receiver` has taken something: those who rest because of it go on, if it has caught up.
    pub(super) fn caught_up(&mut self, receiver: Key) {
        let lane = &mut self.lanes[receiver];
        if lane.resting.is_empty() || lane.outbox.waiting_bytes() > AHEAD_BYTES / 2 {
            return;
        }
        for from in std::mem::take(&mut lane.resting) {
            // Its place may be another connection's by now, to which this does nothing.
            if let Some(lane) = self.lanes.get_mut(from)
                && lane.rests
            {
                lane.rests = false;
                self.mark(from);
            }
        }
    }
}
