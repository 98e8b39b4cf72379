//! Restarting one process and changing the number of workers, with the result told.

use super::{
    Supervisor,
    exit::Span,
    model::{Action, Ask, Change, Incarnation, Level, Now, Place},
    rules::WORKERS_MAX,
    slot::{Process, Seat, Slot},
    stage::Stage,
};

/// Somebody who waits until something has come about.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    ask: Ask,
    began: Now,
    goal: Goal,
}

#[derive(Clone, Debug)]
enum Goal {
    /// A process younger than `after` fills that place, and is ready.
    Restarted { place: Place, after: Incarnation },
    /// All workers are ready, and those scaled away are gone.
    Scaled { until: Now },
}

impl Watch {
    pub(super) fn deadline(&self) -> Option<Now> {
        match self.goal {
            Goal::Scaled { until } => Some(until),
            Goal::Restarted { .. } => None,
        }
    }
}

impl Supervisor {
    pub(super) fn restart(&mut self, ask: Option<Ask>, place: Place) {
        let slot = self.index_of(place).filter(|&at| !self.slots[at].removed);
        let refusal = match (&self.stage, slot) {
            (Stage::Serving, None) => format!("there is no {place}"),
            (Stage::Serving, Some(_)) if self.rollout.is_some() => "a reload is under way".into(),
            (Stage::Serving, Some(_)) => String::new(),
            (stage, _) => format!("the master is {}", stage.name()),
        };
        let Some(index) = slot.filter(|_| refusal.is_empty()) else {
            self.answer(ask, false, &refusal);
            return;
        };
        self.note(Level::Info, format!("{place} is to be restarted"));
        let after = match &self.slots[index].incoming {
            // Its replacement is on the way already, and will do.
            Some(incoming) => incoming.incarnation - 1,
            None => self.incarnation_last,
        };
        self.slots[index].renew_at = Some(self.now);
        if self.slots[index].current.is_none() {
            self.slots[index].renew_at = None;
            self.slots[index].wake = Some(self.now);
            let now = self.now;
            self.intensity_mut(place).hurry(now);
        } else if self.slots[index].incoming.is_some() {
            self.slots[index].renew_at = None;
        }
        self.watch(ask, Goal::Restarted { place, after });
    }

    pub(super) fn scale(&mut self, ask: Option<Ask>, change: Change) {
        if !matches!(self.stage, Stage::Serving) {
            let refusal = format!("the master is {}", self.stage.name());
            self.note(Level::Warn, format!("no scaling: {refusal}"));
            self.answer(ask, false, &refusal);
            return;
        }
        let wanted = match change {
            Change::To(count) => Some(count),
            Change::By(more) => self.rules.workers.checked_add_signed(more),
        };
        let Some(count) = wanted.filter(|count| (1..=WORKERS_MAX).contains(count)) else {
            let refusal = format!("the number of workers must be from 1 to {WORKERS_MAX}");
            self.note(Level::Warn, format!("no scaling: {refusal}"));
            self.answer(ask, false, &refusal);
            return;
        };
        self.end_watches_where("another number was asked for meanwhile", |watch| {
            matches!(watch.goal, Goal::Scaled { .. })
        });
        self.set_workers(count);
        let rules = &self.rules.worker;
        let time = rules.start_timeout + rules.drain_timeout + rules.term_grace;
        let until = self.now + time;
        self.watch(ask, Goal::Scaled { until });
    }

    /// Has that many workers from now on; the highest indexes go, the lowest free ones come.
    pub(super) fn set_workers(&mut self, count: u32) {
        self.rules.workers = count;
        for index in 0..count {
            let place = Place::Worker(index);
            match self.index_of(place) {
                Some(at) if !self.slots[at].removed => {}
                Some(at) => {
                    self.slots[at].removed = false;
                    self.slots[at].wake = Some(self.now);
                }
                None => {
                    let mut slot = Slot::new(place);
                    slot.wake = Some(self.now);
                    self.slots.push(slot);
                }
            }
        }
        self.slots.sort_by_key(|slot| slot.place);
        for at in 0..self.slots.len() {
            match self.slots[at].place {
                Place::Worker(index) if index >= count && !self.slots[at].removed => {
                    self.close_slot(at, "there are to be fewer workers");
                }
                _ => {}
            }
        }
        self.act(Action::Expect { workers: count });
        self.note(Level::Info, format!("there are to be {count} workers"));
    }

    /// The slot is not filled again, and who is in it goes.
    pub(super) fn close_slot(&mut self, at: usize, cause: &str) {
        let slot = &mut self.slots[at];
        slot.removed = true;
        slot.wake = None;
        slot.renew_at = None;
        let (current, incoming) = (slot.current.is_some(), slot.incoming.is_some());
        if current {
            self.dismiss(at, Seat::Current, cause);
        }
        if incoming {
            self.dismiss(at, Seat::Incoming, cause);
        }
    }

    fn watch(&mut self, ask: Option<Ask>, goal: Goal) {
        self.watches.extend(ask.map(|ask| Watch {
            ask,
            began: self.now,
            goal,
        }));
    }

    /// Answers those whose wait is over.
    pub(super) fn progress_watches(&mut self) {
        let mut at = 0;
        while at < self.watches.len() {
            match self.verdict(&self.watches[at].goal) {
                None => at += 1,
                Some((ok, text)) => {
                    let watch = self.watches.remove(at);
                    let took = Span(self.now.saturating_sub(watch.began));
                    self.answer([watch.ask], ok, &format!("{text} after {took}"));
                }
            }
        }
    }

    fn verdict(&self, goal: &Goal) -> Option<(bool, String)> {
        match *goal {
            Goal::Restarted { place, after } => {
                let Some(index) = self.index_of(place).filter(|&at| !self.slots[at].removed) else {
                    return Some((false, format!("there is no {place} any more")));
                };
                let current = self.slots[index].current.as_ref()?;
                let new = current.is_ready() && current.incarnation > after;
                new.then(|| (true, format!("{place} restarted")))
            }
            Goal::Scaled { until } => {
                let is_up = |slot: &&Slot| slot.current.as_ref().is_some_and(Process::is_ready);
                let (ready, wanted) = (self.workers().filter(is_up).count(), self.rules.workers);
                let stays = |slot: &Slot| slot.place == Place::Agent || !slot.removed;
                if self.slots.iter().all(stays) && self.workers().all(|slot| is_up(&slot)) {
                    Some((true, format!("{wanted} workers are ready")))
                } else if until <= self.now {
                    Some((false, format!("{ready} of {wanted} workers are ready")))
                } else {
                    None
                }
            }
        }
    }

    /// Tells those who wait for that place what happened there.
    pub(super) fn watches_trouble(&mut self, place: Place, incarnation: Incarnation, words: &str) {
        let failed = |watch: &Watch| match watch.goal {
            Goal::Restarted { place: p, after } => p == place && incarnation > after,
            Goal::Scaled { .. } => false,
        };
        let (failed, rest) = std::mem::take(&mut self.watches)
            .into_iter()
            .partition::<Vec<_>, _>(failed);
        self.watches = rest;
        for watch in failed {
            self.act(Action::Answer {
                ask: watch.ask,
                ok: false,
                detail: format!("{place} {words}"),
                culprit: Some(incarnation),
            });
        }
    }

    /// Ends every wait without success.
    pub(super) fn end_watches(&mut self, reason: &str) {
        self.end_watches_where(reason, |_| true);
    }

    fn end_watches_where(&mut self, reason: &str, which: impl Fn(&Watch) -> bool) {
        let (ended, rest) = std::mem::take(&mut self.watches)
            .into_iter()
            .partition::<Vec<_>, _>(which);
        self.watches = rest;
        self.answer(ended.into_iter().map(|watch| watch.ask), false, reason);
    }
}
