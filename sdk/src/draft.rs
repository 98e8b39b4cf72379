//! Sending a message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::data::{EncodeError, IntoData};
use crate::envelope::{BadAction, Envelope, To, check_action};
use crate::fault::Closed;
use crate::held::Ticket;
use crate::open::Wanted;
use crate::outgoing::{Queued, Refusal};
use crate::shared::Shared;

/// A message to be sent, as the five verbs give it: await it, and it is queued. It waits
/// while the broker holds this program back.
///
/// # Errors
///
/// [`SendError`], where the message cannot be sent at all.
///
/// # Cancel safety
///
/// Dropped before it is done, the message is not sent.
#[derive(Debug)]
#[must_use = "a message is not sent until it is awaited"]
pub struct Draft<'a> {
    shared: &'a Shared,
    envelope: Result<Envelope<'a>, SendError>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new<'d: 'a>(
        shared: &'a Shared,
        to: To<'a>,
        action: &'a str,
        data: impl IntoData<'d>,
    ) -> Draft<'a> {
        let envelope = match (check_action(action), data.into_data()) {
            (Ok(()), Ok(data)) => Ok(Envelope {
                to,
                action,
                data,
                wanted: None,
                timeout_ms: 0,
            }),
            (Err(bad), _) => Err(SendError::bad_action(bad, action)),
            (_, Err(error)) => Err(SendError::Encode(error)),
        };
        Draft { shared, envelope }
    }

    /// Of a message to many: not to myself.
    pub fn others(mut self) -> Draft<'a> {
        match self.envelope.as_mut().map(|envelope| &mut envelope.to) {
            Ok(To::Broadcast { others } | To::App { others }) => *others = true,
            Ok(_) => self.envelope = Err(SendError::NotToMany),
            Err(_) => {}
        }
        self
    }

    /// Of a message to a pid: to this one of its connections, as [`Sender`](crate::Sender) and
    /// [`Peer`](crate::Peer) name it. So it cannot reach a later process with the same pid.
    pub fn to_connection(mut self, number: u64) -> Draft<'a> {
        match self.envelope.as_mut().map(|envelope| &mut envelope.to) {
            Ok(To::Process { connection, .. }) => *connection = number,
            Ok(_) => self.envelope = Err(SendError::NotToAPid),
            Err(_) => {}
        }
        self
    }

    /// What its sender wants to hear of it.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        match &mut self.envelope {
            Ok(envelope) if wanted == Wanted::Reply && !envelope.to.is_one() => {
                self.envelope = Err(SendError::ManyCannotReply);
            }
            Ok(envelope) => envelope.wanted = Some(wanted),
            Err(_) => {}
        }
    }

    pub(crate) fn shared(&self) -> &'a Shared {
        self.shared
    }

    pub(crate) fn set_timeout_ms(&mut self, timeout_ms: u32) {
        if let Ok(envelope) = &mut self.envelope {
            envelope.timeout_ms = timeout_ms;
        }
    }

    pub(crate) fn queue(self) -> Queue<'a> {
        let (envelope, error) = match self.envelope {
            Ok(envelope) => (Some(envelope), None),
            Err(error) => (None, Some(error)),
        };
        Queue {
            shared: self.shared,
            envelope,
            error,
            ticket: None,
        }
    }
}

impl<'a> IntoFuture for Draft<'a> {
    type Output = Result<(), SendError>;
    type IntoFuture = Sending<'a>;

    #[inline]
    fn into_future(self) -> Sending<'a> {
        Sending(self.queue())
    }
}

/// The future of a [`Draft`].
#[derive(Debug)]
#[must_use = "a message is not sent until it is awaited"]
pub struct Sending<'a>(Queue<'a>);

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Pin::new(&mut self.0).poll(cx).map_ok(|_| ())
    }
}

/// A message on its way into the outbox.
#[derive(Debug)]
pub(crate) struct Queue<'a> {
    shared: &'a Shared,
    envelope: Option<Envelope<'a>>,
    error: Option<SendError>,
    ticket: Option<Ticket>,
}

impl Future for Queue<'_> {
    type Output = Result<Queued, SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Err(error));
        }
        let outgoing = &this.shared.outgoing;
        let queued = ready!(outgoing.poll_queue(cx, &mut this.envelope, &mut this.ticket));
        Poll::Ready(queued.map_err(SendError::from_refusal))
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.outgoing.release(ticket);
        }
    }
}

/// Why a message cannot be sent. Nothing of it has left this process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The action is empty.
    #[error("the action of a message is empty")]
    ActionEmpty,
    /// The action is longer than 255 bytes.
    #[error("the action of a message has {bytes} bytes; at most 255 are allowed")]
    ActionTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The action is the broker's own.
    #[error("{action:?}: actions that begin with egg- are the broker's own")]
    ActionReserved {
        /// The action.
        action: String,
    },
    /// The message is longer than this broker takes.
    #[error("a message of {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// How long it is on the wire.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The data cannot be encoded.
    #[error(transparent)]
    Encode(EncodeError),
    /// `others` of a message that goes to one.
    #[error("only a broadcast, and what is sent to the app, can leave its sender out")]
    NotToMany,
    /// `to_connection` of a message that goes to no pid.
    #[error("only what is sent to a pid can name a connection")]
    NotToAPid,
    /// `request` of a message that goes to many.
    #[error("a reply can be wanted only of one receiver")]
    ManyCannotReply,
    /// Too many requests of this messenger are open.
    #[error("4096 requests are open: await some of them first")]
    TooManyOpen,
    /// The messenger is closed.
    #[error(transparent)]
    Closed(Closed),
}

impl SendError {
    fn bad_action(bad: BadAction, action: &str) -> SendError {
        match bad {
            BadAction::Empty => SendError::ActionEmpty,
            BadAction::TooLong => SendError::ActionTooLong {
                bytes: action.len(),
            },
            BadAction::Reserved => SendError::ActionReserved {
                action: action.to_owned(),
            },
        }
    }

    fn from_refusal(refusal: Refusal) -> SendError {
        match refusal {
            Refusal::Closed(why) => SendError::Closed(why),
            Refusal::TooLarge { bytes, bytes_max } => SendError::TooLarge { bytes, bytes_max },
            Refusal::TooManyOpen => SendError::TooManyOpen,
            // Only replies have askers, and no verb sends a reply.
            Refusal::AskerLost => SendError::Closed(Closed::Lost("who asked is gone".to_owned())),
        }
    }
}
