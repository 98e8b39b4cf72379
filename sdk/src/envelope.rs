//! A message on its way out, before it has become bytes.

use henhouse_proto::frame::Head;
use henhouse_proto::limits::{ACTION_BYTES_MAX, RESERVED_ACTION_PREFIX};
use henhouse_proto::wire::{Route, Want};

use crate::data::Data;
use crate::message::Message;
use crate::open::Wanted;

/// All that a sender says of a message.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) to: To<'a>,
    pub(crate) action: &'a str,
    pub(crate) data: Data<'a>,
    pub(crate) wanted: Option<Wanted>,
    /// Of a request; 0 for the broker's own.
    pub(crate) timeout_ms: u32,
}

/// Where a message is to go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To<'a> {
    Broadcast { others: bool },
    App { others: bool },
    Agent,
    Random,
    Process { pid: u32, connection: u64 },
    Asker(&'a Asker),
}

/// Who asked what we reply to.
#[derive(Debug)]
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

impl To<'_> {
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
    /// What is written of it before its data.
    #[inline]
    pub(crate) fn head(&self, id: u64) -> Head<'_> {
        let mut head = Head {
            action: self.action,
            encoding: self.data.encoding().into_wire(),
            ..Head::default()
        };
        if let Some(wanted) = self.wanted {
            head.id = id;
            head.timeout_ms = self.timeout_ms;
            head.want = match wanted {
                Wanted::Receipt => Want::Receipt,
                Wanted::Reply => Want::Reply,
            };
        }
        match self.to {
            To::Broadcast { others } => {
                head.route = Route::Broadcast;
                head.others = others;
            }
            To::App { others } => {
                head.route = Route::App;
                head.others = others;
            }
            To::Agent => head.route = Route::Agent,
            To::Random => head.route = Route::Random,
            To::Process { pid, connection } => {
                head.route = Route::Pid;
                head.pid = pid;
                head.connection = connection;
            }
            To::Asker(asker) => {
                head.route = Route::Reply;
                head.connection = asker.connection;
                head.in_reply_to = asker.in_reply_to;
                head.error = &asker.error;
            }
        }
        head
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
