//! Fake processes that do what is asked of them, or do not, as chance has it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use super::{
    super::{
        exit::Exit,
        model::{Action, Event, Generation, Incarnation, Now, Place},
        rules::{RoleRules, Rules},
    },
    HOUR, MINUTE, SECOND,
};

/// How things are going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Nothing fails.
    Fine,
    /// A process lives for hours.
    Usual,
    /// A process lives for seconds or minutes, and many do not get ready.
    Stormy,
    /// No process gets ready.
    Broken,
}

/// Something in the world's future.
#[derive(Clone, Debug)]
pub(super) enum What {
    Tell(Event),
    Die(Incarnation, Exit),
    Operator,
    Weather,
}

/// A fake process.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) place: Place,
    pub(super) alive: bool,
    /// It said Ready, and the machine heard it.
    pub(super) is_ready: bool,
    /// The machine heard something bad of it, or could have concluded it.
    pub(super) is_bad: bool,
    /// The machine heard that it is gone.
    pub(super) is_gone: bool,
    beats: bool,
}

pub(super) struct World {
    pub(super) weather: Weather,
    lives: BTreeMap<Incarnation, Life>,
    future: BinaryHeap<Reverse<(Now, u64, usize)>>,
    happenings: BTreeMap<usize, What>,
    sequence: u64,
    generation: Generation,
    /// Programs that never get ready.
    broken_generations: Vec<Generation>,
    starts: u64,
    rng: fastrand::Rng,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            weather: Weather::Fine,
            lives: BTreeMap::new(),
            future: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            sequence: 0,
            generation: 1,
            broken_generations: Vec::new(),
            starts: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    pub(super) fn life(&self, incarnation: Incarnation) -> Option<&Life> {
        self.lives.get(&incarnation)
    }

    pub(super) fn lives(&self) -> impl Iterator<Item = &Life> {
        self.lives.values()
    }

    pub(super) fn starts(&self) -> u64 {
        self.starts
    }

    pub(super) fn next_at(&self) -> Option<Now> {
        self.future.peek().map(|Reverse((at, _, _))| *at)
    }

    pub(super) fn take(&mut self) -> Option<What> {
        let Reverse((_, _, key)) = self.future.pop()?;
        self.happenings.remove(&key)
    }

    /// How late a timer fires; seldom the master itself is stopped for a minute.
    pub(super) fn lateness(&mut self) -> Duration {
        match self.rng.u32(..20_000) {
            0 => MINUTE,
            _ => Duration::from_micros(self.rng.u64(..3_000)),
        }
    }

    pub(super) fn plan_weather(&mut self, now: Now) {
        self.weather = match self.rng.u8(..10) {
            0..2 => Weather::Stormy,
            2 => Weather::Broken,
            3 => Weather::Fine,
            _ => Weather::Usual,
        };
        let lasts = match self.weather {
            Weather::Broken => SECOND * self.rng.u32(1..400),
            _ => MINUTE * self.rng.u32(1..120),
        };
        self.plan(now + lasts, What::Weather);
    }

    pub(super) fn plan_operator(&mut self, now: Now, pause: Duration) {
        self.plan(now + pause, What::Operator);
    }

    /// From now on nothing fails, every program is mended, and nobody asks for anything.
    pub(super) fn make_fine(&mut self) {
        self.weather = Weather::Fine;
        self.broken_generations.clear();
        self.happenings
            .retain(|_, what| !matches!(what, What::Operator | What::Weather));
    }

    pub(super) fn next_generation(&mut self, old: &Rules) -> (Generation, Rules) {
        self.generation += 1;
        if self.rng.u8(..3) == 0 {
            self.broken_generations.push(self.generation);
        }
        let mut rules = old.clone();
        if self.rng.u8(..4) == 0 {
            rules.workers = self.rng.u32(1..13);
        }
        if self.rng.u8(..6) == 0 {
            rules.agent = match rules.agent {
                Some(_) => None,
                None => Some(RoleRules::agent()),
            };
        }
        (self.generation, rules)
    }

    /// Whether that can be told now: the dead say nothing. Notes what the machine hears by it.
    pub(super) fn is_true(&mut self, event: &Event) -> bool {
        let fine = self.weather == Weather::Fine;
        let (incarnation, is_fault) = match event {
            Event::Ready { incarnation }
            | Event::Beat { incarnation }
            | Event::Spawned { incarnation, .. } => (incarnation, false),
            Event::Exited { incarnation, .. } | Event::SpawnFailed { incarnation, .. } => {
                return self.lives.contains_key(incarnation);
            }
            Event::Failing { incarnation, .. }
            | Event::Stuck { incarnation }
            | Event::Left { incarnation, .. } => (incarnation, true),
            _ => return true,
        };
        let Some(life) = self.lives.get_mut(incarnation) else {
            return false;
        };
        if matches!(event, Event::Left { .. }) && !life.alive {
            life.is_bad = true;
            return !life.is_gone;
        }
        if !life.alive || (is_fault && fine) {
            return false;
        }
        life.is_bad |= is_fault;
        life.is_ready |= matches!(event, Event::Ready { .. });
        true
    }

    pub(super) fn heard_gone(&self, incarnation: Incarnation) -> bool {
        self.lives.get(&incarnation).is_none_or(|life| life.is_gone)
    }

    pub(super) fn obey(&mut self, now: Now, action: &Action) {
        match *action {
            Action::Spawn {
                incarnation,
                place,
                generation,
            } => self.spawn(now, incarnation, place, generation),
            Action::Drain {
                incarnation,
                within,
                ..
            } => {
                let at = match self.rng.u8(..10) {
                    0 => return,
                    1 => within,
                    2 => within + SECOND,
                    _ => within.mul_f64(self.rng.f64() / 2.0),
                };
                self.plan(now + at, What::Die(incarnation, Exit::Code(0)));
            }
            Action::Terminate { incarnation } => {
                // Some ignore it.
                let at = match self.rng.u8(..10) {
                    0 => HOUR,
                    _ => Duration::from_millis(self.rng.u64(..4_000)),
                };
                self.plan(now + at, What::Die(incarnation, Exit::Signal(15)));
            }
            Action::Kill { incarnation } => {
                // Seldom the kernel takes its time: a disk that hangs.
                let at = match self.rng.u16(..2_000) {
                    0 => HOUR,
                    _ => Duration::from_millis(self.rng.u64(..20)),
                };
                self.plan(now + at, What::Die(incarnation, Exit::Signal(9)));
            }
            Action::Dismiss { incarnation } => {
                if let Some(life) = self.lives.get_mut(&incarnation) {
                    life.is_gone = true;
                }
            }
            _ => {}
        }
    }

    /// The process ends, unless it has; its socket and its parent hear of it in any order.
    pub(super) fn die(&mut self, now: Now, incarnation: Incarnation, exit: Exit) {
        let by_chance = !matches!(exit, Exit::Signal(15 | 9) | Exit::Code(0));
        if by_chance && self.weather == Weather::Fine {
            return;
        }
        let Some(life) = self.lives.get_mut(&incarnation).filter(|life| life.alive) else {
            return;
        };
        life.alive = false;
        let goodbye = exit == Exit::Code(0);
        let mut soon = || now + Duration::from_micros(self.rng.u64(..5_000));
        let (left, exited) = (soon(), soon());
        self.plan(
            left,
            What::Tell(Event::Left {
                incarnation,
                goodbye,
            }),
        );
        self.plan(exited, What::Tell(Event::Exited { incarnation, exit }));
    }

    fn spawn(&mut self, now: Now, incarnation: Incarnation, place: Place, generation: Generation) {
        self.starts += 1;
        // Those long gone are of no interest to anybody.
        if self.lives.len() > 4_096 {
            self.lives.retain(|_, life| !life.is_gone);
        }
        let life = Life {
            place,
            alive: true,
            is_ready: false,
            is_bad: false,
            is_gone: false,
            // Beats end after a while, so where nothing is to fail there are none.
            beats: self.rng.bool() && self.weather != Weather::Fine,
        };
        let beats = life.beats;
        self.lives.insert(incarnation, life);
        let broken = self.weather == Weather::Broken
            || self.broken_generations.contains(&generation)
            || (self.weather == Weather::Stormy && self.rng.u8(..4) == 0);
        let started = now + Duration::from_micros(self.rng.u64(..40_000));
        if broken && self.rng.u8(..4) == 0 {
            if let Some(life) = self.lives.get_mut(&incarnation) {
                life.alive = false;
            }
            let reason = "no such file".to_owned();
            self.plan(
                started,
                What::Tell(Event::SpawnFailed {
                    incarnation,
                    reason,
                }),
            );
            return;
        }
        let pid = 1_000 + u32::try_from(incarnation % 30_000).unwrap();
        self.plan(started, What::Tell(Event::Spawned { incarnation, pid }));
        if broken {
            // It dies before it is ready, or hangs until the machine loses patience.
            if self.rng.bool() {
                let at = started + Duration::from_millis(self.rng.u64(..3_000));
                self.plan(at, What::Die(incarnation, Exit::Code(1)));
            }
            return;
        }
        let ready = now + Duration::from_millis(self.rng.u64(1..3_000));
        self.plan(ready, What::Tell(Event::Ready { incarnation }));
        if self.rng.u8(..20) == 0 {
            self.plan(ready, What::Tell(Event::Ready { incarnation }));
        }
        let span = match self.weather {
            Weather::Fine | Weather::Usual => HOUR * 20,
            Weather::Stormy | Weather::Broken => MINUTE * 4,
        };
        let fault = ready + span.mul_f64(self.rng.f64().powi(3));
        if beats {
            self.plan_beats(ready, fault, incarnation);
        }
        self.plan_fault(fault, incarnation);
    }

    /// Beats until the fault, every ten seconds; the sparse ones of a long life are enough.
    fn plan_beats(&mut self, from: Now, until: Now, incarnation: Incarnation) {
        let mut at = from;
        let end = until.min(from + MINUTE * 3);
        while at < end {
            self.plan(at, What::Tell(Event::Beat { incarnation }));
            at += SECOND * 10;
        }
    }

    fn plan_fault(&mut self, at: Now, incarnation: Incarnation) {
        let soon = at + Duration::from_millis(self.rng.u64(..2_000));
        let failing = Event::Failing {
            incarnation,
            reason: "uncaught".to_owned(),
        };
        match self.rng.u8(..9) {
            0 => self.plan(at, What::Die(incarnation, Exit::Code(1))),
            1 => self.plan(at, What::Die(incarnation, Exit::Signal(11))),
            2 => self.plan(at, What::Die(incarnation, Exit::Code(110))),
            3 => self.plan(at, What::Tell(failing)),
            4 => {
                self.plan(at, What::Tell(failing.clone()));
                self.plan(soon, What::Tell(failing));
            }
            5 => {
                self.plan(at, What::Tell(failing));
                self.plan(soon, What::Die(incarnation, Exit::Signal(6)));
            }
            6 => {
                let goodbye = self.rng.bool();
                self.plan(
                    at,
                    What::Tell(Event::Left {
                        incarnation,
                        goodbye,
                    }),
                );
            }
            7 => self.plan(at, What::Tell(Event::Stuck { incarnation })),
            _ => self.plan(at, What::Die(incarnation, Exit::Signal(4))),
        }
    }

    fn plan(&mut self, at: Now, what: What) {
        self.sequence += 1;
        let key = usize::try_from(self.sequence).unwrap();
        self.future.push(Reverse((at, self.sequence, key)));
        self.happenings.insert(key, what);
    }
}
