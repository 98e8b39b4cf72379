//! What the process layer and operators tell the broker to do.

use std::time::{Duration, Instant};

use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::lane::Ending;
use super::origin::Place;
use super::refusal::Cause;
use super::route::Nobody;
use super::seat::{BrokerEvent, Seat};
use crate::limits::DRAIN_DEADLINE;
use crate::roster::{Key, Role};

impl Hub {
    /// From now on `token` opens `seat`.
    pub(crate) fn admit(&mut self, token: String, seat: Seat) {
        self.tokens.give(token, seat);
    }

    /// A process is to take nothing new, finish and leave.
    pub(crate) fn drain(
        &mut self,
        incarnation: u64,
        deadline: Duration,
        cause: &str,
        now: Instant,
    ) {
        let seated = self.seated(incarnation);
        if seated.is_empty() {
            // It has not come yet, and need not begin any more.
            self.tokens.void(incarnation);
        }
        for key in seated {
            self.start_drain(key, now);
            let deadline_ms = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
            let drain = wire::Drain {
                deadline_ms,
                cause: cause.to_owned(),
            };
            self.tell(key, wire::frame::Body::Drain(drain));
        }
    }

    /// A process is dead: what it said before is read, and then it is no more.
    pub(crate) fn dismiss(&mut self, incarnation: u64, now: Instant) {
        self.tokens.void(incarnation);
        for key in self.seated(incarnation) {
            if self.lanes[key].blocked.is_some() {
                self.died(key, now);
            }
            if self.lanes[key].ending == Ending::No {
                self.endings += 1;
            }
            self.lanes[key].ending = Ending::ReadToEnd;
            self.rested(key);
            self.mark(key);
        }
    }

    /// An agent is expected from now on, or none is.
    pub(crate) fn expect_agent(&mut self, expected: bool, now: Instant) {
        self.boot.agent = expected;
        if !expected {
            self.close_mailbox(
                Place::AgentMailbox,
                (Code::NoSuchProcess, Cause::NoAgent),
                now,
            );
            self.look_at_boot(now);
        }
    }

    /// Another number of workers is expected.
    pub(crate) fn expect_workers(&mut self, workers: u32, now: Instant) {
        self.boot.workers = workers;
        if self.boot.done {
            return;
        }
        for (index, mailbox) in self.mail.resize(workers, now) {
            self.never_came(index, mailbox, now);
        }
        // A slot that has just become an expected one may be filled already.
        for (_, member) in self.roster.iter() {
            if member.role == Role::Worker {
                self.mail.empty(Place::WorkerMailbox(member.index), now);
            }
        }
        self.look_at_boot(now);
    }

    /// The end has begun: nobody new comes in, and what finds no agent any more is refused.
    pub(crate) fn shut_down(&mut self, now: Instant) {
        self.shutting_down = true;
        for place in [Place::AgentMailbox, Place::RandomMailbox] {
            self.close_mailbox(place, (Code::ShuttingDown, Cause::ShuttingDown), now);
        }
    }

    /// Says Goodbye to all, once everything before it has left.
    pub(crate) fn say_goodbye(&mut self, now: Instant) {
        self.shut_down(now);
        for from in self.blocked.clone() {
            let Some(blocked) = self.lanes[from].blocked.as_ref() else {
                continue;
            };
            for (place, _) in blocked.remaining.clone() {
                self.turn_blocked_away(from, place, Code::ShuttingDown, Cause::ShuttingDown, now);
            }
        }
        let keys: Vec<Key> = self.roster.iter().map(|(key, _)| key).collect();
        for key in keys {
            // Nothing may come behind it.
            self.roster.drain(key);
            self.pay_all_owed(key);
            self.last_frame(key, wire::frame::Body::Goodbye(wire::Goodbye {}), now);
        }
    }

    pub(super) fn start_drain(&mut self, key: Key, now: Instant) {
        if !self.roster.drain(key) {
            return;
        }
        self.news_due(now);
        let agent = self
            .roster
            .get(key)
            .is_some_and(|member| member.role == Role::Agent);
        if agent && self.shutting_down {
            let why = (Code::ShuttingDown, Cause::ShuttingDown);
            self.close_mailbox(Place::AgentMailbox, why, now);
        }
    }

    fn close_mailbox(&mut self, place: Place, (code, cause): Nobody, now: Instant) {
        if let Some(mailbox) = self.mail.empty(place, now) {
            self.lose_all(mailbox.outbox, code, cause);
            for from in mailbox.gate.waiters {
                self.turn_blocked_away(from, place, code, cause, now);
            }
        }
    }

    /// The connections of one incarnation; none where nobody numbers them.
    pub(super) fn seated(&self, incarnation: u64) -> Vec<Key> {
        self.roster
            .iter()
            .filter(|(_, member)| incarnation != 0 && member.incarnation == incarnation)
            .map(|(key, _)| key)
            .collect()
    }

    /// A process says that it is broken: it drains from now on.
    pub(super) fn failing(&mut self, key: Key, reason: String, now: Instant) {
        let Some(member) = self.roster.get(key) else {
            return;
        };
        let incarnation = member.incarnation;
        if matches!(member.role, Role::Agent | Role::Worker) {
            self.start_drain(key, now);
            if incarnation == 0 {
                // Whoever started it is not here to ask it to leave.
                let deadline_ms = u32::try_from(DRAIN_DEADLINE.as_millis()).unwrap_or(u32::MAX);
                let cause = format!("it says that it is failing: {reason}");
                self.tell(
                    key,
                    wire::frame::Body::Drain(wire::Drain { deadline_ms, cause }),
                );
            }
            self.event(BrokerEvent::Failing {
                incarnation,
                reason,
            });
        }
    }

    /// A process says that its event loop turns. Only the last word counts.
    pub(super) fn beat(&mut self, key: Key, active: u32) {
        let Some(member) = self.roster.get(key) else {
            return;
        };
        let incarnation = member.incarnation;
        self.lanes[key].beat = Some(active);
        let beat = BrokerEvent::Beat {
            incarnation,
            active,
        };
        let last = self.events.iter_mut().rev().find(|event| {
            matches!(event, BrokerEvent::Beat { incarnation: other, .. } if *other == incarnation)
        });
        match last {
            Some(last) => *last = beat,
            None => self.event(beat),
        }
    }
}
