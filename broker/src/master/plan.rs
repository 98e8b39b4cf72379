//! Everything that a master is told before it starts, checked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    os::{LISTENERS_MAX, Orphan, listener::Address},
    policy::{RoleRules, Rules, WORKERS_MAX},
    program::Program,
};

/// A checked configuration: programs and paths are resolved, numbers are in range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) socket: PathBuf,
    pub(crate) listen: Vec<Listen>,
    pub(crate) agent: Option<RolePlan>,
    pub(crate) worker: RolePlan,
    pub(crate) workers: u32,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) give_up_after: Option<Duration>,
    pub(crate) min_ready_for: Duration,
    pub(crate) orphan: Orphan,
}

/// One role's program, and the numbers that it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RolePlan {
    pub(crate) program: Arc<Program>,
    pub(crate) rules: RoleRules,
}

/// One listener as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) name: String,
    pub(crate) address: Address,
}

/// A configuration that cannot work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct PlanError(pub(crate) String);

impl Plan {
    /// The state machine's share of it.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            agent: self.agent.as_ref().map(|agent| agent.rules.clone()),
            worker: self.worker.rules.clone(),
            workers: self.workers,
            shutdown_timeout: self.shutdown_timeout,
            give_up_after: self.give_up_after,
            min_ready_for: self.min_ready_for,
        }
    }

    /// Refuses numbers that contradict each other.
    pub(crate) fn check(self) -> Result<Self, PlanError> {
        let refuse = |text: String| Err(PlanError(text));
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            return refuse(format!(
                "the number of workers must be from 1 to {WORKERS_MAX}"
            ));
        }
        if self.listen.len() > LISTENERS_MAX {
            return refuse(format!(
                "there may be {LISTENERS_MAX} listeners at the most"
            ));
        }
        for (index, listen) in self.listen.iter().enumerate() {
            let name = &listen.name;
            let plain = |c: char| c.is_ascii_graphic() && c != ':';
            if name.is_empty() || name.len() > 255 || !name.chars().all(plain) {
                return refuse(format!(
                    "`{name}` is no name for a listener: letters, digits and signs, but no colon"
                ));
            }
            if self.listen[..index].iter().any(|other| other.name == *name) {
                return refuse(format!("two listeners are named `{name}`"));
            }
        }
        if let Err(error) = henhouse_proto::Endpoint::new(self.socket.clone()) {
            return refuse(error.to_string());
        }
        let parts = self.rules().shutdown_parts();
        if parts > self.shutdown_timeout {
            return refuse(format!(
                "a shutdown can take {parts:?} (drain_timeout + term_grace of the workers, then of \
                 the agent), and shutdown_timeout is {:?}: raise it or lower them",
                self.shutdown_timeout
            ));
        }
        let patience = self.worker.rules.start_timeout + Duration::from_secs(30);
        if self.give_up_after.is_some_and(|after| after <= patience) {
            return refuse(format!(
                "give_up_after must be more than the workers' start_timeout + 30 s ({patience:?}), \
                 or \"0s\" for never: else one slow start ends the master"
            ));
        }
        Ok(self)
    }

    /// Whether the agent of `new` is another program, or is started in another way.
    pub(crate) fn agent_differs(&self, new: &Self) -> bool {
        let start = |plan: &Self| {
            let agent = plan.agent.as_ref()?;
            Some((Arc::clone(&agent.program), plan.orphan))
        };
        start(self) != start(new)
    }
}
