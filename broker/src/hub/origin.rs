//! Where a waiting frame came from, and what becomes of it if its receiver is lost.

use henhouse_proto::frame::{Header, Target};
use henhouse_proto::wire::Want;

use super::requests::RequestName;
use crate::roster::Key;

/// The tag of a frame in an outbox or a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// One of the broker's own frames, of so many bytes.
    Broker {
        /// Counted against the reserve.
        bytes: usize,
    },
    /// `egg-pids` and `egg-ready`: the broker's own, and not counted against the reserve.
    News,
    /// A message that is passed on.
    Message(Passed),
}

impl Origin {
    /// What it counts against the reserve.
    pub(super) fn own_bytes(&self) -> usize {
        match self {
            Origin::Broker { bytes } => *bytes,
            Origin::News | Origin::Message(_) => 0,
        }
    }
}

/// What is known of a message while it finds its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its sender's number for it.
    pub(super) id: u64,
    /// The broker's number for it: what came first has the lower one.
    pub(super) sequence: u64,
    pub(super) want: Want,
    /// The request that it replies to.
    pub(super) answers: Option<RequestName>,
}

impl Sent {
    pub(super) fn new(header: &Header<'_>, sequence: u64) -> Sent {
        let answers = match header.target {
            Target::Reply {
                connection,
                in_reply_to,
            } => Some((connection, in_reply_to)),
            Target::Broadcast { .. }
            | Target::App { .. }
            | Target::Agent
            | Target::Random
            | Target::Process { .. } => None,
        };
        Sent {
            id: header.id,
            sequence,
            want: header.want,
            answers,
        }
    }

    /// The message on its way from `connection` to one place.
    pub(super) fn passed(&self, connection: u64, if_lost: IfLost) -> Passed {
        Passed {
            connection,
            id: self.id,
            sequence: self.sequence,
            request: self.want == Want::Reply,
            if_lost,
        }
    }
}

/// A message that is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// Its sender's connection.
    pub(super) connection: u64,
    /// Its sender's number for it.
    pub(super) id: u64,
    /// The broker's number for it: what came first has the lower one.
    pub(super) sequence: u64,
    /// Whether it wants a reply.
    pub(super) request: bool,
    pub(super) if_lost: IfLost,
}

impl Passed {
    /// What a request is known by.
    pub(super) fn name(&self) -> RequestName {
        (self.connection, self.id)
    }
}

/// What becomes of a message whose receiver dies before it has left the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfLost {
    /// It was for the agent, whoever that is.
    NextAgent,
    /// It was for any worker.
    AnotherWorker,
    /// It was for all workers: before the first `egg-ready` it waits for the next one in that
    /// slot, afterwards its sender is told.
    SameSlot,
    /// It was for that process.
    TellSender,
    /// It was a reply, and whoever asked is no more.
    Forget,
}

/// Where a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// For a registered process.
    Lane(Key),
    /// For the agent that will come.
    AgentMailbox,
    /// For the worker that will come to that slot.
    WorkerMailbox(u32),
    /// For the first worker that is ready.
    RandomMailbox,
}
