//! Senders that are held back because a message of theirs found no room.

use std::time::Instant;

use henhouse_proto::wire::Code;

use super::Hub;
use super::lane::{Blocked, Gate, Tally};
use super::origin::{IfLost, Place, Sent};
use super::payload::{Found, Payload};
use super::refusal::Cause;
use crate::roster::Key;

impl Hub {
    /// Holds a sender back until its message has found room at the `remaining` places.
    pub(super) fn block(
        &mut self,
        from: Key,
        payload: Payload<'_>,
        sent: Sent,
        remaining: Vec<(Place, IfLost)>,
        tally: Tally,
        now: Instant,
    ) {
        for (place, _) in &remaining {
            if let Some(gate) = self.gate(*place) {
                gate.waiters.push_back(from);
            }
        }
        self.waiting_bytes += payload.len();
        self.blocked.insert(from);
        let lane = &mut self.lanes[from];
        lane.clocks.hold(now);
        lane.blocked = Some(Blocked {
            body: payload.to_bytes(),
            sent,
            since: now,
            remaining,
            tally,
        });
    }

    /// There may be room at `place`: those who wait there try again, first come first served.
    pub(super) fn release(&mut self, place: Place, now: Instant) {
        while let Some(from) = self
            .gate(place)
            .and_then(|gate| gate.waiters.front().copied())
        {
            if self.try_again(from, place, now) == Some(Found::NoRoom) {
                return;
            }
            if let Some(gate) = self.gate(place) {
                gate.waiters.pop_front();
            }
        }
    }

    /// `None` where `from` does not wait for `place` any more.
    fn try_again(&mut self, from: Key, place: Place, now: Instant) -> Option<Found> {
        let lane = self.lanes.get_mut(from)?;
        let blocked = lane.blocked.as_ref()?;
        let (_, if_lost) = *blocked
            .remaining
            .iter()
            .find(|(other, _)| *other == place)?;
        let passed = blocked.sent.passed(lane.connection, if_lost);
        let (body, stamp) = (blocked.body.clone(), lane.stamp);
        let found = self.deliver(place, Payload::Shared(&body), &stamp, passed, true, now);
        if found != Found::NoRoom {
            self.found(from, place, found, now);
        }
        Some(found)
    }

    /// The blocked message of `from` is settled at `place`.
    pub(super) fn found(&mut self, from: Key, place: Place, found: Found, now: Instant) {
        let Some(blocked) = self.lanes[from].blocked.as_mut() else {
            return;
        };
        blocked.remaining.retain(|(other, _)| *other != place);
        match found {
            Found::Outbox => blocked.tally.queued += 1,
            Found::Mailbox => blocked.tally.held += 1,
            Found::Refused => blocked.tally.refused += 1,
            Found::NoRoom => {}
        }
        if found == Found::Refused {
            let sent = blocked.sent;
            self.refuse_place(from, sent, place);
        }
        self.settle_blocked(from, now);
    }

    /// The blocked message of `from` gets nowhere at `place`, for that reason.
    pub(super) fn turn_blocked_away(
        &mut self,
        from: Key,
        place: Place,
        code: Code,
        cause: Cause,
        now: Instant,
    ) {
        let Some(blocked) = self.lanes[from].blocked.as_mut() else {
            return;
        };
        blocked.remaining.retain(|(other, _)| *other != place);
        blocked.tally.refused += 1;
        let sent = blocked.sent;
        self.turn_away(from, sent, code, cause);
        self.settle_blocked(from, now);
    }

    /// Lets a sender go on, if its message waits nowhere any more.
    pub(super) fn settle_blocked(&mut self, from: Key, now: Instant) {
        let lane = &mut self.lanes[from];
        if lane
            .blocked
            .as_ref()
            .is_none_or(|blocked| !blocked.remaining.is_empty())
        {
            return;
        }
        lane.clocks.release(now);
        if let Some(blocked) = self.drop_blocked(from) {
            self.settle(from, blocked.sent, blocked.tally);
        }
        self.mark(from);
    }

    /// Forgets a sender's blocked message. It still stands at the gates, and is passed over.
    pub(super) fn drop_blocked(&mut self, from: Key) -> Option<Blocked> {
        self.blocked.remove(&from);
        let blocked = self.lanes[from].blocked.take()?;
        self.waiting_bytes -= blocked.body.len();
        Some(blocked)
    }

    /// Those who wait at `gate` for room at `old` wait for room at `new` from now on.
    pub(super) fn move_waiters(&mut self, gate: Gate, old: Place, new: Place) {
        for from in gate.waiters {
            let Some(blocked) = self
                .lanes
                .get_mut(from)
                .and_then(|lane| lane.blocked.as_mut())
            else {
                continue;
            };
            let mut waits = false;
            for (place, _) in &mut blocked.remaining {
                if *place == old {
                    *place = new;
                    waits = true;
                }
            }
            if waits && let Some(gate) = self.gate(new) {
                gate.waiters.push_back(from);
            }
        }
    }

    /// Everybody who is held back tries again: there is room under the limit over all.
    pub(super) fn release_all(&mut self, now: Instant) {
        self.short_of_memory = false;
        for from in self.blocked.clone() {
            let Some(blocked) = self.lanes[from].blocked.as_ref() else {
                continue;
            };
            for (place, _) in blocked.remaining.clone() {
                self.release(place, now);
            }
        }
    }

    /// The gate of one place.
    pub(super) fn gate(&mut self, place: Place) -> Option<&mut Gate> {
        match place {
            Place::Lane(key) => self.lanes.get_mut(key).map(|lane| &mut lane.gate),
            mailbox => self.mail.at(mailbox).map(|mailbox| &mut mailbox.gate),
        }
    }
}
