//! What `status` tells of the process layer.

use std::time::Duration;

use super::{
    Supervisor,
    model::{Generation, Incarnation, Place},
    slot::{Phase, Process, Slot},
};

/// The whole house at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// `starting`, `serving`, `stopping` or `stopped`.
    pub(crate) stage: &'static str,
    pub(crate) generation: Generation,
    pub(crate) workers_wanted: u32,
    pub(crate) workers_ready: u32,
    /// A reload is under way.
    pub(crate) reloading: bool,
    /// The agent, or the workers, failed so often that they are retried slowly.
    pub(crate) agent_slow: bool,
    pub(crate) workers_slow: bool,
    pub(crate) slots: Vec<SlotView>,
}

/// One slot at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotView {
    pub(crate) place: Place,
    /// Every process in it, the one that fills it first.
    pub(crate) processes: Vec<ProcessView>,
    /// Where it is empty: how long until the next start, by the clock alone.
    pub(crate) retry_in: Option<Duration>,
    /// Starts after the first.
    pub(crate) restarts: u64,
    pub(crate) last_end: Option<String>,
}

/// One process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessView {
    pub(crate) state: &'static str,
    pub(crate) pid: Option<u32>,
    pub(crate) incarnation: Incarnation,
    pub(crate) generation: Generation,
    /// Since its start.
    pub(crate) age: Duration,
}

pub(super) fn take(machine: &Supervisor) -> Snapshot {
    let ready = machine.workers().filter(|slot| slot.is_ready()).count();
    Snapshot {
        stage: machine.stage.name(),
        generation: machine.generation,
        workers_wanted: machine.rules.workers,
        workers_ready: u32::try_from(ready).unwrap_or(u32::MAX),
        reloading: machine.rollout.is_some(),
        agent_slow: machine.agent_intensity.slow_next().is_some(),
        workers_slow: machine.worker_intensity.slow_next().is_some(),
        slots: machine
            .slots
            .iter()
            .map(|slot| view(machine, slot))
            .collect(),
    }
}

fn view(machine: &Supervisor, slot: &Slot) -> SlotView {
    let process = |process: &Process| ProcessView {
        state: match process.phase {
            Phase::Starting { .. } => "starting",
            Phase::Ready => "ready",
            Phase::Lost { .. } => "lost",
            Phase::Draining { .. } => "draining",
            Phase::Terminating { .. } => "terminating",
            Phase::Killed => "killed",
        },
        pid: process.pid,
        incarnation: process.incarnation,
        generation: process.generation,
        age: machine.now.saturating_sub(process.started),
    };
    SlotView {
        place: slot.place,
        processes: slot.processes().map(process).collect(),
        retry_in: machine.wake_at(slot).map(|at| at - machine.now),
        restarts: slot.starts.saturating_sub(1),
        last_end: slot.last_end.clone(),
    }
}
