//! What the process layer tells the broker, and hears from it.

use super::operator::Verb;
use crate::roster::Role;

/// The place that a token opens: one process that the layer has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The layer's number for the process, never used twice.
    pub incarnation: u64,
    /// What it is for.
    pub role: Role,
    /// A worker's slot.
    pub index: u32,
    /// Which reload it belongs to.
    pub generation: u64,
}

/// Who may take the roles of agent and worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Every process of the same user.
    SameUser,
    /// Who shows a token that was given for that role.
    Tokens,
}

/// What happened to a process, or what an operator asks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BrokerEvent {
    /// A process registered.
    Joined {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
        /// As the kernel says.
        pid: u32,
        /// Its connection.
        connection: u64,
    },
    /// It takes messages.
    Ready {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
    },
    /// It asks to be replaced.
    Failing {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
        /// In its own words.
        reason: String,
    },
    /// Its event loop turns.
    Beat {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
        /// Requests at work.
        active: u32,
    },
    /// It was cut: it took nothing for the stall limit.
    Stuck {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
    },
    /// Its connection ended.
    Left {
        /// Of its seat; 0 where it has none.
        incarnation: u64,
        /// Whether it said so.
        goodbye: bool,
        /// Its last connection.
        connection: u64,
        /// Messages that were wholly written to that. Without a Goodbye it may not have read all
        /// of them.
        messages_written: u64,
    },
    /// All that were expected are ready, and everybody was told.
    EggReady,
    /// An operator asks something.
    Command {
        /// The operator's connection: where reports go.
        operator: u64,
        /// Its number for the command: what reports carry.
        id: u64,
        /// What it asks.
        verb: Verb,
    },
    /// An operator left: nobody reads its reports.
    OperatorLeft {
        /// Its connection.
        operator: u64,
    },
}
