//! A reload: one worker at a time, the replacement first, the first one a canary.

use std::collections::BTreeSet;

use super::{
    Supervisor,
    exit::Span,
    model::{Action, Ask, Generation, Incarnation, Level, Now, Place},
    rules::Rules,
    slot::{Phase, Process, Seat, Slot},
    stage::Stage,
};

/// A reload that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Reload {
    pub(super) asks: Vec<Ask>,
    pub(super) generation: Generation,
    pub(super) rules: Rules,
    /// The agent too.
    pub(super) agent: bool,
}

/// A reload under way.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    reload: Reload,
    began: Now,
    /// The agent is to be replaced first, and has not been yet.
    agent_due: bool,
    /// The agent is one that the old configuration does not have.
    agent_is_new: bool,
    /// A worker of the new generation has proved itself: new starts use it from now on.
    committed: bool,
    done: BTreeSet<Place>,
    /// The new process on trial.
    trial: Option<(Place, Incarnation)>,
}

impl Supervisor {
    pub(super) fn reload(&mut self, mut reload: Reload) {
        let refusal = match self.stage {
            Stage::Serving => "",
            Stage::Ending(_) | Stage::Over => "the master is shutting down",
            Stage::Idle | Stage::BootAgent | Stage::BootWorkers => "the master is still starting",
        };
        if !refusal.is_empty() {
            self.note(Level::Warn, format!("no reload: {refusal}"));
            self.discard(reload.generation);
            self.answer(reload.asks, false, refusal);
            return;
        }
        if self.rollout.is_none() {
            self.begin_rollout(reload);
            return;
        }
        for &ask in &reload.asks {
            let text = "another reload is under way; this one begins after it".to_owned();
            self.act(Action::Progress { ask, text });
        }
        // The newest configuration is what all who wait want; one run answers them all.
        if let Some(earlier) = self.reload_next.take() {
            self.discard(earlier.generation);
            reload.asks.extend(earlier.asks);
            reload.agent |= earlier.agent;
        }
        self.reload_next = Some(reload);
    }

    fn begin_rollout(&mut self, reload: Reload) {
        self.note(
            Level::Info,
            format!("reload to generation {} begins", reload.generation),
        );
        let agent = reload.rules.agent.clone();
        let agent_is_new = self.rules.agent.is_none() && agent.is_some();
        if let Some(rules) = agent.filter(|_| agent_is_new) {
            self.open_agents_slot(rules);
        }
        self.rollout = Some(Rollout {
            agent_due: agent_is_new || (reload.agent && reload.rules.agent.is_some()),
            agent_is_new,
            reload,
            began: self.now,
            committed: false,
            done: BTreeSet::new(),
            trial: None,
        });
    }

    /// Goes on with the reload under way where its last step is done, or begins the next.
    pub(super) fn progress_rollout(&mut self) {
        if !matches!(self.stage, Stage::Serving) {
            return;
        }
        if self.rollout.is_none()
            && let Some(next) = self.reload_next.take()
        {
            self.begin_rollout(next);
        }
        if let Some(mut rollout) = self.rollout.take() {
            if self.advance(&mut rollout) {
                self.rollout = Some(rollout);
            } else {
                self.finish_rollout(rollout);
            }
        }
    }

    /// Takes what steps can be taken; false where none is left.
    fn advance(&mut self, rollout: &mut Rollout) -> bool {
        if let Some((place, incarnation)) = rollout.trial {
            let slot = self.index_of(place).map(|index| &self.slots[index]);
            match slot.filter(|slot| !slot.removed) {
                Some(slot) if !self.has_proved_itself(slot, incarnation) => return true,
                Some(_) => self.passed(rollout, place),
                // It was scaled away while it was tried.
                None => rollout.trial = None,
            }
        }
        if rollout.agent_due {
            self.replace_agent(rollout);
            return true;
        }
        let generation = rollout.reload.generation;
        let next = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.place != Place::Agent && !slot.removed)
            .filter(|(_, slot)| !rollout.done.contains(&slot.place))
            .filter(|(_, slot)| {
                slot.current
                    .as_ref()
                    .is_none_or(|current| current.generation != generation)
            })
            .min_by_key(|(_, slot)| turn_of(slot))
            .map(|(index, _)| index);
        let Some(index) = next else {
            return false;
        };
        let slot = &self.slots[index];
        let (empty, ready) = (slot.current.is_none(), slot.is_ready());
        if slot.incoming.is_none() && (empty || ready) && self.has_room(index) {
            let seat = if empty { Seat::Current } else { Seat::Incoming };
            let place = slot.place;
            let incarnation = self.start(index, seat, generation);
            rollout.trial = Some((place, incarnation));
        }
        true
    }

    fn replace_agent(&mut self, rollout: &mut Rollout) {
        let Some(index) = self.index_of(Place::Agent) else {
            rollout.agent_due = false;
            return;
        };
        if self.slots[index].current.is_some() {
            self.slots[index].wake = Some(self.now);
            self.slots[index].renew_at = None;
            self.dismiss(index, Seat::Current, "it is replaced");
        }
        if self.slots[index].is_empty() {
            let incarnation = self.start(index, Seat::Current, rollout.reload.generation);
            rollout.trial = Some((Place::Agent, incarnation));
        }
    }

    fn has_proved_itself(&self, slot: &Slot, incarnation: Incarnation) -> bool {
        slot.current
            .as_ref()
            .filter(|process| process.incarnation == incarnation)
            .and_then(Process::ready_since)
            .is_some_and(|since| since + self.rules.min_ready_for <= self.now)
    }

    fn passed(&mut self, rollout: &mut Rollout, place: Place) {
        rollout.trial = None;
        if place == Place::Agent {
            rollout.agent_due = false;
        } else {
            rollout.done.insert(place);
            if !rollout.committed {
                rollout.committed = true;
                self.commit(&rollout.reload);
            }
        }
        let total = self.rules.workers;
        for &ask in &rollout.reload.asks {
            let text = match place {
                Place::Agent => "agent replaced".to_owned(),
                Place::Worker(_) => {
                    format!("{place} replaced ({} of {total})", rollout.done.len())
                }
            };
            self.act(Action::Progress { ask, text });
        }
    }

    /// The canary lives: from now on every start uses the new configuration.
    fn commit(&mut self, reload: &Reload) {
        self.generation = reload.generation;
        // The number of workers is changed at the end of the reload, and by that code.
        let workers = self.rules.workers;
        self.rules = Rules {
            workers,
            ..reload.rules.clone()
        };
        match (&reload.rules.agent, self.index_of(Place::Agent)) {
            (Some(rules), _) => self.agent_rules = rules.clone(),
            // It serves the old workers. Where it dies it stays dead, for the program that it ran
            // is not configured any more.
            (None, Some(index)) => self.slots[index].removed = true,
            (None, None) => {}
        }
        self.act(Action::Commit {
            generation: reload.generation,
        });
    }

    fn finish_rollout(&mut self, rollout: Rollout) {
        if !rollout.committed {
            self.commit(&rollout.reload);
        }
        let text = format!(
            "{} workers replaced in {}, now generation {}",
            rollout.done.len(),
            Span(self.now.saturating_sub(rollout.began)),
            rollout.reload.generation
        );
        self.note(Level::Info, format!("reload done: {text}"));
        self.answer(rollout.reload.asks, true, &text);
        // A number that somebody scaled to holds until the configuration asks for another one.
        let configured = rollout.reload.rules.workers;
        if std::mem::replace(&mut self.workers_configured, configured) != configured {
            self.set_workers(configured);
        }
    }

    /// Ends the reload where this was the process on trial.
    pub(super) fn rollout_trouble(&mut self, place: Place, incarnation: Incarnation, words: &str) {
        let Some(rollout) = &self.rollout else {
            return;
        };
        let on_trial = rollout.trial.is_some_and(|(_, tried)| tried == incarnation);
        // Nothing but the new configuration has such an agent, and it is not known to be good yet.
        let new_agent = place == Place::Agent && rollout.agent_is_new && !rollout.committed;
        if !on_trial && !new_agent {
            return;
        }
        if let (Place::Agent, Some(agent)) = (place, self.index_of(Place::Agent)) {
            // The old program is known to be good: it need not wait for the new one's backoff.
            self.slots[agent].wake = Some(self.now);
        }
        self.abort_rollout(&format!("{place} {words}"), Some(incarnation));
    }

    /// Ends the reload, and any that waits, without success: what is old stays.
    pub(super) fn abort_rollout(&mut self, reason: &str, culprit: Option<Incarnation>) {
        let ending = matches!(self.stage, Stage::Ending(_));
        if let Some(next) = self.reload_next.take_if(|_| ending) {
            self.discard(next.generation);
            self.answer(next.asks, false, reason);
        }
        let Some(rollout) = self.rollout.take() else {
            return;
        };
        let detail = format!(
            "{reason}; {} of {} workers were replaced, the others stay as they were",
            rollout.done.len(),
            self.rules.workers
        );
        self.note(Level::Error, format!("reload failed: {detail}"));
        for ask in rollout.reload.asks {
            self.act(Action::Answer {
                ask,
                ok: false,
                detail: detail.clone(),
                culprit,
            });
        }
        let on_trial = rollout
            .trial
            .and_then(|(_, incarnation)| self.find(incarnation));
        if let Some((index, Seat::Incoming)) = on_trial {
            self.dismiss(index, Seat::Incoming, "the reload was broken off");
        }
        if !rollout.committed {
            let (generation, is_new) = (rollout.reload.generation, rollout.agent_is_new);
            self.discard(generation);
            // At the end of all it goes as any agent does, after the workers.
            if !ending {
                self.take_back_agent(generation, is_new);
            }
        }
    }

    /// Whether the reload under way brings an agent where there was none.
    pub(super) fn brings_agent(&self) -> bool {
        let rollout = self.rollout.as_ref();
        rollout.is_some_and(|rollout| rollout.agent_is_new)
    }

    fn discard(&mut self, generation: Generation) {
        self.act(Action::Discard { generation });
    }

    /// When the process on trial will have proved itself.
    pub(super) fn rollout_at(&self) -> Option<Now> {
        let (place, incarnation) = self.rollout.as_ref()?.trial?;
        let current = self.slots[self.index_of(place)?].current.as_ref()?;
        let since = (current.incarnation == incarnation).then(|| current.ready_since())??;
        Some(since + self.rules.min_ready_for)
    }
}

/// Whose turn is first: an empty slot, where a canary harms nobody; then the oldest that serves;
/// then those that may be ready soon.
fn turn_of(slot: &Slot) -> (u8, Incarnation) {
    match &slot.current {
        None => (0, 0),
        Some(process) if process.phase == Phase::Ready => (1, process.incarnation),
        Some(process) => (2, process.incarnation),
    }
}
