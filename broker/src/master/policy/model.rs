//! The words of the state machine: what it is told and what it asks for.

use std::{fmt, time::Duration};

use super::{exit::Exit, rules::Rules};

/// A moment, as the time since the master started: monotonic, and passed in.
pub(crate) type Now = Duration;

/// The number of a process among all ever started; from 1.
pub(crate) type Incarnation = u64;

/// The number of a reload; processes of one generation run the same configuration.
pub(crate) type Generation = u64;

/// A slot's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// The one agent.
    Agent,
    /// A worker's index, stable for life.
    Worker(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => f.write_str("agent"),
            Self::Worker(index) => write!(f, "worker {index}"),
        }
    }
}

/// Somebody who waits for the result of what he asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ask(pub(crate) u64);

/// Everything that can happen to a master.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Begin: start the agent, then the workers.
    Boot,
    /// The operating system runs it.
    Spawned { incarnation: Incarnation, pid: u32 },
    /// The operating system would not.
    SpawnFailed {
        incarnation: Incarnation,
        reason: String,
    },
    /// It said Ready on a connection that its token opened.
    Ready { incarnation: Incarnation },
    /// It said that it is broken.
    Failing {
        incarnation: Incarnation,
        reason: String,
    },
    /// It said that its event loop turns.
    Beat { incarnation: Incarnation },
    /// The broker cut it: it took nothing for too long.
    Stuck { incarnation: Incarnation },
    /// Its connection ended.
    Left {
        incarnation: Incarnation,
        goodbye: bool,
    },
    /// It was reaped.
    Exited {
        incarnation: Incarnation,
        exit: Exit,
    },
    /// Replace every worker, and the agent where `agent` is set, by processes of this generation.
    Reload {
        ask: Option<Ask>,
        generation: Generation,
        rules: Box<Rules>,
        agent: bool,
    },
    /// Replace one.
    Restart { ask: Option<Ask>, place: Place },
    /// Have another number of workers.
    Scale { ask: Option<Ask>, change: Change },
    /// Shut down in order.
    Stop { ask: Option<Ask> },
    /// Shut down in order; at the second, kill.
    Interrupt,
    /// Kill.
    StopNow { ask: Option<Ask> },
    /// A deadline may have passed.
    Tick,
}

/// Another number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// So many.
    To(u32),
    /// So many more, or fewer.
    By(i32),
}

/// Everything that the state machine can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start a process.
    Spawn {
        incarnation: Incarnation,
        place: Place,
        generation: Generation,
    },
    /// Ask a process to take nothing new, finish and leave.
    Drain {
        incarnation: Incarnation,
        within: Duration,
        cause: String,
    },
    /// TERM to its group.
    Terminate { incarnation: Incarnation },
    /// KILL to its group.
    Kill { incarnation: Incarnation },
    /// It is gone: its token is void.
    Dismiss { incarnation: Incarnation },
    /// Tell the broker how many workers there should be.
    Expect { workers: u32 },
    /// Tell the broker whether there is to be an agent from now on.
    ExpectAgent { expected: bool },
    /// Tell the broker that no one may join from now on.
    ShuttingDown,
    /// The agent and all workers were ready for the first time.
    Booted,
    /// From now on new starts use this generation.
    Commit { generation: Generation },
    /// Nothing is started of this generation any more, which never became the one for new starts.
    Discard { generation: Generation },
    /// A line for the log.
    Note { level: Level, text: String },
    /// A line for somebody who waits.
    Progress { ask: Ask, text: String },
    /// The end of somebody's wait.
    Answer {
        ask: Ask,
        ok: bool,
        detail: String,
        /// Whose last lines explain it.
        culprit: Option<Incarnation>,
    },
    /// Nothing is left to do: every process is gone, or could not be killed.
    End(End),
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The expected course.
    Info,
    /// Something failed, and is dealt with.
    Warn,
    /// Somebody should look.
    Error,
}

/// Why the master ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was asked to.
    Stopped,
    /// It was asked to, and some process had to be killed.
    Forced,
    /// A process did not come up before the first `egg-ready`.
    BootFailed {
        culprit: Incarnation,
        place: Place,
        reason: String,
    },
    /// No worker was ready for `give_up_after`.
    NoWorker,
}

impl End {
    /// The master's exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::BootFailed { .. } => 3,
            Self::NoWorker => 4,
            Self::Forced => 6,
        }
    }
}
