//! One registered process.

use henhouse_proto::wire;

/// Where a connection is kept, for as long as it lasts.
pub(crate) type Key = usize;

/// What a connected program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Does the work that must happen once.
    Agent,
    /// Serves, one of many.
    Worker,
    /// The program that embeds the broker.
    Master,
    /// A person's command.
    Operator,
}

impl Role {
    /// The schema's name for it.
    pub(crate) fn on_the_wire(self) -> wire::Role {
        match self {
            Role::Agent => wire::Role::Agent,
            Role::Worker => wire::Role::Worker,
            Role::Master => wire::Role::Master,
            Role::Operator => wire::Role::Operator,
        }
    }

    /// The role that the schema's number names, if it names one.
    pub(crate) fn from_wire(number: i32) -> Option<Role> {
        match wire::Role::try_from(number) {
            Ok(wire::Role::Agent) => Some(Role::Agent),
            Ok(wire::Role::Worker) => Some(Role::Worker),
            Ok(wire::Role::Master) => Some(Role::Master),
            Ok(wire::Role::Operator) => Some(Role::Operator),
            Ok(wire::Role::Unspecified) | Err(_) => None,
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Worker => "worker",
            Role::Master => "master",
            Role::Operator => "operator",
        }
    }
}

/// One registered process.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) connection: u64,
    pub(crate) pid: u32,
    pub(crate) role: Role,
    /// A worker's place among the workers; 0 for the others.
    pub(crate) index: u32,
    /// What it calls itself, for people.
    pub(crate) name: String,
    /// The process layer's number for it; 0 where nobody gave one.
    pub(crate) incarnation: u64,
    pub(crate) standing: Standing,
}

/// How far a process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Registered; its messages wait.
    Joined,
    /// Takes messages.
    Ready,
    /// Takes only what is meant for it alone.
    Draining {
        /// Whether it had been ready.
        ready: bool,
    },
}

impl Standing {
    /// Whether messages for it go out, and do not wait.
    pub(crate) fn is_ready(self) -> bool {
        matches!(self, Standing::Ready | Standing::Draining { ready: true })
    }
}
