//! The answer to `status`.

use serde::Serialize;

use super::Place;
use crate::{broker::BrokerStatus, master::policy::Snapshot};

/// The whole house at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The master's pid.
    pub pid: u32,
    /// `starting`, `serving`, `stopping` or `stopped`.
    pub stage: &'static str,
    /// Since its start.
    pub uptime_seconds: f64,
    /// What new starts run; +1 for each reload.
    pub generation: u64,
    /// How many workers there should be.
    pub workers_wanted: u32,
    /// How many slots have a worker that is ready.
    pub workers_ready: u32,
    /// A reload is under way.
    pub reloading: bool,
    /// The agent failed so often that it is tried slowly.
    pub agent_slow_retry: bool,
    /// Workers failed so often that they are tried slowly.
    pub workers_slow_retry: bool,
    /// The agent's slot first, then the workers'.
    pub slots: Vec<SlotStatus>,
    /// The addresses of the listeners, by name.
    pub listeners: Vec<(String, String)>,
    /// What the broker tells of itself; nothing where it has ended.
    pub broker: Option<BrokerStatus>,
}

/// One slot at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SlotStatus {
    /// `agent` or `worker`.
    pub role: &'static str,
    /// 0 for the agent.
    pub index: u32,
    /// The one that fills the slot first, then its replacement, then those that are leaving.
    pub processes: Vec<ProcessStatus>,
    /// Where nothing fills it: how long until the next start.
    pub retry_in_seconds: Option<f64>,
    /// Starts after the first.
    pub restarts: u64,
    /// How the last process that was here ended.
    pub last_end: Option<String>,
}

/// One process at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProcessStatus {
    /// `starting`, `ready`, `lost`, `draining`, `terminating` or `killed`.
    pub state: &'static str,
    /// None before the operating system has started it.
    pub pid: Option<u32>,
    /// Its number among all processes ever started.
    pub incarnation: u64,
    /// The generation that it runs.
    pub generation: u64,
    /// Since its start.
    pub age_seconds: f64,
}

impl Status {
    pub(super) fn new(
        snapshot: &Snapshot,
        uptime: std::time::Duration,
        listeners: Vec<(String, String)>,
        broker: Option<BrokerStatus>,
    ) -> Self {
        let slots = snapshot.slots.iter().map(|slot| SlotStatus {
            role: role_name(slot.place),
            index: match slot.place {
                Place::Agent => 0,
                Place::Worker(index) => index,
            },
            processes: slot
                .processes
                .iter()
                .map(|process| ProcessStatus {
                    state: process.state,
                    pid: process.pid,
                    incarnation: process.incarnation,
                    generation: process.generation,
                    age_seconds: process.age.as_secs_f64(),
                })
                .collect(),
            retry_in_seconds: slot.retry_in.map(|time| time.as_secs_f64()),
            restarts: slot.restarts,
            last_end: slot.last_end.clone(),
        });
        Self {
            pid: std::process::id(),
            stage: snapshot.stage,
            uptime_seconds: uptime.as_secs_f64(),
            generation: snapshot.generation,
            workers_wanted: snapshot.workers_wanted,
            workers_ready: snapshot.workers_ready,
            reloading: snapshot.reloading,
            agent_slow_retry: snapshot.agent_slow,
            workers_slow_retry: snapshot.workers_slow,
            slots: slots.collect(),
            listeners,
            broker,
        }
    }

    /// As JSON, for `status --json` and whoever reads it.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }
}

pub(super) fn role_name(place: Place) -> &'static str {
    match place {
        Place::Agent => "agent",
        Place::Worker(_) => "worker",
    }
}
