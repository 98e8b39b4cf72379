//! The one routine by which a process is replaced, whatever the cause.
//!
//! Where the old one is of no use (it fails, hangs, is lost or dead) its slot is empty at once and
//! is filled again after the backoff, while the old one drains beside. Where the old one is good
//! (reload, restart, age) it serves until its replacement has been ready for `min_ready_for`. The
//! agent cannot overlap: its slot is filled when nothing is left in it.

use std::time::Duration;

use super::{
    Supervisor,
    model::{Action, Generation, Incarnation, Level, Now, Place},
    rules::{READY_GRACE, Rules},
    slot::{Manner, Phase, Process, Seat, Slot},
    stage::Stage,
    trouble::Trouble,
};

impl Supervisor {
    /// Takes a process out of its slot because of what happened to it, and has the slot filled.
    pub(super) fn trouble(&mut self, incarnation: Incarnation, trouble: Trouble) {
        let Some((index, seat)) = self.find(incarnation) else {
            return;
        };
        if matches!(seat, Seat::Leaving(_)) && !trouble.is_death() {
            return;
        }
        let process = self.slots[index].take(seat);
        let (place, ready_at) = (self.slots[index].place, process.ready_at);
        let words = trouble.words(&process, self.now);
        let text = match process.pid {
            Some(pid) => format!("{place} (pid {pid}) {words}"),
            None => format!("{place} {words}"),
        };
        if trouble.is_death() {
            self.slots[index].last_end = Some(words.clone());
            self.act(Action::Dismiss { incarnation });
        } else {
            let manner = self.manner_for(place, &trouble);
            self.leave(index, process, manner);
        }
        if matches!(seat, Seat::Leaving(_)) {
            self.note(Level::Info, text);
            return;
        }
        match self.stage {
            Stage::Serving => {
                self.note(Level::Warn, text);
                match seat {
                    Seat::Current => self.vacated(index, ready_at),
                    _ => self.put_off_renewal(index),
                }
                self.rollout_trouble(place, incarnation, &words);
                self.watches_trouble(place, incarnation, &words);
            }
            Stage::BootAgent | Stage::BootWorkers => {
                self.note(Level::Error, text);
                self.boot_failed(incarnation, place, words);
            }
            Stage::Idle | Stage::Ending(_) | Stage::Over => self.note(Level::Info, text),
        }
    }

    fn manner_for(&self, place: Place, trouble: &Trouble) -> Manner {
        let rules = self.role_rules(place);
        match trouble {
            Trouble::Failing(reason) => Manner::Drain {
                cause: format!("it fails: {reason}"),
            },
            Trouble::NotReady => Manner::DrainUnready {
                cause: "it was not ready in time".to_owned(),
            },
            Trouble::Lost { goodbye: true } => Manner::Wait {
                until: self.now + rules.drain_timeout,
            },
            Trouble::Lost { goodbye: false }
            | Trouble::Stuck
            | Trouble::Silent(_)
            | Trouble::Exited(_)
            | Trouble::NotSpawned(_) => Manner::Terminate {
                until: self.now + rules.term_grace,
            },
        }
    }

    /// Its process is out of the slot for a reason of its own: the next one comes after a delay,
    /// or is there already.
    fn vacated(&mut self, index: usize, ready_at: Option<Now>) {
        let place = self.slots[index].place;
        let rules = self.role_rules(place).clone();
        let ready_for = ready_at.map(|at| self.now.saturating_sub(at));
        let slot = &mut self.slots[index];
        let delay = slot.backoff.failed(ready_for, &rules, &mut self.rng);
        slot.renew_at = None;
        slot.current = slot.incoming.take();
        if slot.current.is_none() {
            slot.wake = Some(self.now + delay);
        } else if slot.is_ready() {
            self.schedule_renewal(index);
        }
        let processes = match place {
            Place::Agent => 1,
            Place::Worker(_) => self.rules.workers,
        };
        let (now, limit) = (self.now, rules.intensity_of(processes));
        if self.intensity_mut(place).failed(now, limit) {
            self.fell_to_slow_retry(place, limit, rules.backoff_max);
        }
    }

    fn fell_to_slow_retry(&mut self, place: Place, limit: u32, every: Duration) {
        let who = match place {
            Place::Agent => "the agent",
            Place::Worker(_) => "workers",
        };
        let text = format!(
            "{who} failed more than {limit} times in a minute: from now on one start every {} s, \
             until one has been stable",
            every.as_secs_f32()
        );
        self.note(Level::Error, text.clone());
        self.abort_rollout(&text, None);
    }

    /// Puts a process among the leaving of its slot, and has it go.
    pub(super) fn leave(&mut self, index: usize, process: Process, manner: Manner) {
        let incarnation = process.incarnation;
        self.slots[index].leaving.push(process);
        self.escalate(incarnation, manner);
    }

    /// Has a process that is leaving go in this manner from now on.
    pub(super) fn escalate(&mut self, incarnation: Incarnation, manner: Manner) {
        let now = self.now;
        let left = self.time_left();
        let Some((index, _)) = self.find(incarnation) else {
            return;
        };
        let place = self.slots[index].place;
        let within = self.role_rules(place).drain_timeout.min(left);
        let drain = |cause| Action::Drain {
            incarnation,
            within,
            cause,
        };
        let (phase, action) = match manner {
            Manner::Drain { cause } => {
                let until = now + within;
                (Phase::Draining { until }, Some(drain(cause)))
            }
            Manner::DrainUnready { cause } => {
                let until = now + within.min(READY_GRACE);
                (Phase::Draining { until }, Some(drain(cause)))
            }
            Manner::Wait { until } => (Phase::Draining { until }, None),
            Manner::Terminate { until } => (
                Phase::Terminating { until },
                Some(Action::Terminate { incarnation }),
            ),
            Manner::Kill => {
                self.note(Level::Warn, format!("{place} did not go and is killed"));
                self.forced();
                (Phase::Killed, Some(Action::Kill { incarnation }))
            }
        };
        if let Some((_, process)) = self.process_mut(incarnation) {
            process.phase = phase;
        }
        self.out.extend(action);
    }

    /// Has the process in that seat go: one at work is drained, and one that starts may get ready
    /// at this very moment.
    pub(super) fn dismiss(&mut self, index: usize, seat: Seat, cause: &str) {
        let process = self.slots[index].take(seat);
        let grace = self.role_rules(self.slots[index].place).term_grace;
        let cause = cause.to_owned();
        let manner = match process.phase {
            Phase::Ready => Manner::Drain { cause },
            Phase::Starting { .. } => Manner::DrainUnready { cause },
            Phase::Lost { .. }
            | Phase::Draining { .. }
            | Phase::Terminating { .. }
            | Phase::Killed => Manner::Terminate {
                until: self.now + grace,
            },
        };
        self.leave(index, process, manner);
    }

    /// Starts a process in that seat, which must be free.
    pub(super) fn start(
        &mut self,
        index: usize,
        seat: Seat,
        generation: Generation,
    ) -> Incarnation {
        self.incarnation_last += 1;
        let (incarnation, place) = (self.incarnation_last, self.slots[index].place);
        let until = self.now + self.role_rules(place).start_timeout;
        let process = Process {
            incarnation,
            generation,
            pid: None,
            phase: Phase::Starting { until },
            started: self.now,
            ready_at: None,
            beat_at: None,
        };
        let slot = &mut self.slots[index];
        slot.starts += 1;
        if seat == Seat::Incoming {
            slot.incoming = Some(process);
        } else {
            slot.current = Some(process);
            slot.wake = None;
        }
        self.act(Action::Spawn {
            incarnation,
            place,
            generation,
        });
        incarnation
    }

    /// Starts a process in every empty slot whose time has come, the longest empty first.
    pub(super) fn refill(&mut self) {
        if !self.stage.starts_processes() {
            return;
        }
        let mut empty: Vec<(Now, usize)> = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| !slot.removed && slot.current.is_none())
            .filter_map(|(index, slot)| Some((slot.wake.filter(|&at| at <= self.now)?, index)))
            .collect();
        empty.sort_unstable();
        for (_, index) in empty {
            let place = self.slots[index].place;
            let too_soon = self
                .intensity(place)
                .slow_next()
                .is_some_and(|at| at > self.now);
            if too_soon || !self.has_room(index) {
                continue;
            }
            self.start(index, Seat::Current, self.generation);
            let (now, rules) = (self.now, self.role_rules(place).clone());
            self.intensity_mut(place).started(now, &rules);
        }
    }

    /// Starts a replacement for each good process whose time to go has come.
    pub(super) fn renew(&mut self) {
        if !matches!(self.stage, Stage::Serving) || self.rollout.is_some() {
            return;
        }
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let due = slot.renew_at.is_some_and(|at| at <= self.now);
            let good = slot.current.as_ref().is_some_and(Process::is_ready);
            if !due || !good || slot.removed || slot.incoming.is_some() {
                continue;
            }
            if slot.place == Place::Agent {
                self.slots[index].renew_at = None;
                self.slots[index].wake = Some(self.now);
                self.dismiss(index, Seat::Current, "it is replaced");
            } else if self.has_room(index) {
                self.slots[index].renew_at = None;
                self.start(index, Seat::Incoming, self.generation);
            }
        }
    }

    /// Lets a replacement that has proved itself take over.
    pub(super) fn swap(&mut self, index: usize) {
        self.dismiss(index, Seat::Current, "it is replaced");
        self.slots[index].current = self.slots[index].incoming.take();
        self.schedule_renewal(index);
        let text = format!(
            "{} is replaced; the old one drains",
            self.slots[index].place
        );
        self.note(Level::Info, text);
    }

    /// When that slot's replacement will have proved itself.
    pub(super) fn swap_at(&self, slot: &Slot) -> Option<Now> {
        Some(slot.incoming.as_ref()?.ready_since()? + self.rules.min_ready_for)
    }

    /// When an empty slot's turn comes by the clock alone.
    pub(super) fn wake_at(&self, slot: &Slot) -> Option<Now> {
        if slot.current.is_some() || !self.stage.starts_processes() {
            return None;
        }
        let slow = self.intensity(slot.place).slow_next().unwrap_or_default();
        Some(slot.wake?.max(slow)).filter(|&at| at > self.now)
    }

    /// A process became the current one and is ready: it serves as long as its age allows, give or
    /// take a tenth, so that those that started together do not go together.
    pub(super) fn schedule_renewal(&mut self, index: usize) {
        let age = self.role_rules(self.slots[index].place).age_max;
        let spread = 0.9 + self.rng.f64() / 5.0;
        self.slots[index].renew_at = age.map(|age| self.now + age.mul_f64(spread));
    }

    /// A replacement for a good process failed: the good one stays, and where it is only old, one
    /// tries again after a while.
    fn put_off_renewal(&mut self, index: usize) {
        let rules = self.role_rules(self.slots[index].place);
        let again = rules.age_max.map(|_| self.now + rules.backoff_max);
        self.slots[index].renew_at = again;
    }

    /// Whether one more process may be started in that slot.
    pub(super) fn has_room(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        if slot.place == Place::Agent {
            return slot.is_empty();
        }
        let workers = self.rules.workers;
        let live: u32 = self.workers().map(Slot::live).sum();
        live < workers + Rules::surge(workers)
    }
}
