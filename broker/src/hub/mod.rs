//! What happens to a message: where it waits, who is held back for it, who hears what became
//! of it.
//!
//! The hub is plain data that sessions share. It waits for nothing and asks no clock: each call
//! brings the time, and leaves a list of connections that now have something to do.

mod admission;
mod blocked;
mod boot;
mod command;
mod deliver;
mod depart;
mod hello;
mod lane;
mod look;
mod mail;
mod news;
mod operator;
mod orders;
mod origin;
mod pace;
mod payload;
mod refusal;
mod requests;
mod route;
mod seat;
mod status;
mod tell;
#[cfg(any(test, feature = "fuzzing"))]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use henhouse_proto::frame::{self, Body, Stamp};
use henhouse_proto::outbox::Spares;
use henhouse_proto::reader::{Frame, TooLarge};
use henhouse_proto::wire::{self, Code};
use slab::Slab;
use tokio::io::AsyncWrite;

use self::admission::Tokens;
pub(crate) use self::admission::{Door, Fatal};
use self::boot::Boot;
pub(crate) use self::boot::Expected;
use self::lane::{Ending, Lane};
use self::mail::Mail;
pub use self::operator::{Report, Verb};
use self::origin::{IfLost, Origin, Place};
use self::refusal::{Cause, Refusal};
use self::requests::Requests;
pub use self::seat::{Admission, BrokerEvent, Seat};
use self::status::Counters;
pub use self::status::{BrokerStatus, ConnectionStatus};
#[cfg(feature = "fuzzing")]
pub(crate) use self::tests::play;
use crate::limits::{EVENTS_MAX, Limits, RESERVE_BYTES};
use crate::roster::{Key, Roster};

/// One turn writes at most so much for one receiver, so that none keeps the others waiting.
pub(crate) const WRITE_TURN_BYTES: usize = 1 << 20;

/// All that a broker knows.
#[derive(Debug)]
pub(crate) struct Hub {
    limits: Limits,
    roster: Roster,
    lanes: Slab<Lane>,
    tokens: Tokens,
    mail: Mail,
    requests: Requests,
    boot: Boot,
    counters: Counters,
    /// Senders that are held back.
    blocked: BTreeSet<Key>,
    /// Whether a sender waits because of the limit over all, and not of a receiver.
    short_of_memory: bool,
    /// Everything that counts against the limit over all.
    waiting_bytes: usize,
    /// The part of it that is half-received frames.
    receiving_bytes: usize,
    /// Who may go on receiving though that part has its full share, and since when.
    favoured: Option<(Key, Instant)>,
    /// A receiver that has much waiting, of those that were sent something in this turn.
    ahead_of: Option<Key>,
    /// Connections that are about to end.
    endings: usize,
    /// When `egg-pids` is to be told.
    pids_due: Option<Instant>,
    /// Lanes that have something to do.
    marked: Vec<Key>,
    events: VecDeque<BrokerEvent>,
    shutting_down: bool,
    connections: u64,
    sequence: u64,
    /// Who signs the lifecycle news.
    stamp: Stamp,
    rng: fastrand::Rng,
    spares: Spares<Origin>,
    /// Where the message at hand goes; kept for its memory.
    places: Vec<(Place, IfLost)>,
}

impl Hub {
    /// A hub that expects `expected` before the first `egg-ready`.
    pub(crate) fn new(
        limits: Limits,
        admission: Admission,
        expected: Expected,
        seed: u64,
        now: Instant,
    ) -> Hub {
        Hub {
            roster: Roster::default(),
            lanes: Slab::new(),
            tokens: Tokens::new(admission),
            mail: Mail::new(expected.workers, now),
            requests: Requests::default(),
            boot: Boot::new(expected, now),
            counters: Counters::default(),
            blocked: BTreeSet::new(),
            short_of_memory: false,
            waiting_bytes: 0,
            receiving_bytes: 0,
            favoured: None,
            ahead_of: None,
            endings: 0,
            pids_due: None,
            marked: Vec::new(),
            events: VecDeque::new(),
            shutting_down: false,
            connections: 0,
            sequence: 0,
            stamp: Stamp::new(std::process::id(), wire::Role::Master, 0),
            rng: fastrand::Rng::with_seed(seed),
            spares: Spares::new(),
            places: Vec::new(),
            limits,
        }
    }

    /// A further frame from a registered process.
    #[inline]
    pub(crate) fn take(&mut self, key: Key, frame: Frame<'_>, now: Instant) {
        if matches!(self.lanes[key].ending, Ending::LastFrame(_)) && self.roster.get(key).is_none()
        {
            // After Goodbye, or after a fatal fault: nothing more counts.
            return;
        }
        // The header borrows from the frame, and the frame may move into an outbox. To scan a
        // shared handle costs a counter, and only long frames have one.
        let shared = match &frame {
            Frame::Borrowed(_) => None,
            Frame::Owned(bytes) => Some(bytes.clone()),
        };
        let bytes = shared.as_deref().unwrap_or(&frame);
        match frame::scan(bytes) {
            Ok(Body::Message(Ok(header))) => {
                self.message(key, bytes, shared.as_ref(), &header, now);
            }
            // A dead process's messages are passed on, and it wants nothing more for itself.
            Ok(_) if self.lanes[key].is_deaf() => {}
            Ok(body) => self.control(key, body, now),
            Err(error) => self.end(key, Fatal::new(Code::Malformed, error.to_string()), now),
        }
    }

    /// A process says something that is too long to be read.
    pub(crate) fn too_large(&mut self, key: Key, error: TooLarge, now: Instant) {
        let detail = format!("{error}; send less at a time, or raise frame_bytes_max");
        self.end(key, Fatal::new(Code::TooLarge, detail), now);
    }

    fn control(&mut self, key: Key, body: Body<'_>, now: Instant) {
        let refuse = |hub: &mut Hub, code, cause| hub.refuse(key, Refusal { code, id: 0, cause });
        match body {
            Body::Message(Ok(_)) => {}
            Body::Message(Err(nonsense)) => {
                let code = if nonsense.forbidden {
                    Code::Forbidden
                } else {
                    Code::Malformed
                };
                let cause = Cause::Nonsense(nonsense.detail);
                self.refuse(
                    key,
                    Refusal {
                        code,
                        id: nonsense.id,
                        cause,
                    },
                );
            }
            Body::Hello(_) => refuse(self, Code::Malformed, Cause::Again("Hello")),
            Body::Ready => self.ready(key, now),
            Body::Failing(failing) => self.failing(key, failing.reason, now),
            Body::Goodbye => self.goodbye(key, now),
            Body::Ping(ping) => {
                self.tell(
                    key,
                    wire::frame::Body::Pong(wire::Pong { nonce: ping.nonce }),
                );
            }
            Body::Pong(_) => {}
            Body::Beat(beat) => self.beat(key, beat.active),
            Body::Command(command) => self.command(key, command),
            Body::BrokersOwn(_) => refuse(self, Code::Forbidden, Cause::BrokersOwn),
            Body::Unknown => refuse(self, Code::Malformed, Cause::UnknownBody),
        }
    }

    /// Whether anything is to be read from that connection now.
    #[inline]
    pub(crate) fn may_read(&self, key: Key) -> bool {
        let lane = &self.lanes[key];
        lane.blocked.is_none()
            && !lane.rests
            && lane.own_bytes < RESERVE_BYTES
            && lane.owed.is_empty()
            && !matches!(lane.ending, Ending::LastFrame(_))
            && self.events.len() < EVENTS_MAX
            && self.may_receive(key)
    }

    /// A session holds so many bytes of a frame that has not wholly arrived.
    pub(crate) fn receiving(&mut self, key: Key, bytes: usize) {
        let was_crowded = self.is_crowded();
        let lane = &mut self.lanes[key];
        self.waiting_bytes = self.waiting_bytes - lane.receiving_bytes + bytes;
        self.receiving_bytes = self.receiving_bytes - lane.receiving_bytes + bytes;
        lane.receiving_bytes = bytes;
        if was_crowded && !self.is_crowded() {
            // Whoever was not read because of that is read again.
            self.mark_all();
        }
    }

    /// Something arrived from that connection.
    pub(crate) fn heard(&mut self, key: Key, now: Instant) {
        let lane = &mut self.lanes[key];
        lane.heard_at = now;
        lane.pinged = false;
    }

    /// Writes what waits for that connection. Gives the number of bytes written; 0 where
    /// nothing waits.
    pub(crate) fn poll_write<S: AsyncWrite>(
        &mut self,
        key: Key,
        cx: &mut Context<'_>,
        stream: Pin<&mut S>,
        now: Instant,
    ) -> Poll<std::io::Result<usize>> {
        let lane = &mut self.lanes[key];
        let before = lane.outbox.waiting_bytes();
        let mut own = 0;
        let mut messages = 0;
        let mut last = None;
        let gone = |origin| match origin {
            Origin::Broker { bytes } => own += bytes,
            Origin::News => {}
            Origin::Message(passed) => {
                messages += 1;
                last = Some(passed);
            }
        };
        let wrote = lane
            .outbox
            .poll_write(cx, stream, WRITE_TURN_BYTES, &mut self.spares, gone);
        self.waiting_bytes -= before - lane.outbox.waiting_bytes();
        lane.own_bytes -= own;
        lane.messages_written += messages;
        self.counters.messages_written += messages;
        if let (Some(passed), Some(_)) = (last, &self.lanes[key].departed) {
            self.read_by_leaver(key, passed);
        }
        if matches!(wrote, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.took(key, now);
        }
        wrote
    }

    /// Whether that connection has nothing more to say or to hear.
    pub(crate) fn is_over(&self, key: Key, now: Instant) -> bool {
        match self.lanes[key].ending {
            Ending::LastFrame(deadline) => self.lanes[key].outbox.is_empty() || deadline <= now,
            Ending::No | Ending::ReadToEnd => false,
        }
    }

    /// Whether that connection's process is dead, and only what it said before is to be read.
    pub(crate) fn is_read_to_end(&self, key: Key) -> bool {
        self.lanes[key].ending == Ending::ReadToEnd
    }

    /// Whether nothing has been read from that connection for `time`, because a message of its
    /// own waits for room.
    pub(crate) fn is_held_back(&self, key: Key, time: Duration, now: Instant) -> bool {
        let blocked = self.lanes[key].blocked.as_ref();
        blocked.is_some_and(|blocked| now.saturating_duration_since(blocked.since) >= time)
    }

    /// That connection's stream has ended.
    pub(crate) fn closed(&mut self, key: Key, now: Instant) {
        self.leave(key, false, now);
        self.find_place_for_half_written(key, now);
        self.receiving(key, 0);
        let lane = self.lanes.remove(key);
        self.requests.close_all_of(lane.connection);
        self.waiting_bytes -= lane.counted_bytes();
        if lane.ending != Ending::No {
            self.endings -= 1;
        }
        if self.short_of_memory {
            self.release_all(now);
        }
    }

    /// Connections that have something to do since the last call.
    #[inline]
    pub(crate) fn take_marked(&mut self, into: &mut Vec<Key>) {
        for key in self.marked.drain(..) {
            if let Some(lane) = self.lanes.get_mut(key) {
                lane.marked = false;
                into.push(key);
            }
        }
    }

    /// What happened since the last call.
    pub(crate) fn take_events(&mut self) -> VecDeque<BrokerEvent> {
        if self.events.len() >= EVENTS_MAX {
            self.mark_all();
        }
        std::mem::take(&mut self.events)
    }

    /// Whether something happened since events were last taken.
    #[inline]
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// A connection was refused before it had registered.
    pub(crate) fn refused(&mut self, code: Code) {
        self.counters.count(code);
    }

    fn event(&mut self, event: BrokerEvent) {
        self.events.push_back(event);
    }

    #[inline]
    fn mark(&mut self, key: Key) {
        let lane = &mut self.lanes[key];
        if !lane.marked {
            lane.marked = true;
            self.marked.push(key);
        }
    }

    fn mark_all(&mut self) {
        let keys: Vec<Key> = self.lanes.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.mark(key);
        }
    }

    /// What all the counters must come to, for tests: everything, counted anew.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn counted_bytes(&self) -> usize {
        self.lanes
            .iter()
            .map(|(_, lane)| lane.counted_bytes())
            .sum::<usize>()
            + self.mail.waiting_bytes()
    }
}

impl Fatal {
    /// The frame that says so.
    pub(crate) fn into_fault(self) -> wire::Fault {
        wire::Fault {
            code: self.code.into(),
            id: 0,
            detail: self.detail,
            fatal: true,
        }
    }
}
