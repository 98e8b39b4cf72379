//! What routes in a message.

use std::time::Duration;

use super::Malformed;
use super::fields::{Fields, Value};
use crate::limits::{REQUEST_TIMEOUT_MS, RESERVED_ACTION_PREFIX};
use crate::wire::{Encoding, Route, Want};

/// Where a message is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To the agent and every worker.
    Broadcast {
        /// Not to the sender itself.
        others: bool,
    },
    /// To every worker.
    App {
        /// Not to the sender itself.
        others: bool,
    },
    /// To the agent.
    Agent,
    /// From the agent to one worker, from a worker to the agent.
    Random,
    /// To one process.
    Process {
        /// Its pid.
        pid: u32,
        /// Its connection, where that must match too; 0 where it need not.
        connection: u64,
    },
    /// To the one that asked.
    Reply {
        /// The connection of the one that asked.
        connection: u64,
        /// The id that it gave its request.
        in_reply_to: u64,
    },
}

impl Target {
    /// The schema's name for it.
    pub fn route(&self) -> Route {
        match self {
            Target::Broadcast { .. } => Route::Broadcast,
            Target::App { .. } => Route::App,
            Target::Agent => Route::Agent,
            Target::Random => Route::Random,
            Target::Process { .. } => Route::Pid,
            Target::Reply { .. } => Route::Reply,
        }
    }
}

/// All that a broker reads of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Where it goes.
    pub target: Target,
    /// The sender's number for it.
    pub id: u64,
    /// What the sender wants to hear of it.
    pub want: Want,
    /// How long a request stays open.
    pub timeout: Duration,
    /// What it is about: text, known to be UTF-8.
    pub action: &'a [u8],
    /// What its data is.
    pub encoding: Encoding,
    /// Its data, not looked into.
    pub data: &'a [u8],
}

/// A well-formed message that makes no sense, or that its sender may not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonsense {
    /// The sender's number for it.
    pub id: u64,
    /// Whether it makes sense but is not the sender's to say.
    pub forbidden: bool,
    /// What is wrong with it.
    pub detail: &'static str,
}

/// Reads a message's header. The outer error ends the connection, the inner one refuses the
/// message.
// Always inlined, here and below: a header given back through memory costs more than to read it.
#[inline(always)]
pub(super) fn header(bytes: &[u8]) -> Result<Result<Header<'_>, Nonsense>, Malformed> {
    let mut read = Read::default();
    let mut fields = Fields::of(bytes);
    // Where a field comes twice the last one counts, as it does in every protobuf library.
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Varint(value)) => read.route = value,
            (2, Value::Varint(value)) => read.pid = low_32(value),
            (3, Value::Varint(value)) => read.id = value,
            (4, Value::Varint(value)) => read.want = value,
            (5, Value::Varint(value)) => read.encoding = value,
            (6, Value::Bytes(value)) => read.action = text(value)?,
            (7, Value::Varint(value)) => read.connection = value,
            (8, Value::Varint(value)) => read.in_reply_to = value,
            (9, Value::Bytes(value)) => {
                text(value)?;
            }
            (10, Value::Varint(value)) => read.timeout_ms = low_32(value),
            (11, Value::Varint(value)) => read.others = value != 0,
            (15, Value::Bytes(value)) => read.data = value,
            // Some libraries skip such a field, and some give up on the frame.
            (1..=11 | 15, _) => {
                return Err(Malformed(
                    "a field of a message has another type than the schema's",
                ));
            }
            _ => {}
        }
    }
    Ok(read.judge())
}

#[derive(Default)]
struct Read<'a> {
    route: u64,
    pid: u32,
    id: u64,
    want: u64,
    encoding: u64,
    action: &'a [u8],
    connection: u64,
    in_reply_to: u64,
    timeout_ms: u32,
    others: bool,
    data: &'a [u8],
}

impl<'a> Read<'a> {
    #[inline(always)]
    fn judge(self) -> Result<Header<'a>, Nonsense> {
        let refused = |forbidden, detail| {
            Err(Nonsense {
                id: self.id,
                forbidden,
                detail,
            })
        };
        let target = match enumerated(self.route).and_then(|n| Route::try_from(n).ok()) {
            Some(Route::Broadcast) => Target::Broadcast {
                others: self.others,
            },
            Some(Route::App) => Target::App {
                others: self.others,
            },
            Some(Route::Agent) => Target::Agent,
            Some(Route::Random) => Target::Random,
            Some(Route::Pid) => Target::Process {
                pid: self.pid,
                connection: self.connection,
            },
            Some(Route::Reply) => Target::Reply {
                connection: self.connection,
                in_reply_to: self.in_reply_to,
            },
            Some(Route::Unspecified) | None => {
                return refused(false, "the route is not known; set one of the schema's");
            }
        };
        let want = match enumerated(self.want).and_then(|n| Want::try_from(n).ok()) {
            Some(want) => want,
            None => {
                return refused(
                    false,
                    "what is wanted is not known; set one of the schema's",
                );
            }
        };
        if want != Want::Unspecified && self.id == 0 {
            return refused(false, "a message that wants an answer needs an id");
        }
        if want == Want::Reply
            && matches!(
                target,
                Target::Broadcast { .. } | Target::App { .. } | Target::Reply { .. }
            )
        {
            return refused(false, "a reply can be wanted only of one receiver");
        }
        if self.action.starts_with(RESERVED_ACTION_PREFIX.as_bytes()) {
            return refused(
                true,
                "actions that begin with egg- are the broker's own; choose another name",
            );
        }
        let timeout_ms = if self.timeout_ms == 0 {
            REQUEST_TIMEOUT_MS
        } else {
            self.timeout_ms
        };
        Ok(Header {
            target,
            id: self.id,
            want,
            timeout: Duration::from_millis(u64::from(timeout_ms)),
            action: self.action,
            encoding: enumerated(self.encoding)
                .and_then(|n| Encoding::try_from(n).ok())
                .unwrap_or_default(),
            data: self.data,
        })
    }
}

/// Checks that it is UTF-8; nearly every action is ASCII, which is told at a fifth of the cost.
#[inline]
fn text(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if bytes.is_ascii() || str::from_utf8(bytes).is_ok() {
        Ok(bytes)
    } else {
        Err(Malformed("an action or an error is not UTF-8"))
    }
}

/// What every protobuf library makes of a varint in a 32-bit field.
#[inline]
fn low_32(value: u64) -> u32 {
    (value & u64::from(u32::MAX)) as u32
}

/// An enum's number; `None` where it cannot be one of ours.
#[inline]
fn enumerated(value: u64) -> Option<i32> {
    i32::try_from(value).ok()
}
