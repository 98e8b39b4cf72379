//! What a program in a Henhouse holds.

mod backlog;
mod confirm;
mod data;
mod drain;
mod envelope;
mod events;
mod fault;
mod guard;
mod handlers;
mod held;
mod identity;
mod join;
pub mod limits;
#[cfg(unix)]
mod listener;
mod listeners;
mod message;
mod messages;
mod messenger;
mod open;
mod outcome;
mod outgoing;
mod panic;
mod peers;
mod queue;
mod request;
mod role;
#[cfg(test)]
mod script;
mod send;
mod session;
mod shared;
mod source;
#[cfg(test)]
mod tests;
mod waiting;

pub use crate::confirm::{Confirm, ConfirmError, Receipt};
#[cfg(feature = "json")]
pub use crate::data::Json;
#[cfg(feature = "prost")]
pub use crate::data::Proto;
pub use crate::data::{Data, EncodeError, Encoding, IntoData};
pub use crate::drain::Drain;
pub use crate::fault::{Closed, FaultCode, Refused};
pub use crate::join::{Join, JoinError};
#[cfg(unix)]
pub use crate::listener::{ListenerError, WorkerAddress, WorkerListener, WorkerStream, listener};
pub use crate::listeners::{AnswerTaken, Listener};
pub use crate::message::{Message, ReadError};
pub use crate::messages::Messages;
pub use crate::messenger::Messenger;
pub use crate::outcome::{BoxError, Outcome};
pub use crate::peers::{Peer, Peers};
pub use crate::request::{Request, RequestError};
pub use crate::role::{Role, Sender, SenderRole, role};
pub use crate::send::{Send, SendError, Sending};
