//! What a program in a Henhouse holds: the messenger, the listener, the drain.
//!
//! A house is one master, one agent and many workers. A [`Messenger`] is a program's end of it:
//! it says things to the others by what they are, and hears what they say.
//!
//! ```
//! # mod script { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/script.rs")); }
//! use henhouse_sdk::{BoxError, Json, Messenger};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let stream = script::house_of_one();
//! // `Messenger::join(Role::Worker)` in a process that `henhouse start` has started; here, a
//! // house of one in this very process.
//! let messenger = Messenger::over(stream).await?;
//!
//! messenger.on("price", |m| async move {
//!     let price: u32 = m.json()?;
//!     println!("{price} from {}", m.sender().pid);
//!     Ok::<_, BoxError>(())
//! });
//! messenger.answer("double", |m| async move { Ok(Json(m.json::<u32>()? * 2)) })?;
//! let mut news = messenger.listen("news"); // a stream, for code that keeps state
//! messenger.ready().await?; // now the messages come that were held until then
//!
//! messenger.send_to_app("price", Json(12)).await?;
//! messenger.broadcast("news", "it rains").await?;
//! assert_eq!(news.next().await.ok_or("the messenger has closed")?.text()?, "it rains");
//!
//! let receipt = messenger.send_to_agent("seen", Json(12)).confirm().await?;
//! assert_eq!(receipt.queued, 1);
//!
//! let reply = messenger.send_to_agent("double", Json(21)).request().await?;
//! assert_eq!(reply.json::<u32>()?, 42);
//!
//! messenger.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Saying
//!
//! | verb | goes to |
//! |---|---|
//! | [`broadcast`](Messenger::broadcast) | the agent and every worker, the sender too |
//! | [`send_to_app`](Messenger::send_to_app) | every worker; from a worker, itself too |
//! | [`send_to_agent`](Messenger::send_to_agent) | the agent |
//! | [`send_random`](Messenger::send_random) | from the agent: one worker; from a worker: the agent |
//! | [`send_to`](Messenger::send_to) | the process with that pid |
//!
//! A verb gives a [`Draft`], which is sent when it is awaited: that is when it is queued here.
//! [`confirm`](Draft::confirm) waits until the broker has it, [`request`](Draft::request) until
//! it is replied to. What one process sends to another arrives in the order sent. While the
//! broker holds this program back, verbs wait; nothing is dropped silently.
//!
//! # Hearing
//!
//! Each listener is a task with a queue of its own: it hears messages one after another, and a
//! slow one holds up no other. Together the queues are bounded in bytes
//! ([`Join::queued_bytes_max`]); beyond that the SDK reads no more, and in the end those who
//! send to this program are held back. So a handler may wait for the broker, for a reply or
//! for room, and a long job is better spawned.
//!
//! # Leaving
//!
//! [`draining`](Messenger::draining) tells when to take nothing new, finish and leave. A process
//! that has joined from its environment ends with exit code
//! [110](limits::EXIT_MASTER_LOST) when its master is gone, unless it is told to
//! [outlive](Join::outlive_broker) it.
//!
//! # Features
//!
//! `json` (default): [`Json`] and [`Message::json`]. `prost`: `Proto` and `Message::proto`.
//! `axum`: a `WorkerListener` can be served by axum.

mod backlog;
mod backoff;
mod confirm;
mod data;
mod draft;
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
pub use crate::draft::{Draft, SendError, Sending};
pub use crate::drain::Drain;
pub use crate::fault::{Closed, FaultCode, Refused};
pub use crate::join::{Join, JoinError};
#[cfg(all(unix, feature = "axum"))]
pub use crate::listener::ServedStream;
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
