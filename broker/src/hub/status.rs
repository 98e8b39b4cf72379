//! What the hub tells of itself.

use std::collections::BTreeMap;

use henhouse_proto::wire::Code;

use super::Hub;
use crate::roster::{Role, Standing};

/// What happened since the start, counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages_read: u64,
    pub(super) messages_written: u64,
    pub(super) late_replies: u64,
    /// Messages written to processes that then ended without Goodbye: they may not have read
    /// all of them.
    pub(super) written_to_lost: u64,
    pub(super) stuck: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Counters {
    /// One more refusal with that code.
    pub(super) fn count(&mut self, code: Code) {
        *self.refused.entry(code.as_str_name()).or_default() += 1;
    }
}

/// What a broker knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BrokerStatus {
    /// The master's pid.
    pub master_pid: u32,
    /// Whether the first `egg-ready` was said.
    pub egg_ready: bool,
    /// Whether the end has begun.
    pub shutting_down: bool,
    /// Who is connected.
    pub connections: Vec<ConnectionStatus>,
    /// Bytes that wait for anybody.
    pub waiting_bytes: usize,
    /// Bytes that wait for an agent that is not there.
    pub agent_mailbox_bytes: usize,
    /// Requests that nobody has answered yet.
    pub open_requests: usize,
    /// Messages that processes sent.
    pub messages_read: u64,
    /// Messages that were written to processes; one to many counts many times.
    pub messages_written: u64,
    /// Messages that were written to processes that ended without Goodbye.
    pub written_to_lost: u64,
    /// Replies that came when nobody waited for them any more.
    pub late_replies: u64,
    /// Processes that were cut because they took nothing.
    pub stuck: u64,
    /// What was refused, by code.
    pub refused: BTreeMap<String, u64>,
}

/// What a broker knows of one connection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// Its number.
    pub connection: u64,
    /// Its process.
    pub pid: u32,
    /// What it is for.
    pub role: String,
    /// A worker's place.
    pub index: Option<u32>,
    /// What it calls itself.
    pub name: String,
    /// The process layer's number for it; 0 where there is none.
    pub incarnation: u64,
    /// `joined`, `ready` or `draining`.
    pub standing: &'static str,
    /// Bytes that wait for it.
    pub waiting_bytes: usize,
    /// Whether nothing is read from it, because a message of its own waits for room.
    pub held_back: bool,
    /// Messages that were written to it.
    pub messages_written: u64,
}

impl Hub {
    /// Everything, as it is now.
    pub(crate) fn status(&self) -> BrokerStatus {
        let connections = self
            .roster
            .iter()
            .map(|(key, member)| {
                let lane = &self.lanes[key];
                ConnectionStatus {
                    connection: member.connection,
                    pid: member.pid,
                    role: member.role.name().to_owned(),
                    index: (member.role == Role::Worker).then_some(member.index),
                    name: member.name.clone(),
                    incarnation: member.incarnation,
                    standing: match member.standing {
                        Standing::Joined => "joined",
                        Standing::Ready => "ready",
                        Standing::Draining { .. } => "draining",
                    },
                    waiting_bytes: lane.message_bytes(),
                    held_back: lane.blocked.is_some(),
                    messages_written: lane.messages_written,
                }
            })
            .collect();
        let refused = &self.counters.refused;
        BrokerStatus {
            master_pid: std::process::id(),
            egg_ready: self.boot.done,
            shutting_down: self.shutting_down,
            connections,
            waiting_bytes: self.waiting_bytes,
            agent_mailbox_bytes: self.mail.agent_bytes(),
            open_requests: self.requests.len(),
            messages_read: self.counters.messages_read,
            messages_written: self.counters.messages_written,
            written_to_lost: self.counters.written_to_lost,
            late_replies: self.counters.late_replies,
            stuck: self.counters.stuck,
            refused: refused
                .iter()
                .map(|(code, count)| ((*code).to_owned(), *count))
                .collect(),
        }
    }
}
