//! The whole policy of the process layer as one state machine: events in, actions out.
//!
//! It knows no process and no socket, and has neither a clock nor chance of its own: both are
//! passed in, so that thousands of hours of faults can be played through in seconds
//! (`simulation`), and a bad one again.

mod agency;
mod backoff;
mod ending;
mod exit;
mod lives;
mod model;
mod orders;
mod replace;
mod rollout;
mod rules;
#[cfg(test)]
mod simulation;
mod slot;
mod snapshot;
mod stage;
mod trouble;

#[cfg(feature = "cli")]
pub(crate) use self::exit::Span;
pub(crate) use self::{
    exit::Exit,
    model::{Action, Ask, Change, End, Event, Generation, Incarnation, Level, Now, Place},
    rules::{RoleRules, Rules, WORKERS_MAX},
    snapshot::Snapshot,
};

use self::{
    backoff::Intensity,
    orders::Watch,
    rollout::{Reload, Rollout},
    slot::{Process, Slot},
    stage::Stage,
};

/// After one event the machine looks at everything until nothing changes; more rounds than this
/// would be a circle in the policy, and the next tick goes on from there.
const ROUNDS_MAX: usize = 64;

/// The agent's and the workers' slots, and all that is being done about them.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    rules: Rules,
    /// What holds for an agent: also for one that a reload brings, or takes away.
    agent_rules: RoleRules,
    /// Whether the broker keeps what is for an agent while there is none.
    agent_expected: bool,
    stage: Stage,
    /// The agent's first, if there is one, then the workers' by index.
    slots: Vec<Slot>,
    generation: Generation,
    /// The number of workers that the configuration asks for; `rules.workers` may have been scaled.
    workers_configured: u32,
    incarnation_last: Incarnation,
    agent_intensity: Intensity,
    worker_intensity: Intensity,
    none_ready_since: Option<Now>,
    rollout: Option<Rollout>,
    /// The reload that begins when this one ends.
    reload_next: Option<Reload>,
    watches: Vec<Watch>,
    interrupts: u32,
    now: Now,
    rng: fastrand::Rng,
    out: Vec<Action>,
}

impl Supervisor {
    /// A machine that waits for [`Event::Boot`]; its processes are of `generation`.
    pub(crate) fn new(rules: Rules, generation: Generation, rng: fastrand::Rng) -> Self {
        let agent = rules.agent.as_ref().map(|_| Place::Agent);
        let workers = (0..rules.workers).map(Place::Worker);
        Self {
            slots: agent.into_iter().chain(workers).map(Slot::new).collect(),
            workers_configured: rules.workers,
            agent_rules: rules.agent.clone().unwrap_or_else(RoleRules::agent),
            agent_expected: rules.agent.is_some(),
            rules,
            stage: Stage::Idle,
            generation,
            incarnation_last: 0,
            agent_intensity: Intensity::default(),
            worker_intensity: Intensity::default(),
            none_ready_since: None,
            rollout: None,
            reload_next: None,
            watches: Vec::new(),
            interrupts: 0,
            now: Now::ZERO,
            rng,
            out: Vec::new(),
        }
    }

    /// Takes in what happened, and appends to `out` what is to be done.
    ///
    /// Events about a process that is not, or no longer, known are ignored: they come late by
    /// nature, since the broker and the operating system tell of the same death each in its time.
    pub(crate) fn handle(&mut self, now: Now, event: Event, out: &mut Vec<Action>) {
        self.forgive_oversleeping(now);
        self.now = self.now.max(now);
        match event {
            Event::Boot => self.boot(),
            Event::Spawned { incarnation, pid } => self.spawned(incarnation, pid),
            Event::SpawnFailed {
                incarnation,
                reason,
            } => self.trouble(incarnation, trouble::Trouble::NotSpawned(reason)),
            Event::Ready { incarnation } => self.ready(incarnation),
            Event::Failing {
                incarnation,
                reason,
            } => self.trouble(incarnation, trouble::Trouble::Failing(reason)),
            Event::Beat { incarnation } => self.beat(incarnation),
            Event::Stuck { incarnation } => self.trouble(incarnation, trouble::Trouble::Stuck),
            Event::Left {
                incarnation,
                goodbye,
            } => self.left(incarnation, goodbye),
            Event::Exited { incarnation, exit } => {
                self.trouble(incarnation, trouble::Trouble::Exited(exit));
            }
            Event::Reload {
                ask,
                generation,
                rules,
                agent,
            } => self.reload(Reload {
                asks: ask.into_iter().collect(),
                generation,
                rules: *rules,
                agent,
            }),
            Event::Restart { ask, place } => self.restart(ask, place),
            Event::Scale { ask, change } => self.scale(ask, change),
            Event::Stop { ask } => self.stop(ask),
            Event::Interrupt => self.interrupt(),
            Event::StopNow { ask } => self.stop_now(ask),
            Event::Tick => {}
        }
        self.settle();
        out.append(&mut self.out);
    }

    /// Looks at everything that time or the last event may have made possible, until nothing
    /// changes any more.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let before = self.out.len();
            self.slots.retain(|slot| !(slot.removed && slot.is_empty()));
            self.pass_deadlines();
            self.progress_stage();
            self.calm_down();
            self.give_up();
            self.progress_rollout();
            self.progress_agents_leave();
            self.progress_watches();
            self.refill();
            self.renew();
            if self.out.len() == before {
                break;
            }
        }
    }

    /// When to send [`Event::Tick`] at the latest. A moment that has passed means: now.
    pub(crate) fn next_deadline(&self) -> Option<Now> {
        let processes = self.slots.iter().flat_map(|slot| {
            let rules = self.role_rules(slot.place);
            let swap = self.swap_at(slot);
            let wake = self.wake_at(slot);
            slot.processes()
                .filter_map(|process| process.deadline(rules))
                .chain(swap)
                .chain(wake)
                .chain(slot.renew_at.filter(|&at| at > self.now))
        });
        processes
            .chain(self.calm_at())
            .chain(self.give_up_at())
            .chain(self.rollout_at())
            .chain(self.watches.iter().filter_map(Watch::deadline))
            .chain(self.ending_at())
            .min()
    }

    /// Everything that `status` tells.
    pub(crate) fn snapshot(&self) -> Snapshot {
        snapshot::take(self)
    }

    fn role_rules(&self, place: Place) -> &RoleRules {
        match place {
            Place::Agent => &self.agent_rules,
            Place::Worker(_) => &self.rules.worker,
        }
    }

    fn intensity_mut(&mut self, place: Place) -> &mut Intensity {
        match place {
            Place::Agent => &mut self.agent_intensity,
            Place::Worker(_) => &mut self.worker_intensity,
        }
    }

    fn intensity(&self, place: Place) -> &Intensity {
        match place {
            Place::Agent => &self.agent_intensity,
            Place::Worker(_) => &self.worker_intensity,
        }
    }

    fn index_of(&self, place: Place) -> Option<usize> {
        self.slots.iter().position(|slot| slot.place == place)
    }

    fn find(&self, incarnation: Incarnation) -> Option<(usize, slot::Seat)> {
        self.slots
            .iter()
            .enumerate()
            .find_map(|(index, slot)| Some((index, slot.seat(incarnation)?)))
    }

    fn process_mut(&mut self, incarnation: Incarnation) -> Option<(Place, &mut Process)> {
        self.slots.iter_mut().find_map(|slot| {
            let place = slot.place;
            slot.processes_mut()
                .find(|process| process.incarnation == incarnation)
                .map(|process| (place, process))
        })
    }

    /// The workers' slots that are to stay.
    fn workers(&self) -> impl Iterator<Item = &Slot> {
        self.slots
            .iter()
            .filter(|slot| slot.place != Place::Agent && !slot.removed)
    }

    fn act(&mut self, action: Action) {
        self.out.push(action);
    }

    fn note(&mut self, level: Level, text: String) {
        self.act(Action::Note { level, text });
    }

    fn answer(&mut self, asks: impl IntoIterator<Item = Ask>, ok: bool, detail: &str) {
        for ask in asks {
            self.act(Action::Answer {
                ask,
                ok,
                detail: detail.to_owned(),
                culprit: None,
            });
        }
    }
}
