//! The stages of the master's life: boot, service, end.

use super::{
    Supervisor,
    model::{Action, Ask, End, Incarnation, Level, Now, Place},
    slot::{Process, Slot},
};

/// What the master is about.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Not begun.
    Idle,
    /// The agent starts.
    BootAgent,
    /// The agent is ready, the workers start.
    BootWorkers,
    /// All were ready once.
    Serving,
    /// On the way out.
    Ending(Ending),
    /// Out.
    Over,
}

/// How far the end has come.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) end: End,
    /// Then everything is killed.
    pub(super) deadline: Now,
    /// The workers are gone, the agent is being asked.
    pub(super) agent_asked: bool,
    /// Everything has been killed.
    pub(super) all_killed: bool,
    /// Those who asked for it.
    pub(super) asks: Vec<Ask>,
}

impl Stage {
    /// Whether empty slots are filled.
    pub(super) fn starts_processes(&self) -> bool {
        matches!(self, Self::BootAgent | Self::BootWorkers | Self::Serving)
    }

    /// Its name in `status`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Idle | Self::BootAgent | Self::BootWorkers => "starting",
            Self::Serving => "serving",
            Self::Ending(_) => "stopping",
            Self::Over => "stopped",
        }
    }
}

impl Supervisor {
    pub(super) fn boot(&mut self) {
        if !matches!(self.stage, Stage::Idle) {
            return;
        }
        let workers = self.rules.workers;
        self.act(Action::Expect { workers });
        self.stage = Stage::BootAgent;
        match self.index_of(Place::Agent) {
            Some(agent) => self.slots[agent].wake = Some(self.now),
            None => self.boot_workers(),
        }
    }

    fn boot_workers(&mut self) {
        self.stage = Stage::BootWorkers;
        for slot in &mut self.slots {
            if slot.place != Place::Agent {
                slot.wake = Some(self.now);
            }
        }
    }

    /// Boot is fail-fast: whoever starts a master wants to hear at once that the program is broken.
    pub(super) fn boot_failed(&mut self, culprit: Incarnation, place: Place, reason: String) {
        self.begin_ending(End::BootFailed {
            culprit,
            place,
            reason,
        });
    }

    /// Takes the next step of boot where the last one is done, or of the end.
    pub(super) fn progress_stage(&mut self) {
        let is_up = |slot: &Slot| slot.current.as_ref().is_some_and(Process::is_ready);
        match self.stage {
            Stage::BootAgent if self.slots.first().is_some_and(is_up) => {
                self.note(
                    Level::Info,
                    "the agent is up, starting the workers".to_owned(),
                );
                self.boot_workers();
            }
            Stage::BootWorkers if self.slots.iter().all(is_up) => {
                self.stage = Stage::Serving;
                self.act(Action::Booted);
            }
            Stage::Ending(_) => self.progress_ending(),
            _ => {}
        }
    }

    /// Ends the slow retry of a role, one of whose processes has been stable.
    pub(super) fn calm_down(&mut self) {
        for (place, who) in [
            (Place::Agent, "the agent is"),
            (Place::Worker(0), "workers are"),
        ] {
            let calm = self.calm_at_for(place).is_some_and(|at| at <= self.now);
            if calm && self.intensity_mut(place).calmed() {
                self.note(Level::Info, format!("{who} stable again"));
            }
        }
    }

    /// When the next slow retry will end, if all goes well.
    pub(super) fn calm_at(&self) -> Option<Now> {
        [Place::Agent, Place::Worker(0)]
            .into_iter()
            .filter_map(|place| self.calm_at_for(place))
            .min()
    }

    fn calm_at_for(&self, place: Place) -> Option<Now> {
        self.intensity(place).slow_next()?;
        self.slots
            .iter()
            .filter(|slot| (slot.place == Place::Agent) == (place == Place::Agent))
            .filter_map(|slot| {
                let since = slot.current.as_ref()?.ready_since()?;
                Some(since + self.role_rules(slot.place).stable_after)
            })
            .min()
    }

    /// Ends the master where no worker has been ready for too long: whoever runs it shall see that,
    /// and not a master that pretends.
    pub(super) fn give_up(&mut self) {
        if !matches!(self.stage, Stage::Serving) {
            self.none_ready_since = None;
            return;
        }
        if self.workers().any(Slot::is_ready) {
            self.none_ready_since = None;
            return;
        }
        self.none_ready_since.get_or_insert(self.now);
        if self.give_up_at().is_some_and(|at| at <= self.now) {
            self.note(
                Level::Error,
                "no worker has been ready for give_up_after: the master ends".to_owned(),
            );
            self.begin_ending(End::NoWorker);
        }
    }

    /// When the master will give up, if no worker gets ready.
    pub(super) fn give_up_at(&self) -> Option<Now> {
        Some(self.none_ready_since? + self.rules.give_up_after?)
    }
}
