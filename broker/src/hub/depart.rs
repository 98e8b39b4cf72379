//! What becomes of what waited for a process that leaves.

use std::time::Instant;

use bytes::Bytes;
use henhouse_proto::limits::PREFIX_BYTES;
use henhouse_proto::outbox::Outbox;
use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::lane::{Ending, Gate};
use super::origin::{IfLost, Origin, Passed, Place};
use super::payload::Found;
use super::refusal::{Cause, Refusal};
use super::seat::BrokerEvent;
use crate::roster::{Key, Member, Role};

impl Hub {
    /// A process says that it leaves.
    pub(super) fn goodbye(&mut self, key: Key, now: Instant) {
        self.leave(key, true, now);
        self.pay_all_owed(key);
        self.last_frame(key, wire::frame::Body::Goodbye(wire::Goodbye {}), now);
    }

    /// What a stream that has ended did not wholly take counts as not sent.
    pub(super) fn find_place_for_half_written(&mut self, key: Key, now: Instant) {
        let lane = &mut self.lanes[key];
        let Some(member) = lane.departed.clone() else {
            return;
        };
        let outbox = std::mem::take(&mut lane.outbox);
        lane.own_bytes = 0;
        self.waiting_bytes -= outbox.waiting_bytes();
        // One that was not ready had nothing begun that is for its slot.
        self.find_new_places(&member, false, outbox.into_frames().collect(), now);
    }

    /// What had begun to leave for a process that leaves has wholly left: nobody will reply.
    pub(super) fn read_by_leaver(&mut self, key: Key, passed: Passed) {
        if passed.request && self.requests.end(passed.name(), passed.sequence) {
            let lane = &self.lanes[key];
            let (pid, connection) = (lane.pid, lane.connection);
            let cause = Cause::Gone { pid, connection };
            self.end_requests(vec![passed.name()], Code::Gone, cause);
        }
    }

    /// Takes a process out of the roster, and finds a place for all that waited for it.
    /// Its lane stays until its stream is closed.
    pub(super) fn leave(&mut self, key: Key, goodbye: bool, now: Instant) {
        self.depart(key, goodbye, now);
        self.abandon_blocked(key, now);
    }

    /// The process behind a connection is dead, and what it said before cannot be read yet, since
    /// it is held back: nothing waits for it until then, and it is told nothing more.
    pub(crate) fn died(&mut self, key: Key, now: Instant) {
        if self.roster.get(key).is_none() {
            return;
        }
        self.depart(key, false, now);
        self.find_place_for_half_written(key, now);
        let lane = &mut self.lanes[key];
        if lane.ending == Ending::No {
            self.endings += 1;
        }
        lane.ending = Ending::ReadToEnd;
        lane.rests = false;
        self.waiting_bytes -= std::mem::take(&mut lane.owed).len() * Refusal::COST_BYTES;
    }

    fn depart(&mut self, key: Key, goodbye: bool, now: Instant) {
        let Some(member) = self.roster.remove(key) else {
            return;
        };
        let lane = &mut self.lanes[key];
        let was_ready = lane.ready;
        let before = lane.outbox.waiting_bytes() + lane.held.waiting_bytes();
        // The frame that has begun to leave stays: if the stream goes on it must leave whole,
        // and if not, `closed` finds a place for it.
        let waiting = lane.outbox.take_unwritten();
        let held = std::mem::take(&mut lane.held).into_frames();
        let gate = std::mem::replace(&mut lane.gate, Gate::new(now));
        lane.own_bytes = lane.outbox.tags().map(Origin::own_bytes).sum();
        for origin in lane.outbox.tags() {
            if let Origin::Message(passed) = origin {
                self.requests.ask(passed.name(), passed.sequence, 0);
            }
        }
        self.waiting_bytes -= before - lane.outbox.waiting_bytes();
        let messages_written = lane.messages_written;
        if !goodbye {
            self.counters.written_to_lost += messages_written;
        }
        let frames: Vec<(Bytes, Origin)> = waiting.chain(held).collect();
        // What the broker itself had to say, a leaver still hears.
        for (frame, origin) in &frames {
            if let Origin::Broker { bytes } = origin {
                lane.outbox.push_encoded(frame, *origin, &mut self.spares);
                lane.own_bytes += bytes;
                self.waiting_bytes += bytes;
            }
        }
        lane.departed = Some(member.clone());
        let slot_is_owed = self.owes_slot(&member, was_ready);
        self.find_new_places(&member, slot_is_owed, frames, now);
        self.turn_waiters_away(&member, slot_is_owed, Place::Lane(key), gate, now);
        self.requests.close_all_of(member.connection);
        let cause = Cause::Gone {
            pid: member.pid,
            connection: member.connection,
        };
        let asked = self.requests.close_all_asked_of(member.connection);
        self.end_requests(asked, Code::Gone, cause);
        match member.role {
            Role::Operator => self.event(BrokerEvent::OperatorLeft {
                operator: member.connection,
            }),
            // A process may have several connections, and is there while it has one.
            _ if !self.seated(member.incarnation).is_empty() => {}
            Role::Agent | Role::Worker | Role::Master => {
                self.event(BrokerEvent::Left {
                    incarnation: member.incarnation,
                    goodbye,
                    connection: member.connection,
                    messages_written,
                });
            }
        }
        self.news_due(now);
    }

    /// Each message that waited for `member` goes where it still can, in order; the senders of
    /// the others are told.
    fn find_new_places(
        &mut self,
        member: &Member,
        slot_is_owed: bool,
        frames: Vec<(Bytes, Origin)>,
        now: Instant,
    ) {
        let mut for_agent = Outbox::new();
        let mut for_slot = Outbox::new();
        for (frame, origin) in frames {
            let Origin::Message(passed) = origin else {
                continue;
            };
            let body = frame.slice(PREFIX_BYTES..);
            match passed.if_lost {
                IfLost::NextAgent if self.awaits_agent() => {
                    if passed.request {
                        self.requests.ask(passed.name(), passed.sequence, 0);
                    }
                    for_agent.push_shared(body, &[], origin, &mut self.spares);
                }
                IfLost::SameSlot if slot_is_owed => {
                    for_slot.push_shared(body, &[], origin, &mut self.spares);
                }
                IfLost::AnotherWorker => self.send_again(body, passed, now),
                IfLost::NextAgent | IfLost::SameSlot | IfLost::TellSender => {
                    let (pid, connection) = (member.pid, member.connection);
                    self.lose(passed, Code::Undeliverable, Cause::Lost { pid, connection });
                }
                IfLost::Forget => self.counters.late_replies += 1,
            }
        }
        match self.roster.serving_agent() {
            Some(agent) => self.give_to_agent(agent, for_agent, now),
            None => self.put_first(Place::AgentMailbox, for_agent, now),
        }
        if slot_is_owed {
            self.mail.open(member.index, now);
            self.put_first(Place::WorkerMailbox(member.index), for_slot, now);
        }
    }

    /// Whether there will be another agent.
    fn awaits_agent(&self) -> bool {
        self.boot.agent && !self.shutting_down
    }

    /// Whether what a worker leaves waits for the next one in its slot, who has not come yet.
    fn owes_slot(&self, member: &Member, was_ready: bool) -> bool {
        let same = |other: &Member| other.role == Role::Worker && other.index == member.index;
        !self.boot.done
            && !was_ready
            && member.role == Role::Worker
            && member.index < self.boot.workers
            && !self.roster.iter().any(|(_, other)| same(other))
    }

    /// A message that any worker may take goes to another one, or waits for one. It has no
    /// sender to be held back any more, so no limit but the one over all holds it.
    fn send_again(&mut self, body: Bytes, passed: Passed, now: Instant) {
        let waiting = body.len();
        let origin = Origin::Message(passed);
        let place = match self.random_worker() {
            Some(key) => Place::Lane(key),
            None if self.shutting_down => {
                return self.lose(passed, Code::ShuttingDown, Cause::ShuttingDown);
            }
            None => Place::RandomMailbox,
        };
        self.waiting_bytes += Outbox::<Origin>::cost(waiting);
        match place {
            Place::Lane(key) => {
                let lane = &mut self.lanes[key];
                if passed.request {
                    self.requests
                        .ask(passed.name(), passed.sequence, lane.connection);
                }
                if lane.message_bytes() == 0 {
                    lane.clocks.took(now);
                    lane.gate.moved_at = now;
                }
                lane.outbox.push_shared(body, &[], origin, &mut self.spares);
                self.mark(key);
            }
            mailbox => {
                if passed.request {
                    self.requests.ask(passed.name(), passed.sequence, 0);
                }
                if let Some(mailbox) = self.mail.at(mailbox) {
                    mailbox
                        .outbox
                        .push_shared(body, &[], origin, &mut self.spares);
                }
            }
        }
    }

    /// Gives older messages to an agent that came before they were lost: before all that waits
    /// for it, where it is not ready.
    fn give_to_agent(&mut self, agent: Key, mut older: Outbox<Origin>, now: Instant) {
        self.waiting_bytes += older.waiting_bytes();
        let lane = &mut self.lanes[agent];
        for origin in older.tags() {
            if let Origin::Message(passed) = origin {
                self.requests
                    .ask(passed.name(), passed.sequence, lane.connection);
            }
        }
        if lane.message_bytes() == 0 {
            lane.clocks.took(now);
            lane.gate.moved_at = now;
        }
        if lane.ready {
            lane.outbox.append(older);
        } else {
            older.append(std::mem::take(&mut lane.held));
            lane.held = older;
        }
        self.mark(agent);
    }

    /// Puts older messages before those that wait in a mailbox already.
    fn put_first(&mut self, place: Place, mut older: Outbox<Origin>, now: Instant) {
        if older.is_empty() {
            return;
        }
        let Some(mailbox) = self.mail.at(place) else {
            return;
        };
        self.waiting_bytes += older.waiting_bytes();
        mailbox.gate.moved_at = now;
        let newer = std::mem::take(&mut mailbox.outbox);
        older.append(newer);
        mailbox.outbox = older;
    }

    /// Those who waited for room at a process that left wait for room elsewhere, or are told.
    fn turn_waiters_away(
        &mut self,
        member: &Member,
        slot_is_owed: bool,
        place: Place,
        gate: Gate,
        now: Instant,
    ) {
        let mut for_agent = Gate::new(now);
        let mut for_slot = Gate::new(now);
        for from in gate.waiters {
            let Some(blocked) = self.lanes.get(from).and_then(|lane| lane.blocked.as_ref()) else {
                continue;
            };
            let Some((_, if_lost)) = blocked.remaining.iter().find(|(other, _)| *other == place)
            else {
                continue;
            };
            match if_lost {
                IfLost::NextAgent if self.awaits_agent() => for_agent.waiters.push_back(from),
                IfLost::SameSlot if slot_is_owed => for_slot.waiters.push_back(from),
                IfLost::AnotherWorker => self.send_blocked_again(from, place, now),
                IfLost::Forget => self.found(from, place, Found::Mailbox, now),
                IfLost::NextAgent | IfLost::SameSlot | IfLost::TellSender => {
                    let (pid, connection) = (member.pid, member.connection);
                    let cause = Cause::Lost { pid, connection };
                    self.turn_blocked_away(from, place, Code::Undeliverable, cause, now);
                }
            }
        }
        self.move_waiters(for_agent, place, Place::AgentMailbox);
        self.release(Place::AgentMailbox, now);
        if slot_is_owed {
            let slot = Place::WorkerMailbox(member.index);
            self.move_waiters(for_slot, place, slot);
            self.release(slot, now);
        }
    }

    fn send_blocked_again(&mut self, from: Key, old: Place, now: Instant) {
        let new = match self.random_worker() {
            Some(key) => Place::Lane(key),
            None if self.shutting_down => {
                let (code, cause) = (Code::ShuttingDown, Cause::ShuttingDown);
                return self.turn_blocked_away(from, old, code, cause, now);
            }
            None => Place::RandomMailbox,
        };
        let mut gate = Gate::new(now);
        gate.waiters.push_back(from);
        self.move_waiters(gate, old, new);
        self.release(new, now);
    }

    /// A sender that is no more is held back no more. Who waits for the reply that it was about
    /// to give hears that it is gone.
    fn abandon_blocked(&mut self, from: Key, now: Instant) {
        let (pid, connection) = (self.lanes[from].pid, self.lanes[from].connection);
        let Some(left) = self.drop_blocked(from) else {
            return;
        };
        if let Some(request) = left.sent.answers {
            let cause = Cause::Gone { pid, connection };
            self.end_requests(vec![request], Code::Gone, cause);
        }
        for (place, _) in left.remaining {
            // Who stands behind it may find room.
            if let Some(gate) = self.gate(place) {
                gate.waiters.retain(|waiter| *waiter != from);
            }
            self.release(place, now);
        }
    }

    /// A message is lost, and its sender, if it is there, hears why.
    pub(super) fn lose(&mut self, passed: Passed, code: Code, cause: Cause) {
        if passed.request && !self.requests.end(passed.name(), passed.sequence) {
            // It timed out, and its sender knows.
            return;
        }
        if let Some(sender) = self.roster.connection(passed.connection) {
            self.refuse(
                sender,
                Refusal {
                    code,
                    id: passed.id,
                    cause,
                },
            );
        }
    }

    /// Everything in an outbox without a receiver is lost.
    pub(super) fn lose_all(&mut self, outbox: Outbox<Origin>, code: Code, cause: Cause) {
        self.waiting_bytes -= outbox.waiting_bytes();
        for (_, origin) in outbox.into_frames() {
            if let Origin::Message(passed) = origin {
                self.lose(passed, code, cause);
            }
        }
    }

    /// Tells those who asked that nobody will reply.
    pub(super) fn end_requests(
        &mut self,
        requests: Vec<super::requests::RequestName>,
        code: Code,
        cause: Cause,
    ) {
        for (asker, id) in requests {
            if let Some(key) = self.roster.connection(asker) {
                self.refuse(key, Refusal { code, id, cause });
            }
        }
    }
}
