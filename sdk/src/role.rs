//! Who a process is, and who sent a message.

use henhouse_proto::wire;

/// What a program is in the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that does what is to be done once.
    Agent,
    /// One of those that share the work.
    Worker,
}

/// The role that the master gave this process, from `HENHOUSE_ROLE`; `None` in a process that
/// no master started.
///
/// A program that is all three at once begins with it:
///
/// ```
/// use henhouse_sdk::Role;
///
/// match henhouse_sdk::role() {
///     None => println!("nobody's child: be the master"),
///     Some(Role::Agent) => println!("the agent"),
///     Some(Role::Worker) => println!("a worker"),
/// }
/// ```
pub fn role() -> Option<Role> {
    match std::env::var("HENHOUSE_ROLE").ok()?.as_str() {
        "agent" => Some(Role::Agent),
        "worker" => Some(Role::Worker),
        _ => None,
    }
}

/// The role of a message's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SenderRole {
    /// The agent.
    Agent,
    /// A worker.
    Worker,
    /// The master: the broker itself, or the program that it is embedded in.
    Master,
    /// A person, through the `henhouse` command.
    Operator,
}

/// The broker's word on who sent a message. A process cannot forge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sender {
    /// Its pid.
    pub pid: u32,
    /// Its role.
    pub role: SenderRole,
    /// Its connection, which is never reused: with it a message reaches this very process and
    /// not a later one with the same pid.
    pub connection: u64,
}

impl Sender {
    pub(crate) fn from_wire(sender: wire::Sender) -> Sender {
        let role = match sender.role() {
            wire::Role::Agent => SenderRole::Agent,
            wire::Role::Worker => SenderRole::Worker,
            wire::Role::Operator => SenderRole::Operator,
            // The broker stamps nothing else, and what has no stamp is its own.
            wire::Role::Master | wire::Role::Unspecified => SenderRole::Master,
        };
        Sender {
            pid: sender.pid,
            role,
            connection: sender.connection,
        }
    }
}
