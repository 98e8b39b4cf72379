//! The agent that a reload brings or takes away.

use super::{
    Supervisor,
    backoff::Intensity,
    model::{Action, Generation, Place},
    rules::RoleRules,
    slot::{Process, Seat, Slot},
    stage::Stage,
};

impl Supervisor {
    /// Has a place for an agent that there was not: what is sent to it waits from now on.
    pub(super) fn open_agents_slot(&mut self, rules: RoleRules) {
        self.agent_rules = rules;
        self.agent_intensity = Intensity::default();
        match self.index_of(Place::Agent) {
            Some(index) => self.slots[index].removed = false,
            None => self.slots.insert(0, Slot::new(Place::Agent)),
        }
        self.slots[0].wake = Some(self.now);
        self.expect_agent(true);
    }

    /// There is to be no agent: what is sent to one is refused from now on, and it goes.
    fn close_agents_slot(&mut self) {
        self.expect_agent(false);
        if let Some(index) = self.index_of(Place::Agent) {
            self.close_slot(index, "there is to be no agent any more");
        }
    }

    /// Lets an agent go that is not configured any more, when the last worker of a configuration
    /// that has one is gone.
    pub(super) fn progress_agents_leave(&mut self) {
        let serving = matches!(self.stage, Stage::Serving);
        let wanted = self.rules.agent.is_some() || self.brings_agent();
        if wanted || !self.agent_expected || !serving {
            return;
        }
        let agent = self.slots.iter().find(|slot| slot.place == Place::Agent);
        let is_there = agent.is_some_and(|slot| slot.current.is_some());
        let workers = self.slots.iter().filter(|slot| slot.place != Place::Agent);
        let is_old = |process: &Process| process.generation < self.generation;
        if !is_there || !workers.flat_map(Slot::processes).any(is_old) {
            self.close_agents_slot();
        }
    }

    fn expect_agent(&mut self, expected: bool) {
        if std::mem::replace(&mut self.agent_expected, expected) != expected {
            self.act(Action::ExpectAgent { expected });
        }
    }

    /// What was not wholly good is not half kept: the agent is as before, or there is none.
    pub(super) fn take_back_agent(&mut self, generation: Generation, is_new: bool) {
        if is_new {
            self.close_agents_slot();
            return;
        }
        let Some(index) = self.index_of(Place::Agent) else {
            return;
        };
        let slot = &mut self.slots[index];
        let current = slot.current.as_ref();
        if current.is_some_and(|agent| agent.generation == generation) {
            slot.wake = Some(self.now);
            slot.renew_at = None;
            self.dismiss(index, Seat::Current, "the reload was broken off");
        }
    }
}
