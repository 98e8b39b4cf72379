//! A message on its way out, before it has become bytes.

use henhouse_proto::limits::{ACTION_BYTES_MAX, RESERVED_ACTION_PREFIX};
use henhouse_proto::wire::{self, Route, Want};

use crate::data::Data;
use crate::message::Message;
use crate::open::Wanted;

/// All that a sender says of a message.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) to: To,
    pub(crate) action: &'a str,
    pub(crate) data: Data<'a>,
    pub(crate) wanted: Option<Wanted>,
    /// Of a request; 0 for the broker's own.
    pub(crate) timeout_ms: u32,
}

/// Where a message is to go.
#[derive(Debug)]
pub(crate) enum To {
    Broadcast { others: bool },
    App { others: bool },
    Agent,
    Random,
    Process { pid: u32, connection: u64 },
    Asker(Asker),
}

/// Who asked what we reply to.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) connection: u64,
    pub(crate) in_reply_to: u64,
    /// Why there is no better reply; empty where there is one.
    pub(crate) error: String,
    /// Our own connection on which the request came.
    pub(crate) epoch: u64,
}

/// What there is room for in a reply that says only why there is none better.
const ERROR_BYTES_MAX: usize = 1_024;

impl Asker {
    /// The one who asked with `message`.
    pub(crate) fn of(message: &Message) -> Asker {
        Asker {
            connection: message.sender().connection,
            in_reply_to: message.id(),
            error: String::new(),
            epoch: message.epoch(),
        }
    }

    /// Replies with an error instead, which is cut where it is long.
    pub(crate) fn fail(&mut self, mut error: String) {
        if error.len() > ERROR_BYTES_MAX {
            let whole = (0..=ERROR_BYTES_MAX).rfind(|cut| error.is_char_boundary(*cut));
            error.truncate(whole.unwrap_or(0));
        }
        if error.is_empty() {
            // No error is what an empty one means on the wire.
            error.push_str("an error without words");
        }
        self.error = error;
    }
}

impl To {
    pub(crate) fn is_reply(&self) -> bool {
        matches!(self, To::Asker(_))
    }

    /// Whether exactly one process gets it, so that it can be a request.
    pub(crate) fn is_one(&self) -> bool {
        match self {
            To::Agent | To::Random | To::Process { .. } => true,
            To::Broadcast { .. } | To::App { .. } | To::Asker(_) => false,
        }
    }
}

impl Envelope<'_> {
    /// Writes all but the data into `message`, whose memory is used again.
    pub(crate) fn fill(&self, id: u64, message: &mut wire::Message) {
        clear(message);
        message.action.push_str(self.action);
        message.set_encoding(self.data.encoding().into_wire());
        if let Some(wanted) = self.wanted {
            message.id = id;
            message.timeout_ms = self.timeout_ms;
            message.set_want(match wanted {
                Wanted::Receipt => Want::Receipt,
                Wanted::Reply => Want::Reply,
            });
        }
        match &self.to {
            To::Broadcast { others } => {
                message.set_route(Route::Broadcast);
                message.others = *others;
            }
            To::App { others } => {
                message.set_route(Route::App);
                message.others = *others;
            }
            To::Agent => message.set_route(Route::Agent),
            To::Random => message.set_route(Route::Random),
            To::Process { pid, connection } => {
                message.set_route(Route::Pid);
                message.pid = *pid;
                message.connection = *connection;
            }
            To::Asker(asker) => {
                message.set_route(Route::Reply);
                message.connection = asker.connection;
                message.in_reply_to = asker.in_reply_to;
                message.error.push_str(&asker.error);
            }
        }
    }
}

/// An action that no program may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadAction {
    Empty,
    TooLong,
    Reserved,
}

/// Checks an action before it goes anywhere.
#[inline]
pub(crate) fn check_action(action: &str) -> Result<(), BadAction> {
    if action.is_empty() {
        Err(BadAction::Empty)
    } else if action.len() > ACTION_BYTES_MAX {
        Err(BadAction::TooLong)
    } else if action.starts_with(RESERVED_ACTION_PREFIX) {
        Err(BadAction::Reserved)
    } else {
        Ok(())
    }
}

/// Empties a message without giving its memory back.
fn clear(message: &mut wire::Message) {
    let mut action = std::mem::take(&mut message.action);
    let mut error = std::mem::take(&mut message.error);
    action.clear();
    error.clear();
    *message = wire::Message {
        action,
        error,
        ..Default::default()
    };
}
