//! What a process tells and what its deadlines say: the course of one life.

use std::time::Duration;

use super::{
    Supervisor,
    exit::Span,
    model::{Incarnation, Level, Now},
    rules::LOST_GRACE,
    slot::{Manner, Phase, Seat},
    trouble::Trouble,
};

/// A deadline that is noticed so much too late means that the master itself was stopped: then
/// nobody could have been heard, and nobody is blamed for silence.
const OVERSLEPT: Duration = Duration::from_secs(5);

impl Supervisor {
    pub(super) fn spawned(&mut self, incarnation: Incarnation, pid: u32) {
        if let Some((_, process)) = self.process_mut(incarnation) {
            process.pid = Some(pid);
        }
    }

    pub(super) fn ready(&mut self, incarnation: Incarnation) {
        let (now, left) = (self.now, self.time_left());
        let Some((index, _)) = self.find(incarnation) else {
            return;
        };
        let drain_timeout = self.role_rules(self.slots[index].place).drain_timeout;
        let Some((place, process)) = self.process_mut(incarnation) else {
            return;
        };
        match process.phase {
            Phase::Starting { .. } => process.phase = Phase::Ready,
            // It was asked to go while its Ready was on the way: it may hold requests.
            Phase::Draining { .. } if process.ready_at.is_none() => {
                process.phase = Phase::Draining {
                    until: now + drain_timeout.min(left),
                };
            }
            Phase::Ready
            | Phase::Lost { .. }
            | Phase::Draining { .. }
            | Phase::Terminating { .. }
            | Phase::Killed => return,
        }
        process.ready_at = Some(now);
        let took = Span(now.saturating_sub(process.started));
        let text = match process.pid {
            Some(pid) => format!("{place} is ready (pid {pid}, after {took})"),
            None => format!("{place} is ready (after {took})"),
        };
        self.note(Level::Info, text);
        if let Some((index, Seat::Current)) = self.find(incarnation) {
            self.schedule_renewal(index);
        }
    }

    pub(super) fn beat(&mut self, incarnation: Incarnation) {
        let now = self.now;
        if let Some((_, process)) = self.process_mut(incarnation) {
            process.beat_at = Some(now);
        }
    }

    /// The end of a connection. A crash shows here first, so a life without one is given a moment
    /// to end; one that took its leave is not waited for.
    pub(super) fn left(&mut self, incarnation: Incarnation, goodbye: bool) {
        let until = self.now + LOST_GRACE;
        let Some((_, process)) = self.process_mut(incarnation) else {
            return;
        };
        if process.phase != Phase::Ready {
            return;
        }
        if goodbye {
            self.trouble(incarnation, Trouble::Lost { goodbye });
        } else {
            process.phase = Phase::Lost { until };
        }
    }

    /// Does what is due for each process whose time has come.
    pub(super) fn pass_deadlines(&mut self) {
        let now = self.now;
        let due: Vec<(usize, Incarnation)> = self
            .slots
            .iter()
            .enumerate()
            .flat_map(|(index, slot)| {
                let rules = self.role_rules(slot.place);
                slot.processes()
                    .filter(move |process| process.deadline(rules).is_some_and(|at| at <= now))
                    .map(move |process| (index, process.incarnation))
            })
            .collect();
        for (index, incarnation) in due {
            self.pass_deadline(index, incarnation);
        }
        for index in 0..self.slots.len() {
            if self.swap_at(&self.slots[index]).is_some_and(|at| at <= now) {
                self.swap(index);
            }
        }
    }

    fn pass_deadline(&mut self, index: usize, incarnation: Incarnation) {
        let (now, rules) = (self.now, self.role_rules(self.slots[index].place).clone());
        let Some((_, process)) = self.process_mut(incarnation) else {
            return;
        };
        match process.phase {
            Phase::Starting { .. } => self.trouble(incarnation, Trouble::NotReady),
            Phase::Lost { .. } => self.trouble(incarnation, Trouble::Lost { goodbye: false }),
            Phase::Ready => {
                let silence = now.saturating_sub(process.beat_at.unwrap_or(now));
                self.trouble(incarnation, Trouble::Silent(silence));
            }
            Phase::Draining { .. } => {
                let until = now + rules.term_grace;
                self.escalate(incarnation, Manner::Terminate { until });
            }
            Phase::Terminating { .. } => self.escalate(incarnation, Manner::Kill),
            Phase::Killed => {}
        }
    }

    /// Forgives silence where the master itself was not there to listen: what was said meanwhile
    /// is still on its way.
    pub(super) fn forgive_oversleeping(&mut self, now: Now) {
        let late = self
            .next_deadline()
            .is_some_and(|due| due + OVERSLEPT < now);
        if late {
            for process in self.slots.iter_mut().flat_map(|slot| slot.processes_mut()) {
                process.beat_at = process.beat_at.map(|_| now);
                if let Phase::Starting { until } = &mut process.phase {
                    *until = (*until).max(now + OVERSLEPT);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Event, Rules, Supervisor, rules::READY_GRACE};
    use super::*;

    /// A house of one worker and no agent, whose worker starts.
    fn starting() -> (Supervisor, Vec<Action>) {
        let rules = Rules {
            agent: None,
            ..Rules::default()
        };
        let mut machine = Supervisor::new(rules, 1, fastrand::Rng::with_seed(1));
        let mut out = Vec::new();
        machine.handle(Duration::ZERO, Event::Boot, &mut out);
        (machine, out)
    }

    fn is_terminated(out: &[Action]) -> bool {
        let term = |action: &Action| matches!(action, Action::Terminate { .. });
        out.iter().any(term)
    }

    #[test]
    fn one_whose_ready_crosses_the_stop_is_drained_like_any_other() {
        let (mut machine, mut out) = starting();
        machine.handle(Duration::ZERO, Event::Stop { ask: None }, &mut out);
        let drained = |action: &Action| matches!(action, Action::Drain { incarnation: 1, .. });
        assert!(out.iter().any(drained) && !is_terminated(&out), "{out:#?}");
        let ready = READY_GRACE / 2;
        machine.handle(ready, Event::Ready { incarnation: 1 }, &mut out);
        let drain_timeout = Rules::default().worker.drain_timeout;
        machine.handle(ready + drain_timeout / 2, Event::Tick, &mut out);
        assert!(!is_terminated(&out), "{out:#?}");
        machine.handle(ready + drain_timeout, Event::Tick, &mut out);
        assert!(is_terminated(&out), "{out:#?}");
    }

    #[test]
    fn one_that_is_not_ready_at_the_stop_is_not_waited_for() {
        let (mut machine, mut out) = starting();
        machine.handle(Duration::ZERO, Event::Stop { ask: None }, &mut out);
        machine.handle(READY_GRACE, Event::Tick, &mut out);
        assert!(is_terminated(&out), "{out:#?}");
    }

    #[test]
    fn one_that_is_ready_a_moment_too_late_may_finish_what_it_took() {
        let (mut machine, mut out) = starting();
        let second = Duration::from_secs(1);
        machine.handle(second, Event::Ready { incarnation: 1 }, &mut out);
        let exited = Event::Exited {
            incarnation: 1,
            exit: super::super::Exit::Code(1),
        };
        machine.handle(Duration::from_secs(40), exited, &mut out);
        // Its successor takes just too long.
        let late = Duration::from_secs(40) + Rules::default().worker.start_timeout;
        machine.handle(late, Event::Tick, &mut out);
        machine.handle(late, Event::Ready { incarnation: 2 }, &mut out);
        machine.handle(late + READY_GRACE, Event::Tick, &mut out);
        assert!(!is_terminated(&out), "{out:#?}");
        let drain_timeout = Rules::default().worker.drain_timeout;
        machine.handle(late + drain_timeout, Event::Tick, &mut out);
        assert!(is_terminated(&out), "{out:#?}");
    }

    #[test]
    fn a_master_that_was_stopped_meanwhile_gives_who_starts_a_moment_more() {
        let rules = Rules::default();
        let timeout = rules.worker.start_timeout;
        let mut machine = Supervisor::new(rules, 1, fastrand::Rng::with_seed(1));
        let mut out = Vec::new();
        machine.handle(Duration::ZERO, Event::Boot, &mut out);
        let late = timeout * 2;
        machine.handle(late, Event::Tick, &mut out);
        machine.handle(late, Event::Ready { incarnation: 1 }, &mut out);
        let started = |action: &&Action| matches!(action, Action::Spawn { .. });
        assert_eq!(out.iter().filter(started).count(), 2, "{out:#?}");
        // And no more than a moment.
        machine.handle(late + timeout, Event::Tick, &mut out);
        machine.handle(late + timeout + READY_GRACE, Event::Tick, &mut out);
        let ended = |action: &Action| matches!(action, Action::Terminate { incarnation: 2 });
        assert!(out.iter().any(ended), "{out:#?}");
    }
}
