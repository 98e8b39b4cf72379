//! Who comes and who goes, and what that changes for the model.

use std::time::Instant;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Role};

use super::player::{Play, Process};
use crate::hub::{BrokerEvent, Hub, Seat};
use crate::roster::{self, Key};

impl Play {
    pub(super) fn join(&mut self, role: Role) {
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
            dead: false,
            asked: Vec::new(),
        });
    }

    pub(super) fn say_ready(&mut self, n: usize) {
        self.processes[n].ready = true;
        self.say(n, Body::Ready(wire::Ready {}));
    }

    pub(super) fn expect_workers(&mut self, count: u32) {
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

    /// The process dies, and the broker notes it with `missed`, where it would have had to read to
    /// see it.
    pub(super) fn die(&mut self, n: usize, missed: fn(&mut Hub, usize, Key, Instant)) {
        let key = self.processes[n].key;
        if self.world.hub.lanes[key].blocked.is_none() {
            return self.close(n);
        }
        self.read(n, 0);
        let now = self.world.now;
        missed(&mut self.world.hub, n, key, now);
        self.left(n);
        self.processes[n].dead = true;
        self.world.check();
    }

    /// The process's stream ends.
    pub(super) fn close(&mut self, n: usize) {
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
    pub(super) fn left(&mut self, n: usize) {
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
    pub(super) fn settle(&mut self) {
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
                let (hub, key) = (&self.world.hub, process.key);
                process.open && (hub.is_over(key, now) || (process.dead && hub.may_read(key)))
            });
            match over {
                Some(n) => self.close(n),
                None => break,
            }
        }
        self.check_held_back();
    }
}
