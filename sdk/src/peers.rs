//! Who else is there, as the broker's `egg-pids` last said.

use henhouse_proto::wire;

/// The ready processes, as this one last heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peers {
    /// The agent, where there is one.
    pub agent: Option<Peer>,
    /// The workers.
    pub workers: Vec<Peer>,
}

/// One ready process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its pid, for [`send_to`](crate::Messenger::send_to).
    pub pid: u32,
    /// Its connection, which no later process will have.
    pub connection: u64,
    /// A worker's slot, from 0.
    pub index: u32,
}

impl Peers {
    pub(crate) fn from_wire(pids: wire::Pids) -> Peers {
        Peers {
            agent: pids.agent.map(Peer::from_wire),
            workers: pids.worker.into_iter().map(Peer::from_wire).collect(),
        }
    }
}

impl Peer {
    fn from_wire(member: wire::Member) -> Peer {
        Peer {
            pid: member.pid,
            connection: member.connection,
            index: member.index,
        }
    }
}
