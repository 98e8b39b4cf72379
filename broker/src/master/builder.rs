//! A master inside any Rust program.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use super::{
    driver::{self, Ended, Listening, Loader, Options, StartError},
    handle::MasterHandle,
    os::{
        Orphan, Strangers,
        listener::{Address, AddressError},
    },
    plan::{Listen, Plan, PlanError, RolePlan},
    policy::{RoleRules, Rules},
    program::{Program, ProgramError},
    runtime_directory::own_socket,
};
use crate::outlet::last_word;

/// A master that is to be: one agent, some workers, and the listeners that the workers share.
///
/// What is not said is as the command has it: the same program is agent and worker, there are as
/// many workers as this process may use cores.
///
/// ```no_run
/// # // Not run: the test program itself would be started as agent and workers.
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     match std::env::var("HENHOUSE_ROLE").as_deref() {
///         Ok("agent") => ExitCode::SUCCESS, // join, and be the agent
///         Ok(_) => ExitCode::SUCCESS,       // join, and be a worker
///         Err(_) => henhouse::Master::new(henhouse::this_program())
///             .workers(4)
///             .listen("http", "127.0.0.1:7001")
///             .run(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `run` or `start`"]
pub struct Master {
    worker: Program,
    agent: Option<Program>,
    workers: Option<u32>,
    listen: Vec<(String, String)>,
    socket: Option<PathBuf>,
    rules: Rules,
    orphan: Orphan,
    options: Options,
}

/// Why a master cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterError {
    /// A program cannot be run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An address makes no sense.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Two things that were asked for contradict each other.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It was right, and did not work.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl MasterError {
    /// The exit code that the command gives for it: 75 where another master holds the socket, 78
    /// where the configuration is wrong, 3 where something does not work.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Program(_) | Self::Address(_) | Self::Plan(_) => 78,
            Self::Start(error) => start_exit_code(error),
        }
    }
}

fn start_exit_code(error: &StartError) -> u8 {
    match error {
        StartError::Broker(error) if error.is_held() => 75,
        StartError::Broker(_) | StartError::Listen { .. } | StartError::System(..) => 3,
    }
}

impl Master {
    /// A master whose workers run `program`, and whose agent does too.
    pub fn new(program: Program) -> Self {
        Self {
            agent: Some(program.clone()),
            worker: program,
            workers: None,
            listen: Vec::new(),
            socket: None,
            rules: Rules::default(),
            orphan: Orphan::default(),
            options: Options {
                signals: Listening::ToAll,
                strangers: Strangers::as_pid_one(),
            },
        }
    }

    /// The agent runs another program.
    pub fn agent(mut self, program: Program) -> Self {
        self.agent = Some(program);
        self
    }

    /// There is no agent.
    pub fn no_agent(mut self) -> Self {
        self.agent = None;
        self
    }

    /// So many workers.
    pub fn workers(mut self, count: u32) -> Self {
        self.workers = Some(count);
        self
    }

    /// Listens at `address` (`127.0.0.1:7001`, `unix:PATH` or `systemd:NAME`); every worker finds
    /// the socket by `name`.
    pub fn listen(mut self, name: impl Into<String>, address: impl Into<String>) -> Self {
        self.listen.push((name.into(), address.into()));
        self
    }

    /// The broker's socket. Without it the master has one that only its children know.
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// How long agent and workers may take to get ready; 60 s without it.
    pub fn start_timeout(mut self, time: Duration) -> Self {
        self.rules.worker.start_timeout = time;
        if let Some(agent) = &mut self.rules.agent {
            agent.start_timeout = time;
        }
        self
    }

    /// How long a worker may take to finish what it holds; 10 s without it.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.rules.worker.drain_timeout = time;
        self
    }

    /// How long a whole shutdown may take; 25 s without it.
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.rules.shutdown_timeout = time;
        self
    }

    /// How long a replacement must have been ready before the old worker drains; 5 s without it.
    pub fn min_ready_for(mut self, time: Duration) -> Self {
        self.rules.min_ready_for = time;
        self
    }

    /// What becomes of the children when the master is killed.
    pub fn orphan(mut self, orphan: Orphan) -> Self {
        self.orphan = orphan;
        self
    }

    /// With `false` the master leaves TERM, INT, HUP, TTIN and TTOU to the program around it.
    pub fn signals(mut self, listen: bool) -> Self {
        self.options.signals = match listen {
            true => Listening::ToAll,
            false => Listening::ToChildren,
        };
        self
    }

    /// Runs the master to its end, and tells on stderr why it ended where that is not as it was
    /// asked to. The exit code is as the command's.
    ///
    /// # Panics
    ///
    /// It blocks, and must not be called inside an async runtime.
    pub fn run(self) -> ExitCode {
        let options = self.options;
        match self.into_plan() {
            Ok(plan) => {
                let same = plan.clone();
                let ended = run(plan, Box::new(move || Ok(same.clone())), options);
                if ended.code != 0 {
                    last_word(&ended.reason);
                }
                ExitCode::from(ended.code)
            }
            Err(error) => {
                last_word(&error.to_string());
                ExitCode::from(error.exit_code())
            }
        }
    }

    /// Starts the master on threads of its own.
    ///
    /// # Errors
    ///
    /// Where a program, an address or a number is wrong, another master holds the socket, or a
    /// listener cannot be opened. What fails later is told by [`MasterHandle::wait`].
    pub fn start(self) -> Result<MasterHandle, MasterError> {
        let options = self.options;
        let plan = self.into_plan()?;
        let same = plan.clone();
        let started = driver::start(plan, Box::new(move || Ok(same.clone())), options)?;
        Ok(MasterHandle::new(started))
    }

    pub(super) fn into_plan(self) -> Result<Plan, MasterError> {
        let role = |program: Program, rules: RoleRules| -> Result<RolePlan, ProgramError> {
            Ok(RolePlan {
                program: Arc::new(program.resolve()?),
                rules,
            })
        };
        let agent_rules = self.rules.agent.unwrap_or_else(RoleRules::agent);
        let agent = self.agent.map(|program| role(program, agent_rules));
        let listen = self.listen.into_iter().map(|(name, address)| {
            Ok(Listen {
                name,
                address: Address::parse(&address)?,
            })
        });
        let plan = Plan {
            socket: std::path::absolute(self.socket.unwrap_or_else(own_socket))
                .map_err(|error| PlanError(format!("the socket's path: {error}")))?,
            listen: listen.collect::<Result<_, AddressError>>()?,
            agent: agent.transpose()?,
            worker: role(self.worker, self.rules.worker)?,
            workers: self.workers.unwrap_or_else(cores),
            shutdown_timeout: self.rules.shutdown_timeout,
            give_up_after: self.rules.give_up_after,
            min_ready_for: self.rules.min_ready_for,
            orphan: self.orphan,
        };
        Ok(plan.check()?)
    }
}

/// Runs that plan to its end.
pub(crate) fn run(plan: Plan, loader: Loader, options: Options) -> Ended {
    let started = match driver::start(plan, loader, options) {
        Ok(started) => started,
        Err(error) => {
            return Ended {
                code: start_exit_code(&error),
                reason: error.to_string(),
            };
        }
    };
    started.thread.join().unwrap_or_else(|_| Ended {
        code: 1,
        reason: "the master's own thread panicked; that is a bug".to_owned(),
    })
}

/// As many workers as this process may use cores.
pub(crate) fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(master: Master) -> String {
        master.into_plan().unwrap_err().to_string()
    }

    #[test]
    fn the_same_program_is_agent_and_worker_where_nothing_else_is_said() {
        let plan = Master::new(Program::new("sh"))
            .workers(2)
            .into_plan()
            .unwrap();
        assert_eq!(plan.agent.as_ref().unwrap().program, plan.worker.program);
        let plan = Master::new(Program::new("sh"))
            .no_agent()
            .into_plan()
            .unwrap();
        assert_eq!((plan.agent, plan.workers), (None, cores()));
    }

    #[test]
    fn a_master_that_cannot_work_says_why() {
        let master = || Master::new(Program::new("sh"));
        assert_eq!(
            refusal(master().workers(0)),
            "the number of workers must be from 1 to 512"
        );
        assert!(refusal(master().listen("a", "x")).starts_with("`x` is not an address"));
        let twice = master().listen("a", "unix:x").listen("a", "unix:y");
        assert_eq!(refusal(twice), "two listeners are named `a`");
        let long = master().drain_timeout(Duration::from_secs(60));
        assert!(refusal(long).contains("shutdown_timeout is 25s"));
        assert_eq!(
            refusal(Master::new(Program::new("no-such"))),
            "no-such: not found in PATH"
        );
    }

    #[test]
    fn a_relative_socket_is_made_absolute_since_children_run_elsewhere() {
        let master = Master::new(Program::new("sh")).socket("run/x.sock");
        assert!(master.into_plan().unwrap().socket.is_absolute());
    }
}
