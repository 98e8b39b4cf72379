//! What the hub keeps of one connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use henhouse_proto::frame::Stamp;
use henhouse_proto::outbox::Outbox;

use super::origin::{Origin, Place, Sent};
use super::payload::Found;
use super::refusal::Refusal;
use crate::roster::{Key, Member};

/// What the hub keeps of one connection, from its Hello until its stream is closed.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) connection: u64,
    pub(super) pid: u32,
    pub(super) stamp: Stamp,
    /// What is on its way to the process.
    pub(super) outbox: Outbox<Origin>,
    /// What waits until the process is ready.
    pub(super) held: Outbox<Origin>,
    /// Whether messages go to the outbox, and are not held.
    pub(super) ready: bool,
    /// How much of the outbox is the broker's own.
    pub(super) own_bytes: usize,
    /// Refusals that found no room in the reserve, with how many messages each is about.
    pub(super) owed: VecDeque<(Refusal, u64)>,
    /// The senders that wait for room here.
    pub(super) gate: Gate,
    /// The process's own message that found no room somewhere: it is held back.
    pub(super) blocked: Option<Blocked>,
    pub(super) clocks: Clocks,
    /// Whether its process rests, as a sender.
    pub(super) rests: bool,
    /// Who rests because of what waits here.
    pub(super) resting: Vec<Key>,
    /// Who it was, once it is in the roster no more.
    pub(super) departed: Option<Member>,
    /// What its session holds of a half-received frame, in bytes.
    pub(super) receiving_bytes: usize,
    pub(super) heard_at: Instant,
    /// How many requests it had at work when it last said that its event loop turns.
    pub(super) beat: Option<u32>,
    /// Whether it was pinged since it was last heard.
    pub(super) pinged: bool,
    pub(super) ending: Ending,
    /// Messages that were wholly written to it.
    pub(super) messages_written: u64,
    /// Whether it is on the list of lanes that have something to do.
    pub(super) marked: bool,
}

/// How far a connection is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It goes on.
    No,
    /// The process is dead: what it said before is still to be read.
    ReadToEnd,
    /// The last frame is in the outbox, and is given until then to leave.
    LastFrame(Instant),
}

impl Lane {
    pub(super) fn new(connection: u64, pid: u32, stamp: Stamp, now: Instant) -> Lane {
        Lane {
            connection,
            pid,
            stamp,
            outbox: Outbox::new(),
            held: Outbox::new(),
            ready: false,
            own_bytes: 0,
            owed: VecDeque::new(),
            gate: Gate::new(now),
            blocked: None,
            clocks: Clocks::new(now),
            rests: false,
            resting: Vec::new(),
            departed: None,
            receiving_bytes: 0,
            heard_at: now,
            beat: None,
            pinged: false,
            ending: Ending::No,
            messages_written: 0,
            marked: false,
        }
    }

    /// Whether its process is dead, and only what it said before counts.
    pub(super) fn is_deaf(&self) -> bool {
        self.ending == Ending::ReadToEnd && self.departed.is_some()
    }

    /// What waits here and counts against the limit of an outbox.
    #[inline]
    pub(super) fn message_bytes(&self) -> usize {
        self.outbox.waiting_bytes().saturating_sub(self.own_bytes) + self.held.waiting_bytes()
    }

    /// What is kept here and counts against the limit of all.
    pub(super) fn counted_bytes(&self) -> usize {
        self.outbox.waiting_bytes()
            + self.held.waiting_bytes()
            + self.owed.len() * Refusal::COST_BYTES
            + self.receiving_bytes
            + self
                .blocked
                .as_ref()
                .map_or(0, |blocked| blocked.body.len())
    }
}

/// Where senders wait for room, first come first served.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) waiters: VecDeque<Key>,
    /// When something last left through here, or could have begun to.
    pub(super) moved_at: Instant,
    /// Whether a message that finds no room is refused at once, because one before it waited
    /// in vain.
    pub(super) refusing: bool,
}

impl Gate {
    pub(super) fn new(now: Instant) -> Gate {
        Gate {
            waiters: VecDeque::new(),
            moved_at: now,
            refusing: false,
        }
    }

    /// Whether a message gets in, where `waiting` bytes wait already and it `fits` or not; else
    /// what it finds.
    #[inline]
    pub(super) fn passes(
        &mut self,
        waiting: usize,
        fits: bool,
        first_in_line: bool,
        now: Instant,
    ) -> Result<(), Found> {
        if waiting == 0 && self.waiters.is_empty() {
            self.moved_at = now;
        }
        if fits && (first_in_line || self.waiters.is_empty()) {
            self.refusing = false;
            return Ok(());
        }
        Err(self.without_room())
    }

    /// Whether a message gets in that has nothing to do with what waits here.
    pub(super) fn overtaken(&self, fits: bool) -> Result<(), Found> {
        if fits {
            Ok(())
        } else {
            Err(self.without_room())
        }
    }

    fn without_room(&self) -> Found {
        if self.refusing {
            Found::Refused
        } else {
            Found::NoRoom
        }
    }
}

/// A message that has not found room everywhere yet.
#[derive(Debug)]
pub(super) struct Blocked {
    pub(super) body: Bytes,
    pub(super) sent: Sent,
    pub(super) since: Instant,
    /// Where it still has to go, and what becomes of it if that receiver is lost.
    pub(super) remaining: Vec<(Place, super::origin::IfLost)>,
    pub(super) tally: Tally,
}

/// Where one message has got to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) queued: u32,
    pub(super) held: u32,
    pub(super) refused: u32,
}

/// The clocks that tell a slow receiver from a stuck one. Both stand still while the broker
/// holds the process itself back: it may be waiting for us before it reads.
#[derive(Debug)]
pub(super) struct Clocks {
    /// When it last took something, or first had something to take.
    took_at: Instant,
    /// When its outbox was last under half its limit.
    low_at: Instant,
    held_back_at: Option<Instant>,
}

impl Clocks {
    fn new(now: Instant) -> Clocks {
        Clocks {
            took_at: now,
            low_at: now,
            held_back_at: None,
        }
    }

    /// It took something, or had nothing to take.
    #[inline]
    pub(super) fn took(&mut self, now: Instant) {
        self.took_at = now;
    }

    /// Its outbox is under half its limit.
    #[inline]
    pub(super) fn low(&mut self, now: Instant) {
        self.low_at = now;
    }

    /// It is held back from now on.
    pub(super) fn hold(&mut self, now: Instant) {
        self.held_back_at.get_or_insert(now);
    }

    /// It is not held back any more: the clocks go on where they stood.
    pub(super) fn release(&mut self, now: Instant) {
        if let Some(since) = self.held_back_at.take() {
            self.took_at += now.saturating_duration_since(since.max(self.took_at));
            self.low_at += now.saturating_duration_since(since.max(self.low_at));
        }
    }

    /// How long it has taken nothing.
    pub(super) fn idle(&self, now: Instant) -> Duration {
        self.held_back_at
            .unwrap_or(now)
            .saturating_duration_since(self.took_at)
    }

    /// How long its outbox has been over half its limit.
    pub(super) fn high(&self, now: Instant) -> Duration {
        self.held_back_at
            .unwrap_or(now)
            .saturating_duration_since(self.low_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stands_still_while_its_process_is_held_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clocks = Clocks::new(start);
        clocks.hold(at(3));
        assert_eq!(clocks.idle(at(60)), Duration::from_secs(3));
        clocks.release(at(60));
        assert_eq!(clocks.idle(at(60)), Duration::from_secs(3));
        assert_eq!(clocks.idle(at(64)), Duration::from_secs(7));
        assert_eq!(clocks.high(at(64)), Duration::from_secs(7));
    }

    #[test]
    fn what_is_taken_while_held_back_starts_the_clock_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clocks = Clocks::new(start);
        clocks.hold(at(3));
        clocks.took(at(10));
        assert_eq!(clocks.idle(at(20)), Duration::ZERO);
        clocks.release(at(20));
        assert_eq!(clocks.idle(at(21)), Duration::from_secs(1));
    }
}
