//! The process layer: starts the agent and the workers, and keeps them.
//!
//! `policy` decides and `os` does; `driver` carries what happens from the one to the other.

mod builder;
mod driver;
mod handle;
mod os;
mod plan;
mod policy;
mod program;
mod runtime_directory;

pub use self::{
    builder::{Master, MasterError},
    driver::{Ended, ProcessStatus, SlotStatus, StartError, Status},
    handle::{CommandFailed, MasterHandle},
    os::{
        Orphan,
        listener::{AddressError, ListenError},
    },
    plan::PlanError,
    program::{Program, ProgramError, this_program},
};

// For the command above, which makes its plan from a file.
#[cfg(feature = "cli")]
pub(crate) use self::{
    builder::{cores, run},
    driver::{Listening, Options},
    os::{Strangers, listener::Address},
    plan::{Listen, Plan, RolePlan},
    policy::{RoleRules, Rules, Span},
    runtime_directory::default_socket,
};
