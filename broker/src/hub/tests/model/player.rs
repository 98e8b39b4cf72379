//! A hub, and the plain model that it is compared with.

use std::time::Duration;

use henhouse_proto::outbox::Outbox;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route, Want};

use super::ledger::{Ledger, Owed, Receiver, Sent};
use super::step::Step;
use crate::hub::lane::Ending;
use crate::hub::origin::Place;
use crate::hub::tests::world::{World, message};
use crate::hub::{BrokerEvent, Seat};
use crate::limits::Limits;
use crate::roster::{self, Key};

const WORKERS_EXPECTED: u32 = 2;
const REQUEST_MS: u32 = 3_000;

/// A process as the model knows it.
#[derive(Debug)]
struct Process {
    key: Key,
    connection: u64,
    pid: u32,
    role: Role,
    index: u32,
    ready: bool,
    draining: bool,
    /// It is registered.
    here: bool,
    /// Its stream is open.
    open: bool,
    /// Requests that it has read and not answered: who asked, and the id.
    asked: Vec<(u64, u64)>,
}

pub(super) struct Play {
    world: World,
    processes: Vec<Process>,
    ledger: Ledger,
    /// Slots that are expected and have not been filled.
    slots: Vec<bool>,
    booted: bool,
    shutting_down: bool,
    departures: usize,
}

impl Play {
    pub(super) fn new() -> Play {
        let limits = Limits {
            outbox_bytes_max: 4_000,
            waiting_bytes_max: 60_000,
            ..Limits::default()
        };
        Play {
            world: World::with_limits(true, WORKERS_EXPECTED, limits),
            processes: Vec::new(),
            ledger: Ledger::default(),
            slots: vec![true; WORKERS_EXPECTED as usize],
            booted: false,
            shutting_down: false,
            departures: 0,
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Join(role) => self.join(role),
            Step::Ready(who) => {
                if let Some(n) = self.pick(who, |process| !process.ready) {
                    self.say_ready(n);
                }
            }
            Step::Send {
                from,
                to,
                route,
                want,
                others,
                bytes,
            } => {
                if let Some(n) = self.pick(from, |_| true) {
                    self.send(n, to, route, want, others, bytes);
                }
            }
            Step::Reply { from, bytes } => {
                if let Some(n) = self.pick(from, |process| !process.asked.is_empty()) {
                    self.reply(n, bytes);
                }
            }
            Step::Read { who, bytes } => {
                let open: Vec<usize> = (0..self.processes.len())
                    .filter(|n| self.processes[*n].open)
                    .collect();
                if let Some(n) = open.get(usize::from(who) % open.len().max(1)) {
                    self.read(*n, bytes);
                }
            }
            Step::Wait { ms } => self.world.wait(Duration::from_millis(ms)),
            Step::Failing(who) => {
                if let Some(n) = self.pick(who, |p| p.role != Role::Operator) {
                    self.processes[n].draining = true;
                    self.say(n, Body::Failing(wire::Failing::default()));
                }
            }
            Step::Goodbye(who) => {
                if let Some(n) = self.pick(who, |_| true) {
                    self.left(n);
                    self.say(n, Body::Goodbye(wire::Goodbye {}));
                }
            }
            Step::Drain(who) => {
                if let Some(n) = self.here(who, |p| p.role != Role::Operator) {
                    self.processes[n].draining = true;
                    let now = self.world.now;
                    let incarnation = n as u64 + 1;
                    self.world
                        .hub
                        .drain(incarnation, Duration::from_secs(1), "", now);
                }
            }
            Step::Dismiss(who) => {
                if let Some(n) = self.here(who, |p| p.role != Role::Operator) {
                    let now = self.world.now;
                    self.world.hub.dismiss(n as u64 + 1, now);
                    self.close(n);
                }
            }
            Step::Die(who) => {
                if let Some(n) = self.here(who, |_| true) {
                    self.close(n);
                }
            }
            Step::Flood(who) => {
                if let Some(n) = self.pick(who, |_| true) {
                    while self.may_read(n) {
                        self.say(n, Body::Ping(wire::Ping { nonce: 1 }));
                    }
                }
            }
            Step::ExpectWorkers(count) => self.expect_workers(count),
            Step::ShutDown => {
                let now = self.world.now;
                self.shutting_down = true;
                self.world.hub.shut_down(now);
            }
        }
        self.settle();
    }

    /// Everybody reads, whoever is missing comes, and everything must have ended.
    pub(super) fn finish(&mut self) {
        self.read_all();
        for n in 0..self.processes.len() {
            if self.processes[n].here && !self.processes[n].ready {
                self.step_ready(n);
            }
            // A draining agent would keep the next one from coming.
            if self.processes[n].here && self.processes[n].draining {
                self.read_all();
                self.close(n);
            }
        }
        if !self.shutting_down {
            if self.agent().is_none() {
                self.join(Role::Agent);
                self.step_ready(self.processes.len() - 1);
            }
            self.join(Role::Worker);
            self.step_ready(self.processes.len() - 1);
        }
        for _ in 0..20 {
            // Who was held back can say only now that it is ready.
            for n in 0..self.processes.len() {
                if self.processes[n].here && !self.processes[n].ready {
                    self.step_ready(n);
                }
            }
            self.read_all();
            self.world.wait(Duration::from_secs(1));
            self.settle();
        }
        self.read_all();
        let hub = &self.world.hub;
        assert_eq!(
            hub.waiting_bytes, 0,
            "something waits though everybody has read"
        );
        assert!(hub.blocked.is_empty(), "somebody is held back for nothing");
        assert_eq!(hub.status().open_requests, 0);
        for process in self.processes.iter().filter(|process| process.here) {
            self.ledger.check_sender(process.connection);
        }
    }

    fn step_ready(&mut self, n: usize) {
        self.read_all();
        if self.processes[n].here && self.may_read(n) {
            self.say_ready(n);
        }
        self.settle();
    }

    fn read_all(&mut self) {
        // What one reads lets another send, and its end is the next one's beginning.
        for _ in 0..6 {
            for n in 0..self.processes.len() {
                if self.processes[n].open {
                    self.read(n, 1 << 20);
                    self.settle();
                }
            }
        }
    }

    /// One of those that are registered, can be read and do `fit`.
    fn pick(&self, who: u8, fit: impl Fn(&Process) -> bool) -> Option<usize> {
        self.here(who, |process| {
            fit(process) && self.world.hub.may_read(process.key)
        })
    }

    fn here(&self, who: u8, fit: impl Fn(&Process) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.processes.len())
            .filter(|n| self.processes[*n].here && fit(&self.processes[*n]))
            .collect();
        all.get(usize::from(who) % all.len().max(1)).copied()
    }

    fn may_read(&self, n: usize) -> bool {
        self.processes[n].here && self.world.hub.may_read(self.processes[n].key)
    }

    fn say(&mut self, n: usize, body: Body) {
        self.world.say(self.processes[n].key, body);
    }

    fn agent(&self) -> Option<&Process> {
        self.processes
            .iter()
            .find(|process| process.here && process.role == Role::Agent)
    }

    fn join(&mut self, role: Role) {
        if self.processes.iter().filter(|process| process.open).count() > 12 {
            return;
        }
        let n = self.processes.len();
        let pid = 10 + (n % 9) as u32;
        let taken = |index: &u32| {
            self.processes
                .iter()
                .any(|p| p.here && p.role == Role::Worker && p.index == *index)
        };
        let index = match role {
            Role::Worker => (0..).find(|index| !taken(index)).unwrap(),
            _ => 0,
        };
        let seat = Seat {
            incarnation: n as u64 + 1,
            role: roster::Role::from_wire(role.into()).unwrap(),
            index,
            generation: 1,
        };
        let token = format!("token {n}");
        self.world.hub.admit(token.clone(), seat);
        let joined = self.world.join_with(role, pid, &token);
        let taken = role == Role::Agent && self.agent().is_some();
        let closed = self.shutting_down && role != Role::Operator;
        assert_eq!(joined.is_err(), taken || closed);
        let Ok(key) = joined else {
            return;
        };
        if role == Role::Worker
            && !self.booted
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            *slot = false;
        }
        self.processes.push(Process {
            key,
            connection: self.world.connection(key),
            pid,
            role,
            index,
            ready: false,
            draining: false,
            here: true,
            open: true,
            asked: Vec::new(),
        });
    }

    fn say_ready(&mut self, n: usize) {
        self.processes[n].ready = true;
        self.say(n, Body::Ready(wire::Ready {}));
    }

    /// Whom the broker owes a message from `n`.
    fn owed(&self, n: usize, to: Option<usize>, route: Route, others: bool) -> Option<Vec<Owed>> {
        let sender = &self.processes[n];
        let serving = self.agent().filter(|agent| !agent.draining);
        let agent = (serving.is_some() || !self.shutting_down).then_some(Owed::Agent);
        let mut app = Vec::new();
        for process in &self.processes {
            let takes = process.here && process.role == Role::Worker && !process.draining;
            if takes && !(others && process.connection == sender.connection) {
                // Before the first egg-ready the next one in its slot may get it.
                let slot = !self.booted && !process.ready;
                app.push(if slot {
                    Owed::Slot(process.index)
                } else {
                    Owed::Connection(process.connection)
                });
            }
        }
        let missing = |(index, missing): (usize, &bool)| {
            (*missing && !self.booted).then_some(Owed::Slot(index as u32))
        };
        app.extend(self.slots.iter().enumerate().filter_map(missing));
        match route {
            Route::Agent => agent.map(|agent| vec![agent]),
            Route::Random if sender.role == Role::Worker => agent.map(|agent| vec![agent]),
            Route::Random => {
                let ready =
                    |p: &Process| p.here && p.role == Role::Worker && p.ready && !p.draining;
                let somebody = self.processes.iter().any(ready);
                (somebody || !self.shutting_down).then(|| vec![Owed::AnyWorker])
            }
            Route::Pid => to.map(|to| vec![Owed::Connection(self.processes[to].connection)]),
            Route::Broadcast => {
                let own =
                    others && serving.is_some_and(|agent| agent.connection == sender.connection);
                app.extend(agent.filter(|_| !own));
                Some(app)
            }
            _ => Some(app),
        }
    }

    fn send(&mut self, n: usize, to: u8, route: Route, want: Want, others: bool, bytes: usize) {
        let to_one = !matches!(route, Route::App | Route::Broadcast);
        let want = if want == Want::Reply && !to_one {
            Want::Receipt
        } else {
            want
        };
        let pid = 10 + u32::from(to % 9);
        let number = self.ledger.sent.len();
        let id = match want {
            Want::Unspecified if number.is_multiple_of(2) => 0,
            _ => number as u64 + 1,
        };
        let owed = self.owed(n, self.process(pid), route, others);
        let from = self.processes[n].connection;
        self.ledger.sent.push(Sent {
            from,
            id,
            want,
            // Nobody to send it to is one refusal.
            owed: owed.unwrap_or_else(|| vec![Owed::Connection(0)]),
            answers: None,
            departures: self.departures,
            received_by: Default::default(),
        });
        self.say(
            n,
            Body::Message(Message {
                route: route.into(),
                pid,
                id,
                want: want.into(),
                others,
                timeout_ms: REQUEST_MS,
                data: vec![b'x'; bytes].into(),
                ..message(&number.to_string())
            }),
        );
    }

    /// Whom a pid means: its oldest ready connection, else its oldest.
    fn process(&self, pid: u32) -> Option<usize> {
        let mut all = (0..self.processes.len()).filter(|n| {
            let process = &self.processes[*n];
            process.here && process.pid == pid && process.role != Role::Operator
        });
        let ready = all.clone().find(|n| self.processes[*n].ready);
        ready.or_else(|| all.next())
    }

    fn reply(&mut self, n: usize, bytes: usize) {
        let (connection, in_reply_to) = self.processes[n].asked.remove(0);
        let number = self.ledger.sent.len();
        self.ledger.sent.push(Sent {
            from: self.processes[n].connection,
            id: 0,
            want: Want::Unspecified,
            owed: Vec::new(),
            answers: Some((connection, in_reply_to)),
            departures: self.departures,
            received_by: Default::default(),
        });
        self.say(
            n,
            Body::Message(Message {
                route: Route::Reply.into(),
                connection,
                in_reply_to,
                // Its refusal must not be taken for one of a message without an id.
                id: 1_000_000 + number as u64,
                data: vec![b'y'; bytes].into(),
                ..message(&number.to_string())
            }),
        );
    }

    fn read(&mut self, n: usize, bytes: usize) {
        let key = self.processes[n].key;
        let frames = self.world.read_some(key, bytes);
        let process = &mut self.processes[n];
        for frame in frames {
            let connection = process.connection;
            match frame.body {
                Some(Body::Message(message)) => {
                    if let Ok(number) = message.action.parse::<usize>() {
                        let receiver = Receiver {
                            connection,
                            agent: process.role == Role::Agent,
                            worker: process.role == Role::Worker,
                            index: process.index,
                        };
                        let sender = frame.sender.unwrap().connection;
                        assert_eq!(sender, self.ledger.sent[number].from);
                        self.ledger.received(number, receiver, self.departures);
                        if message.want() == Want::Reply {
                            process.asked.push((sender, message.id));
                        }
                    }
                }
                Some(Body::Receipt(receipt)) => {
                    let heard = self
                        .ledger
                        .heard
                        .entry((connection, receipt.id))
                        .or_default();
                    heard.receipts.push(receipt.queued + receipt.held);
                }
                Some(Body::Fault(fault)) if !fault.fatal => {
                    let heard = self.ledger.heard.entry((connection, fault.id)).or_default();
                    let count = fault
                        .detail
                        .split_once(" messages: ")
                        .map(|(n, _)| n.parse());
                    let count = count.map_or(1, |count| count.unwrap());
                    heard.faults.extend(vec![fault.code(); count]);
                }
                _ => {}
            }
        }
    }

    fn expect_workers(&mut self, count: u32) {
        let now = self.world.now;
        self.world.hub.expect_workers(count, now);
        if self.booted {
            return;
        }
        let there = |index: u32| {
            self.processes
                .iter()
                .any(|p| p.here && p.role == Role::Worker && p.index == index)
        };
        let old = std::mem::take(&mut self.slots);
        self.slots = (0..count)
            .map(|index| {
                old.get(index as usize)
                    .copied()
                    .unwrap_or_else(|| !there(index))
            })
            .collect();
    }

    /// The process's stream ends.
    fn close(&mut self, n: usize) {
        // What was wholly written to it counts as received: the broker knows no more of it.
        self.read(n, 0);
        self.left(n);
        let process = &mut self.processes[n];
        process.open = false;
        // A half-written frame may be handed on long after the rest.
        self.departures += 1;
        self.world.kill(process.key);
    }

    /// The process is registered no more.
    fn left(&mut self, n: usize) {
        if !self.processes[n].here {
            return;
        }
        self.departures += 1;
        let process = &mut self.processes[n];
        process.here = false;
        let slot = self.slots.get_mut(process.index as usize);
        if let Some(slot) = slot
            && process.role == Role::Worker
            && !process.ready
            && !self.booted
        {
            *slot = true;
        }
    }

    /// Hears what happened by itself, and checks what must hold at any time.
    fn settle(&mut self) {
        loop {
            let events = self.world.hub.take_events();
            if events.contains(&BrokerEvent::EggReady) {
                self.booted = true;
                self.slots.clear();
            }
            for n in 0..self.processes.len() {
                let process = &self.processes[n];
                if process.here && self.world.hub.roster.get(process.key).is_none() {
                    self.left(n);
                }
            }
            let now = self.world.now;
            let over = (0..self.processes.len()).find(|n| {
                let process = &self.processes[*n];
                process.open && self.world.hub.is_over(process.key, now)
            });
            match over {
                Some(n) => self.close(n),
                None => break,
            }
        }
        self.check_held_back();
    }

    /// Who is held back waits for somebody without room, or behind one that does.
    fn check_held_back(&mut self) {
        let hub = &mut self.world.hub;
        for process in self.processes.iter().filter(|process| process.here) {
            let lane = &hub.lanes[process.key];
            assert!(matches!(lane.ending, Ending::No));
            let Some(blocked) = &lane.blocked else {
                continue;
            };
            let cost = Outbox::<()>::cost(blocked.body.len() + lane.stamp.as_bytes().len());
            let places = blocked.remaining.clone();
            assert!(
                !places.is_empty(),
                "{process:?} is held back and waits for nobody"
            );
            for (place, _) in places {
                let waiting = match place {
                    Place::Lane(key) => hub.lanes[key].message_bytes(),
                    mailbox => hub.mail.at(mailbox).unwrap().outbox.waiting_bytes(),
                };
                let full = waiting > 0 && waiting + cost > hub.limits.outbox_bytes_max;
                // They try again at the next look, at the latest.
                let all_full = hub.short_of_memory;
                let first = hub.gate(place).unwrap().waiters.front() == Some(&process.key);
                assert!(
                    full || all_full || !first,
                    "{process:?} is held back for {place:?}"
                );
            }
        }
    }
}
