//! The master's end: the workers together, then the agent, then itself, by one overall deadline.

use std::time::Duration;

use super::{
    Supervisor,
    model::{Action, Ask, End, Level, Now, Place},
    rules::KILL_GRACE,
    slot::{Manner, Phase, Seat, Slot},
    stage::{Ending, Stage},
};

impl Supervisor {
    pub(super) fn stop(&mut self, ask: Option<Ask>) {
        self.begin_ending(End::Stopped);
        if let Stage::Ending(ending) = &mut self.stage {
            ending.asks.extend(ask);
        }
    }

    /// An INT: as TERM, and the second one kills, for somebody sits there and has pressed twice.
    pub(super) fn interrupt(&mut self) {
        self.interrupts += 1;
        if self.interrupts > 1 {
            self.stop_now(None);
        } else {
            self.stop(None);
        }
    }

    pub(super) fn stop_now(&mut self, ask: Option<Ask>) {
        self.stop(ask);
        self.kill_all();
    }

    /// Begins the end, unless it has begun.
    pub(super) fn begin_ending(&mut self, end: End) {
        if matches!(self.stage, Stage::Ending(_) | Stage::Over) {
            return;
        }
        let boot_failed = matches!(end, End::BootFailed { .. });
        self.stage = Stage::Ending(Ending {
            end,
            deadline: self.now + self.rules.shutdown_timeout,
            agent_asked: false,
            all_killed: false,
            asks: Vec::new(),
        });
        self.note(Level::Info, "shutting down".to_owned());
        self.act(Action::ShuttingDown);
        self.abort_rollout("the master is shutting down", None);
        self.end_watches("the master is shutting down");
        for index in 0..self.slots.len() {
            self.slots[index].wake = None;
            self.slots[index].renew_at = None;
            if self.slots[index].place != Place::Agent {
                self.send_away(index, boot_failed);
            }
        }
    }

    /// Has the slot's processes go. A failed boot ends at once: it is over for all alike, and whoever
    /// waits for its exit code shall not wait for drains.
    fn send_away(&mut self, index: usize, at_once: bool) {
        for seat in [Seat::Current, Seat::Incoming] {
            let taken = match seat {
                Seat::Incoming => self.slots[index].incoming.is_some(),
                _ => self.slots[index].current.is_some(),
            };
            if !taken {
                continue;
            }
            if at_once {
                let until = self.now + self.role_rules(self.slots[index].place).term_grace;
                let process = self.slots[index].take(seat);
                self.leave(index, process, Manner::Terminate { until });
            } else {
                self.dismiss(index, seat, "the master shuts down");
            }
        }
    }

    /// Goes on with the end where the last step is done.
    pub(super) fn progress_ending(&mut self) {
        let Stage::Ending(ending) = &self.stage else {
            return;
        };
        let boot_failed = matches!(ending.end, End::BootFailed { .. });
        let (deadline, all_killed, agent_asked) =
            (ending.deadline, ending.all_killed, ending.agent_asked);
        if self.slots.iter().all(Slot::is_empty) {
            self.finish();
        } else if all_killed && deadline + KILL_GRACE <= self.now {
            let text = "some processes do not end though they were killed; leaving them";
            self.note(Level::Error, text.to_owned());
            self.finish();
        } else if deadline <= self.now && !all_killed {
            self.kill_all();
        } else if !agent_asked && self.workers_are_gone() {
            if let Stage::Ending(ending) = &mut self.stage {
                ending.agent_asked = true;
            }
            if let Some(agent) = self.index_of(Place::Agent) {
                self.send_away(agent, boot_failed);
            }
        }
    }

    fn workers_are_gone(&self) -> bool {
        self.slots
            .iter()
            .all(|slot| slot.place == Place::Agent || slot.is_empty())
    }

    fn finish(&mut self) {
        if let Stage::Ending(ending) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.answer(ending.asks, true, "stopped");
            self.act(Action::End(ending.end));
        }
    }

    /// Kills everything, and counts the overall deadline as reached.
    fn kill_all(&mut self) {
        let now = self.now;
        let Stage::Ending(ending) = &mut self.stage else {
            return;
        };
        ending.all_killed = true;
        ending.deadline = ending.deadline.min(now);
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let seated = slot.current.take().into_iter().chain(slot.incoming.take());
            slot.leaving.extend(seated);
            let alive: Vec<_> = slot
                .leaving
                .iter()
                .filter(|process| process.phase != Phase::Killed)
                .map(|process| process.incarnation)
                .collect();
            for incarnation in alive {
                self.escalate(incarnation, Manner::Kill);
            }
        }
    }

    /// Something had to be killed: at an end that was asked for, the exit code says so.
    pub(super) fn forced(&mut self) {
        if let Stage::Ending(ending) = &mut self.stage
            && ending.end == End::Stopped
        {
            ending.end = End::Forced;
        }
    }

    /// How much time there is for anything: no end of it, except in a shutdown.
    pub(super) fn time_left(&self) -> Duration {
        match &self.stage {
            Stage::Ending(ending) => ending.deadline.saturating_sub(self.now),
            _ => Duration::MAX,
        }
    }

    /// When the end takes its next step by the clock alone.
    pub(super) fn ending_at(&self) -> Option<Now> {
        match &self.stage {
            Stage::Ending(ending) if ending.all_killed => Some(ending.deadline + KILL_GRACE),
            Stage::Ending(ending) => Some(ending.deadline),
            _ => None,
        }
    }
}
