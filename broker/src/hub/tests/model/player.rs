//! A hub, and the plain model that it is compared with.

use std::time::Duration;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Role};

use super::ledger::Ledger;
use super::step::Step;
use crate::hub::tests::world::World;
use crate::limits::Limits;
use crate::roster::Key;

/// More make a program longer and nothing else.
const CROWD_MAX: usize = 13;
const WORKERS_EXPECTED: u32 = 2;
pub(super) const REQUEST_MS: u32 = 3_000;

/// A process as the model knows it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) key: Key,
    pub(super) connection: u64,
    pub(super) pid: u32,
    pub(super) role: Role,
    pub(super) index: u32,
    pub(super) ready: bool,
    pub(super) draining: bool,
    /// It is registered.
    pub(super) here: bool,
    /// Its stream is open.
    pub(super) open: bool,
    /// It is dead, and its stream is open only because it is held back.
    pub(super) dead: bool,
    /// Requests that it has read and not answered: who asked, and the id.
    pub(super) asked: Vec<(u64, u64)>,
}

pub(super) struct Play {
    pub(super) world: World,
    pub(super) processes: Vec<Process>,
    pub(super) ledger: Ledger,
    /// Slots that are expected and have not been filled.
    pub(super) slots: Vec<bool>,
    pub(super) booted: bool,
    pub(super) shutting_down: bool,
    pub(super) departures: usize,
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
            Step::Join(role) => {
                if self.processes.iter().filter(|process| process.open).count() < CROWD_MAX {
                    self.join(role);
                }
            }
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
                    self.die(n, |hub, n, _, now| hub.dismiss(n as u64 + 1, now));
                }
            }
            Step::Die(who) => {
                if let Some(n) = self.here(who, |_| true) {
                    self.die(n, |hub, _, key, now| hub.died(key, now));
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

    pub(super) fn read_all(&mut self) {
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

    pub(super) fn may_read(&self, n: usize) -> bool {
        self.processes[n].here && self.world.hub.may_read(self.processes[n].key)
    }

    pub(super) fn say(&mut self, n: usize, body: Body) {
        self.world.say(self.processes[n].key, body);
    }

    pub(super) fn agent(&self) -> Option<&Process> {
        self.processes
            .iter()
            .find(|process| process.here && process.role == Role::Agent)
    }
}
