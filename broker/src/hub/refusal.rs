//! What is refused, why, and what to do about it.

use std::fmt;

use henhouse_proto::wire::{self, Code};

use crate::limits::Limits;

/// A refusal that is not fatal, to be told to a message's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) id: u64,
    pub(super) cause: Cause,
}

impl Refusal {
    /// What a refusal that waits to be told costs in memory, counted as waiting bytes.
    pub(super) const COST_BYTES: usize = 64;

    /// The frame that tells it, for `count` messages that met the same.
    pub(super) fn fault(&self, count: u64, limits: &Limits) -> wire::Fault {
        let mut detail = Detail {
            cause: self.cause,
            limits,
        }
        .to_string();
        if count > 1 {
            detail = format!("{count} messages: {detail}");
        }
        wire::Fault {
            code: self.code.into(),
            id: self.id,
            detail,
            fatal: false,
        }
    }
}

/// To whoever says or wants something after the end has begun.
pub(super) const SHUTTING_DOWN: &str = "the master is shutting down; try again when it is back";

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It breaks a rule; the text says which.
    Nonsense(&'static str),
    /// Nobody has that pid, or that connection.
    NoSuchProcess { pid: u32, connection: u64 },
    /// There is no agent, and none is expected.
    NoAgent,
    /// The receiver took nothing for the send timeout.
    NoRoomAt { pid: u32, connection: u64 },
    /// The reply found no room with the one that asked.
    NoRoomForReply,
    /// The mailbox of the agent or of a worker was full for the send timeout.
    MailboxFull,
    /// The receiver left before the message was sent to it.
    Lost { pid: u32, connection: u64 },
    /// The worker for whom it waited did not come in time.
    NeverCame { index: u32 },
    /// The receiver left before it replied.
    Gone { pid: u32, connection: u64 },
    /// Nobody replied in time.
    TimedOut,
    /// The sender has as many open requests as it may.
    TooManyRequests,
    /// The sender has an open request with that id.
    IdInUse,
    /// A reply from somebody who was not asked.
    NotAsked,
    /// Something only a broker says.
    BrokersOwn,
    /// A command from somebody who is no operator.
    NotAnOperator,
    /// A command that this version does not know.
    UnknownCommand,
    /// The frame has no body that this version knows.
    UnknownBody,
    /// A second Hello or Ready.
    Again(&'static str),
    /// The master shuts down.
    ShuttingDown,
}

struct Detail<'a> {
    cause: Cause,
    limits: &'a Limits,
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let send_timeout = self.limits.send_timeout;
        match self.cause {
            Cause::Nonsense(why) => write!(f, "{why}"),
            Cause::NoSuchProcess { pid, connection: 0 } => write!(
                f,
                "no process with pid {pid} is connected; egg-pids tells who is"
            ),
            Cause::NoSuchProcess { pid, connection } => write!(
                f,
                "no process with pid {pid} has connection {connection}; it has left, and another \
                 may have its pid"
            ),
            Cause::NoAgent => write!(
                f,
                "there is no agent and none is expected; start the broker with one, or configure \
                 an [agent]"
            ),
            Cause::NoRoomAt { pid, connection } => write!(
                f,
                "process {pid} (connection {connection}) took nothing for {send_timeout:?} and \
                 has no room; send less, or see why it does not read"
            ),
            Cause::NoRoomForReply => write!(
                f,
                "the reply found no room with the process that asked; read while requests are open"
            ),
            Cause::MailboxFull => write!(
                f,
                "the mailbox was full for {send_timeout:?} and nobody has come to empty it; see \
                 why the receiver does not start"
            ),
            Cause::Lost { pid, connection } => write!(
                f,
                "process {pid} (connection {connection}) left before the message was sent to it; \
                 send it again to somebody else"
            ),
            Cause::NeverCame { index } => {
                write!(
                    f,
                    "worker {index} was expected and did not come in time; see why it does not start"
                )
            }
            Cause::Gone { pid, connection } => write!(
                f,
                "process {pid} (connection {connection}) left before it replied; it may have \
                 acted on the request"
            ),
            Cause::TimedOut => write!(
                f,
                "nobody replied in the time that the request gave; give it more time, or see what \
                 keeps the receiver"
            ),
            Cause::TooManyRequests => write!(
                f,
                "{} requests of this connection are open; wait for replies first",
                self.limits.requests_max
            ),
            Cause::IdInUse => write!(f, "a request with this id is still open; use another id"),
            Cause::NotAsked => {
                write!(
                    f,
                    "this request was asked of another process; only that one may reply"
                )
            }
            Cause::BrokersOwn => write!(f, "only a broker says this; leave it out"),
            Cause::NotAnOperator => write!(f, "only an operator commands; say Hello as one"),
            Cause::UnknownCommand => {
                write!(
                    f,
                    "this master does not know that command; is it an older version?"
                )
            }
            Cause::UnknownBody => {
                write!(
                    f,
                    "the frame has no body that this broker knows; see the schema"
                )
            }
            Cause::Again(what) => write!(f, "{what} was said already; say it once"),
            Cause::ShuttingDown => write!(f, "{SHUTTING_DOWN}"),
        }
    }
}
