//! Who is ready, and who is told of it: `egg-ready` and `egg-pids`.

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use henhouse_proto::limits::PREFIX_BYTES;
use henhouse_proto::outbox::Outbox;
use henhouse_proto::wire::{self, Encoding, Route};
use prost::Message as _;

use super::Hub;
use super::lane::Ending;
use super::mail::Mailbox;
use super::origin::{Origin, Place};
use super::refusal::Cause;
use super::seat::BrokerEvent;
use crate::limits::PIDS_GATHER;
use crate::roster::{Key, Role, Standing};

impl Hub {
    /// What waited for a role goes to the process that fills it now, and waits there until
    /// that process is ready.
    pub(super) fn hand_over_mail(&mut self, key: Key, role: Role, index: u32) {
        let place = match role {
            Role::Agent => Place::AgentMailbox,
            Role::Worker if !self.boot.done => Place::WorkerMailbox(index),
            Role::Worker | Role::Master | Role::Operator => return,
        };
        let now = self.lanes[key].heard_at;
        let Some(mailbox) = self.mail.empty(place, now) else {
            return;
        };
        self.lanes[key].held = mailbox.outbox;
        self.ask_for_held(key);
        self.move_waiters(mailbox.gate, place, Place::Lane(key));
        self.release(Place::Lane(key), now);
    }

    /// A process takes messages from now on.
    pub(super) fn ready(&mut self, key: Key, now: Instant) {
        if !self.roster.ready(key) {
            let refusal = super::Refusal {
                code: wire::Code::Malformed,
                id: 0,
                cause: Cause::Again("Ready"),
            };
            return self.refuse(key, refusal);
        }
        let Some(member) = self.roster.get(key) else {
            return;
        };
        let (incarnation, role) = (member.incarnation, member.role);
        self.take_random_mail(key, now);
        let lane = &mut self.lanes[key];
        lane.ready = true;
        lane.clocks.took(now);
        lane.clocks.low(now);
        lane.gate.moved_at = now;
        let held = std::mem::take(&mut lane.held);
        lane.outbox.append(held);
        self.mark(key);
        if role != Role::Operator {
            self.event(BrokerEvent::Ready { incarnation });
            if self.boot.done {
                self.news_for(key);
            }
            self.news_due(now);
            self.look_at_boot(now);
        }
    }

    /// What waits for any worker goes to the first that is ready, in the order in which it was
    /// sent among what was held for that worker.
    fn take_random_mail(&mut self, key: Key, now: Instant) {
        let takes = self.roster.ready_workers().contains(&key);
        let Some(mailbox) = takes
            .then(|| self.mail.empty(Place::RandomMailbox, now))
            .flatten()
        else {
            return;
        };
        let lane = &mut self.lanes[key];
        if lane.held.is_empty() {
            lane.held = mailbox.outbox;
        } else if !mailbox.outbox.is_empty() {
            let mut all: Vec<(Bytes, Origin)> = std::mem::take(&mut lane.held)
                .into_frames()
                .chain(mailbox.outbox.into_frames())
                .collect();
            all.sort_by_key(|(_, origin)| match origin {
                Origin::Message(passed) => passed.sequence,
                Origin::Broker { .. } | Origin::News => 0,
            });
            for (frame, origin) in all {
                let body = frame.slice(PREFIX_BYTES..);
                lane.held.push_shared(body, &[], origin, &mut self.spares);
            }
        }
        self.ask_for_held(key);
        self.move_waiters(mailbox.gate, Place::RandomMailbox, Place::Lane(key));
        self.release(Place::Lane(key), now);
    }

    /// The requests among what is held for a process are with it now.
    fn ask_for_held(&mut self, key: Key) {
        let lane = &self.lanes[key];
        for origin in lane.held.tags() {
            if let Origin::Message(passed) = origin
                && passed.request
            {
                self.requests
                    .ask(passed.name(), passed.sequence, lane.connection);
            }
        }
    }

    /// Says the first `egg-ready`, if all that are expected are ready.
    pub(super) fn look_at_boot(&mut self, now: Instant) {
        let agent_ready = self
            .roster
            .agent()
            .is_some_and(|agent| self.lanes[agent].ready);
        let workers_ready = self.roster.ready_workers().len();
        if !self.boot.done && self.boot.is_complete(agent_ready, workers_ready) {
            self.finish_boot(now);
        }
    }

    /// Says the first `egg-ready` to those that are there.
    pub(super) fn finish_boot(&mut self, now: Instant) {
        self.boot.done = true;
        for (index, mailbox) in self.mail.resize(0, now) {
            self.never_came(index, mailbox, now);
        }
        let ready: Vec<Key> = self.hearers().collect();
        for key in ready {
            self.news_for(key);
        }
        self.pids_due = None;
        self.event(BrokerEvent::EggReady);
    }

    /// What waited for a worker that is not expected any more is lost, and those who wait for
    /// room there go on.
    pub(super) fn never_came(&mut self, index: u32, mailbox: Mailbox, now: Instant) {
        let (code, cause) = (wire::Code::Undeliverable, Cause::NeverCame { index });
        self.lose_all(mailbox.outbox, code, cause);
        for from in mailbox.gate.waiters {
            self.turn_blocked_away(from, Place::WorkerMailbox(index), code, cause, now);
        }
    }

    /// `egg-pids` and then `egg-ready`, to a process that has heard neither.
    fn news_for(&mut self, key: Key) {
        let pids = self.pids();
        self.push_latest(key, pids);
        let ready = self.news(wire::Message {
            action: "egg-ready".into(),
            ..Default::default()
        });
        let cost = Outbox::<Origin>::cost(ready.len() - PREFIX_BYTES);
        self.lanes[key]
            .outbox
            .push_encoded(&ready, Origin::News, &mut self.spares);
        self.waiting_bytes += cost;
        self.mark(key);
    }

    /// Somebody got ready, drains or left: all are to be told, soon and together.
    pub(super) fn news_due(&mut self, now: Instant) {
        self.pids_due.get_or_insert(now + PIDS_GATHER);
    }

    /// Tells all that are ready who is.
    pub(super) fn tell_pids(&mut self) {
        self.pids_due = None;
        let pids = self.pids();
        let hearers: Vec<Key> = self.hearers().collect();
        for key in hearers {
            self.push_latest(key, pids.clone());
        }
    }

    /// Those who hear the news: all that are ready, operators aside, and have not heard the last
    /// frame.
    fn hearers(&self) -> impl Iterator<Item = Key> + '_ {
        self.roster
            .iter()
            .filter(|(_, member)| member.role != Role::Operator && member.standing.is_ready())
            .filter(|(key, _)| !matches!(self.lanes[*key].ending, Ending::LastFrame(_)))
            .map(|(key, _)| key)
    }

    fn push_latest(&mut self, key: Key, frame: Bytes) {
        let outbox = &mut self.lanes[key].outbox;
        let before = outbox.waiting_bytes();
        outbox.push_latest(frame, Origin::News);
        let after = outbox.waiting_bytes();
        self.waiting_bytes = self.waiting_bytes - before + after;
        self.mark(key);
    }

    /// `egg-pids` as it is now: those who take new messages.
    fn pids(&self) -> Bytes {
        let member = |key: Key| {
            let member = self.roster.get(key)?;
            let told = wire::Member {
                pid: member.pid,
                connection: member.connection,
                index: member.index,
            };
            (member.standing == Standing::Ready).then_some(told)
        };
        let pids = wire::Pids {
            worker: self
                .roster
                .ready_workers()
                .iter()
                .filter_map(|key| member(*key))
                .collect(),
            agent: self.roster.agent().and_then(member),
        };
        self.news(wire::Message {
            action: "egg-pids".into(),
            encoding: Encoding::Protobuf.into(),
            data: pids.encode_to_vec().into(),
            ..Default::default()
        })
    }

    /// A message from the master itself, with its length prefix.
    fn news(&self, message: wire::Message) -> Bytes {
        let message = wire::Message {
            route: Route::Broadcast.into(),
            ..message
        };
        let body = wire::frame::Body::Message(message);
        let frame = wire::Frame {
            sender: None,
            body: Some(body),
        }
        .encode_to_vec();
        let stamp = self.stamp.as_bytes();
        let length = frame.len() + stamp.len();
        let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
        bytes.put_u32(u32::try_from(length).expect("no frame reaches 4 GiB"));
        bytes.put_slice(&frame);
        bytes.put_slice(stamp);
        bytes.freeze()
    }
}
