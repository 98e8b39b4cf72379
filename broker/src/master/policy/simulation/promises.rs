//! The ten promises of the state machine, checked at each step.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{
    super::{
        Supervisor,
        model::{Action, Ask, End, Event, Incarnation, Now, Place},
        rules::{KILL_GRACE, Rules},
        slot::{Phase, Process, Slot},
        stage::Stage,
    },
    Asked, MINUTE, SECOND,
    world::World,
};

/// A broken promise, in words.
type Checked = Result<(), String>;

pub(super) struct Promises {
    rules: Rules,
    asks_last: u64,
    asked: Vec<Asked>,
    dismissed: BTreeSet<Incarnation>,
    /// Those that were asked to go, and when they must have been killed.
    going: BTreeMap<Incarnation, Now>,
    /// Until when those that were asked to drain may take.
    drains: BTreeMap<Incarnation, Now>,
    starts: VecDeque<Now>,
    agent_was_ready: bool,
    booted: bool,
    generation: u64,
    /// Generations that were asked for, of which it is not known yet what becomes.
    undecided: BTreeSet<u64>,
    /// Generations that have an agent.
    with_agent: BTreeSet<u64>,
}

fn check(holds: bool, broken: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(broken()) }
}

impl Promises {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            with_agent: rules.agent.iter().map(|_| 1).collect(),
            undecided: BTreeSet::new(),
            rules,
            asks_last: 0,
            asked: Vec::new(),
            dismissed: BTreeSet::new(),
            going: BTreeMap::new(),
            drains: BTreeMap::new(),
            starts: VecDeque::new(),
            agent_was_ready: false,
            booted: false,
            generation: 1,
        }
    }

    pub(super) fn ask(&mut self, now: Now) -> Ask {
        self.asks_last += 1;
        let ask = Ask(self.asks_last);
        self.asked.push((ask, now));
        ask
    }

    pub(super) fn shutdown_max(&self) -> Duration {
        // A second of lateness: timers fire late, and the world seldom stops for a minute.
        self.rules.shutdown_timeout + KILL_GRACE + MINUTE + SECOND
    }

    pub(super) fn before(&mut self, _now: Now, event: &Event, world: &World) -> Checked {
        if let Event::Ready { incarnation } = event {
            let place = world.life(*incarnation).map(|life| life.place);
            self.agent_was_ready |= place == Some(Place::Agent);
        }
        if let Event::Reload {
            generation, rules, ..
        } = event
        {
            self.undecided.insert(*generation);
            self.with_agent
                .extend(rules.agent.iter().map(|_| generation));
        }
        Ok(())
    }

    pub(super) fn action(
        &mut self,
        now: Now,
        action: &Action,
        machine: &Supervisor,
        world: &World,
    ) -> Checked {
        match action {
            Action::Spawn {
                place, generation, ..
            } => {
                self.may_run(*place, *generation)?;
                self.may_spawn(now, *place, machine, world)
            }
            Action::Drain { incarnation, .. }
            | Action::Terminate { incarnation }
            | Action::Kill { incarnation } => {
                // Promise 7.
                check(!world.heard_gone(*incarnation), || {
                    format!("{incarnation} is gone, and is asked to go")
                })?;
                self.may_send_away(*incarnation, machine, world)?;
                self.may_be_ended(now, action, machine, world)?;
                let role = self.role(world, *incarnation);
                let latest = now + role + MINUTE + SECOND;
                self.going.entry(*incarnation).or_insert(latest);
                if matches!(action, Action::Kill { .. }) {
                    self.going.insert(*incarnation, Now::MAX);
                }
                Ok(())
            }
            Action::Dismiss { incarnation } => {
                self.going.remove(incarnation);
                self.drains.remove(incarnation);
                check(self.dismissed.insert(*incarnation), || {
                    format!("{incarnation} is dismissed twice")
                })
            }
            Action::Booted => {
                // Promise 6.
                let first = !std::mem::replace(&mut self.booted, true);
                let agent = self.rules.agent.is_none() || self.agent_was_ready;
                check(first && agent, || {
                    "booted twice, or without the agent".into()
                })
            }
            Action::Commit { generation } => {
                check(*generation > self.generation, || "an old generation".into())?;
                self.generation = *generation;
                check(self.undecided.remove(generation), || {
                    format!("generation {generation} is decided twice")
                })
            }
            Action::Discard { generation } => check(self.undecided.remove(generation), || {
                format!("generation {generation} is decided twice")
            }),
            Action::Answer { ask, .. } => {
                // Promise 8: exactly one answer.
                let before = self.asked.len();
                self.asked.retain(|(open, _)| open != ask);
                check(self.asked.len() + 1 == before, || {
                    format!("{ask:?} is answered, and was not open")
                })
            }
            Action::End(_) => check(self.asked.is_empty(), || {
                format!("nobody answered {:?}", self.asked)
            }),
            Action::Expect { .. }
            | Action::ExpectAgent { .. }
            | Action::ShuttingDown
            | Action::Note { .. }
            | Action::Progress { .. } => Ok(()),
        }
    }

    fn role(&self, world: &World, incarnation: Incarnation) -> Duration {
        let agent = world
            .life(incarnation)
            .is_some_and(|life| life.place == Place::Agent);
        let rules = match (&self.rules.agent, agent) {
            (Some(rules), true) => rules,
            _ => &self.rules.worker,
        };
        rules.drain_timeout + rules.term_grace
    }

    /// The driver has the configuration of the generation that holds, and of those on trial.
    fn may_run(&self, place: Place, generation: u64) -> Checked {
        let known = generation == self.generation || self.undecided.contains(&generation);
        check(known, || format!("generation {generation} is no more"))?;
        let agent = place != Place::Agent || self.with_agent.contains(&generation);
        check(agent, || {
            format!("an agent of generation {generation}, which has none")
        })
    }

    fn may_spawn(
        &mut self,
        now: Now,
        place: Place,
        machine: &Supervisor,
        world: &World,
    ) -> Checked {
        if place == Place::Agent {
            // Promise 2, for the agent: never two.
            let other = world
                .lives()
                .any(|life| life.place == Place::Agent && !life.is_gone);
            return check(!other, || "two agents at once".to_owned());
        }
        // Promise 6: no worker before the agent.
        let agent = self.rules.agent.is_none() || self.agent_was_ready;
        check(agent, || "a worker before the agent".to_owned())?;
        // Promise 3. The machine's state is that after the whole step, in which the number of
        // workers only changes by an order that starts processes for it.
        let live: u32 = machine.workers().map(Slot::live).sum();
        let wanted = machine.rules.workers;
        check(live <= wanted + Rules::surge(wanted), || {
            format!("{live} processes for {wanted} workers")
        })?;
        // Promise 10: beside boot and orders, which start a process each at the most, a role
        // starts no more than its intensity allows; two bursts may touch in one window.
        self.starts.push_back(now);
        while self.starts.front().is_some_and(|&at| at + MINUTE < now) {
            self.starts.pop_front();
        }
        let limit = self.rules.worker.intensity_of(13) as usize;
        let bound = 3 * (limit + 1) + 3 * 13;
        check(self.starts.len() <= bound, || {
            format!("{} starts in a minute", self.starts.len())
        })
    }

    /// Promise 1: no good worker is sent away, except for another one that is ready, or where there
    /// are to be fewer.
    fn may_send_away(
        &self,
        incarnation: Incarnation,
        machine: &Supervisor,
        world: &World,
    ) -> Checked {
        let Some(life) = world.life(incarnation) else {
            return Err(format!("{incarnation} was never started"));
        };
        let good = life.is_ready && life.alive && !life.is_bad;
        let serving = matches!(machine.stage, Stage::Serving);
        if !good || !serving || life.place == Place::Agent || self.going.contains_key(&incarnation)
        {
            return Ok(());
        }
        let slot = machine.slots.iter().find(|slot| slot.place == life.place);
        let Some(slot) = slot.filter(|slot| !slot.removed) else {
            return Ok(());
        };
        let silent = Self::is_silent(incarnation, machine);
        check(silent || slot.is_ready(), || {
            format!("{incarnation} is good, and goes for nothing")
        })
    }

    /// Promise 1, for what it holds: a good process gets the time of a drain before it gets a signal,
    /// also where its Ready crosses the order to go. A boot that failed ends all at once.
    fn may_be_ended(
        &mut self,
        now: Now,
        action: &Action,
        machine: &Supervisor,
        world: &World,
    ) -> Checked {
        let incarnation = match action {
            Action::Drain {
                incarnation,
                within,
                ..
            } => {
                self.drains.insert(*incarnation, now + *within);
                return Ok(());
            }
            Action::Terminate { incarnation } => *incarnation,
            _ => return Ok(()),
        };
        let Some(life) = world.life(incarnation) else {
            return Ok(());
        };
        let hurried = matches!(
            &machine.stage,
            Stage::Ending(ending) if ending.all_killed || matches!(ending.end, End::BootFailed { .. })
        );
        let silent = Self::is_silent(incarnation, machine);
        if !life.is_ready || !life.alive || life.is_bad || silent || hurried {
            return Ok(());
        }
        let until = self.drains.get(&incarnation).copied();
        check(until.is_some_and(|until| until <= now), || {
            format!("{incarnation} is ready, and is ended before its drain is over ({until:?})")
        })
    }

    /// One that beat and fell silent is not good, which only the machine knows.
    fn is_silent(incarnation: Incarnation, machine: &Supervisor) -> bool {
        let beat =
            |process: &Process| process.incarnation == incarnation && process.beat_at.is_some();
        machine.slots.iter().any(|slot| {
            let watched = machine.role_rules(slot.place).watchdog.is_some();
            watched && slot.leaving.iter().any(beat)
        })
    }

    pub(super) fn after(&self, now: Now, machine: &Supervisor) -> Checked {
        let serving = matches!(machine.stage, Stage::Serving);
        for slot in &machine.slots {
            // Promise 5: no slot is lost.
            let empty = serving && !slot.removed && slot.current.is_none();
            if empty {
                let wake = slot
                    .wake
                    .ok_or(format!("the slot of {} is lost", slot.place))?;
                let slow = machine
                    .intensity(slot.place)
                    .slow_next()
                    .is_some_and(|at| at > now);
                let waits = wake > now || slow;
                let index = machine.index_of(slot.place).unwrap_or_default();
                check(waits || !machine.has_room(index), || {
                    format!("{} could be started and is not", slot.place)
                })?;
                let timed = machine.next_deadline().is_some();
                check(!waits || timed, || format!("{} has no timer", slot.place))?;
            }
            // Promise 2.
            check(
                slot.place != Place::Agent || slot.incoming.is_none(),
                || "two agents".to_owned(),
            )?;
            check(slot.incoming.is_none() || slot.current.is_some(), || {
                format!("{} has a replacement for nobody", slot.place)
            })?;
            let seated = slot.current.iter().chain(&slot.incoming);
            for process in seated {
                let fits = matches!(
                    process.phase,
                    Phase::Starting { .. } | Phase::Ready | Phase::Lost { .. }
                );
                check(fits, || format!("{process:?} is seated"))?;
            }
        }
        // Promise 4.
        for (incarnation, latest) in &self.going {
            check(*latest >= now, || {
                format!("{incarnation} should have been killed by now")
            })?;
        }
        // Promise 8: an order is answered in bounded time.
        for (ask, since) in &self.asked {
            check(now.saturating_sub(*since) < MINUTE * 240, || {
                format!("{ask:?} waits for ever")
            })?;
        }
        Ok(())
    }

    /// After a time without faults every slot is filled and everybody has his answer.
    pub(super) fn all_is_well(&self, machine: &Supervisor) -> Checked {
        let is_old = |process: &Process| process.generation < self.generation;
        let are_old = machine.workers().flat_map(Slot::processes).any(is_old);
        // An agent that is configured no more serves old workers, while there are any.
        let lingers = |slot: &Slot| slot.place == Place::Agent && are_old;
        let unwell = machine.slots.iter().find(|slot| {
            (slot.removed && !lingers(slot)) || slot.current.is_none() || !slot.is_ready()
        });
        check(unwell.is_none(), || format!("not well: {unwell:?}"))?;
        let agent = machine.index_of(Place::Agent).is_some();
        let configured = self.with_agent.contains(&self.generation);
        check(agent == configured || (agent && are_old), || {
            format!("an agent: {agent}, in generation {}", self.generation)
        })?;
        check(self.undecided.is_empty(), || {
            format!("what becomes of {:?}?", self.undecided)
        })?;
        check(self.asked.is_empty(), || {
            format!("nobody answered {:?}", self.asked)
        })
    }

    /// Promise 9, at the time when the master must have ended.
    pub(super) fn has_ended(&self, end: Option<&End>) -> Checked {
        check(end.is_some(), || "the shutdown takes too long".to_owned())
    }
}
