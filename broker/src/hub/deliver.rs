//! A message on its way into outboxes and mailboxes.

use std::time::Instant;

use bytes::Bytes;
use henhouse_proto::frame::{Header, Stamp, Target};
use henhouse_proto::outbox::{Outbox, SHARE_FROM_BYTES};
use henhouse_proto::wire::{self, Code, Want};

use super::Hub;
use super::lane::Tally;
use super::origin::{IfLost, Origin, Passed, Place, Sent};
use super::payload::{Found, Payload};
use super::refusal::{Cause, Refusal};
use super::requests::Verdict;
use crate::limits::AHEAD_BYTES;
use crate::roster::Key;

impl Hub {
    /// Passes a message on, or refuses it, or holds its sender back.
    pub(super) fn message(
        &mut self,
        from: Key,
        bytes: &[u8],
        shared: Option<&Bytes>,
        header: &Header<'_>,
        now: Instant,
    ) {
        let sender = self.lanes[from].connection;
        let id = header.id;
        let refuse = |hub: &mut Hub, (code, cause)| hub.refuse(from, Refusal { code, id, cause });
        self.counters.messages_read += 1;
        self.sequence += 1;
        let sent = Sent::new(header, self.sequence);
        if let Target::Reply {
            connection,
            in_reply_to,
        } = header.target
        {
            match self.requests.reply((connection, in_reply_to), sender) {
                Verdict::Passes => {}
                Verdict::NotAsked => {
                    return refuse(self, (Code::Forbidden, Cause::NotAsked));
                }
                Verdict::Late => {
                    self.counters.late_replies += 1;
                    return self.settle(from, sent, Tally::default());
                }
            }
        }
        if header.want == Want::Reply {
            if self.requests.is_open((sender, id)) {
                return refuse(self, (Code::Malformed, Cause::IdInUse));
            }
            if self.requests.count(sender) >= self.limits.requests_max {
                return refuse(self, (Code::Undeliverable, Cause::TooManyRequests));
            }
        }
        if let Err(nobody) = self.find_places(from, header.target) {
            return refuse(self, nobody);
        }
        if header.want == Want::Reply {
            let deadline = now + header.timeout;
            self.requests.open((sender, id), self.sequence, deadline);
        }
        self.pass_on(from, bytes, shared, sent, now);
    }

    fn pass_on(
        &mut self,
        from: Key,
        bytes: &[u8],
        shared: Option<&Bytes>,
        sent: Sent,
        now: Instant,
    ) {
        // One copy for all, where sharing it is cheaper than a copy for each.
        let copy = (shared.is_none() && self.places.len() > 1 && bytes.len() >= SHARE_FROM_BYTES)
            .then(|| Bytes::copy_from_slice(bytes));
        let payload = match shared.or(copy.as_ref()) {
            Some(bytes) => Payload::Shared(bytes),
            None => Payload::Copied(bytes),
        };
        let (connection, stamp) = (self.lanes[from].connection, self.lanes[from].stamp);
        let mut tally = Tally::default();
        let mut without_room = Vec::new();
        for index in 0..self.places.len() {
            let (place, if_lost) = self.places[index];
            let passed = sent.passed(connection, if_lost);
            match self.deliver(place, payload, &stamp, passed, false, now) {
                Found::Outbox => tally.queued += 1,
                Found::Mailbox => tally.held += 1,
                Found::NoRoom => without_room.push((place, if_lost)),
                Found::Refused => {
                    tally.refused += 1;
                    self.refuse_place(from, sent, place);
                }
            }
        }
        if without_room.is_empty() {
            self.settle(from, sent, tally);
        } else {
            self.block(from, payload, sent, without_room, tally, now);
        }
    }

    /// Puts a message at one place, if it has room there.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        place: Place,
        payload: Payload<'_>,
        stamp: &Stamp,
        passed: Passed,
        first_in_line: bool,
        now: Instant,
    ) -> Found {
        let cost = Outbox::<Origin>::cost(payload.len() + stamp.as_bytes().len());
        let fits_all = self.waiting_bytes + cost <= self.limits.waiting_bytes_max;
        let bytes_max = self.limits.outbox_bytes_max;
        // An empty one takes any one frame.
        let fits = |waiting| fits_all && (waiting == 0 || waiting + cost <= bytes_max);
        let (passes, outbox, found) = match place {
            Place::Lane(key) => {
                let lane = &mut self.lanes[key];
                // A reply passes by all that is held until its receiver is ready: it may be what
                // that one needs to get ready.
                let overtakes = !lane.ready && passed.if_lost == IfLost::Forget;
                let mut waiting = lane.message_bytes();
                if overtakes {
                    waiting -= lane.held.waiting_bytes();
                }
                if waiting == 0 {
                    lane.clocks.took(now);
                }
                let passes = if overtakes {
                    lane.gate.overtaken(fits(waiting))
                } else {
                    lane.gate.passes(waiting, fits(waiting), first_in_line, now)
                };
                if lane.ready || overtakes {
                    (passes, &mut lane.outbox, Found::Outbox)
                } else {
                    (passes, &mut lane.held, Found::Mailbox)
                }
            }
            mailbox => {
                let Some(mailbox) = self.mail.at(mailbox) else {
                    return Found::Refused;
                };
                let waiting = mailbox.outbox.waiting_bytes();
                let passes = mailbox
                    .gate
                    .passes(waiting, fits(waiting), first_in_line, now);
                (passes, &mut mailbox.outbox, Found::Mailbox)
            }
        };
        if let Err(found) = passes {
            self.short_of_memory |= !fits_all;
            return found;
        }
        let origin = Origin::Message(passed);
        match payload {
            Payload::Copied(bytes) => {
                outbox.push(bytes, stamp.as_bytes(), origin, &mut self.spares);
            }
            Payload::Shared(bytes) => {
                outbox.push_shared(bytes.clone(), stamp.as_bytes(), origin, &mut self.spares);
            }
        }
        self.waiting_bytes += cost;
        if let Place::Lane(key) = place {
            self.arrived_at(key, found, passed);
        }
        found
    }

    /// A message has found room at a process.
    #[inline]
    fn arrived_at(&mut self, key: Key, found: Found, passed: Passed) {
        let lane = &mut self.lanes[key];
        if passed.request {
            self.requests
                .ask(passed.name(), passed.sequence, lane.connection);
        }
        if found == Found::Outbox {
            if lane.outbox.waiting_bytes() > AHEAD_BYTES {
                self.ahead_of = Some(key);
            }
            if !lane.marked {
                lane.marked = true;
                self.marked.push(key);
            }
        }
    }

    /// A message has got wherever it gets: its sender hears so, if it wants to.
    pub(super) fn settle(&mut self, from: Key, sent: Sent, tally: Tally) {
        if sent.want == Want::Receipt && tally.refused == 0 {
            let receipt = wire::Receipt {
                id: sent.id,
                queued: tally.queued,
                held: tally.held,
            };
            self.tell(from, wire::frame::Body::Receipt(receipt));
        }
    }

    /// A message found no room at `place` in time.
    pub(super) fn refuse_place(&mut self, from: Key, sent: Sent, place: Place) {
        let cause = match place {
            Place::Lane(key) => {
                let lane = &self.lanes[key];
                Cause::NoRoomAt {
                    pid: lane.pid,
                    connection: lane.connection,
                }
            }
            Place::AgentMailbox | Place::WorkerMailbox(_) | Place::RandomMailbox => {
                Cause::MailboxFull
            }
        };
        self.turn_away(from, sent, Code::Undeliverable, cause);
    }

    /// A message gets nowhere, and neither does the request that it answers.
    pub(super) fn turn_away(&mut self, from: Key, sent: Sent, code: Code, cause: Cause) {
        if let Some(request) = sent.answers {
            self.end_requests(vec![request], code, Cause::NoRoomForReply);
        }
        let (id, name) = (sent.id, (self.lanes[from].connection, sent.id));
        if sent.want == Want::Reply && !self.requests.end(name, sent.sequence) {
            // It timed out, and its sender knows.
            return;
        }
        self.refuse(from, Refusal { code, id, cause });
    }
}
