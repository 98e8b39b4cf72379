//! Asking one process, and hearing its reply.

use std::pin::Pin;
use std::time::Duration;

use henhouse_proto::limits::REQUEST_TIMEOUT_MS;

use crate::draft::{Draft, SendError};
use crate::fault::{FaultCode, Refused};
use crate::limits::REQUEST_SLACK;
use crate::message::Message;
use crate::open::{Answer, Wanted};
use crate::waiting::Waiting;

/// What a process says to a request that it has no handler for.
pub(crate) const NO_HANDLER: &str = "no handler";

/// A message whose sender waits for the reply, as [`Draft::request`] gives it.
///
/// # Errors
///
/// [`RequestError`]: it ends in exactly one of a reply or one of those.
///
/// # Cancel safety
///
/// Dropped before it was queued, the request is not sent; dropped later, it is sent and its
/// reply is not heard.
#[derive(Debug)]
#[must_use = "a request is not sent until it is awaited"]
pub struct Request<'a> {
    draft: Draft<'a>,
    timeout: Duration,
}

impl<'a> Draft<'a> {
    /// Waits for the receiver's reply.
    pub fn request(mut self) -> Request<'a> {
        self.want(Wanted::Reply);
        Request {
            draft: self,
            timeout: Duration::from_millis(REQUEST_TIMEOUT_MS.into()),
        }
    }
}

impl<'a> Request<'a> {
    /// How long to wait for the reply; 30 s, where nobody says. It counts from when the broker
    /// has the request.
    pub fn timeout(mut self, timeout: Duration) -> Request<'a> {
        self.timeout = timeout;
        self
    }

    async fn request(mut self) -> Result<Message, RequestError> {
        let shared = self.draft.shared();
        // 0 would be the broker's own time.
        let timeout_ms = u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX);
        self.draft.set_timeout_ms(timeout_ms.max(1));
        let Some(queued) = self.draft.queue().await? else {
            return Err(RequestError::Lost);
        };
        let answer = Waiting::new(shared, queued);
        let guard = self.timeout.saturating_add(REQUEST_SLACK);
        match tokio::time::timeout(guard, answer).await {
            Ok(Answer::Reply(Ok(reply))) => Ok(reply),
            Ok(Answer::Reply(Err(error))) if error == NO_HANDLER => Err(RequestError::NoHandler),
            Ok(Answer::Reply(Err(error))) => Err(RequestError::Failed(error)),
            Ok(Answer::Refused(refused)) => Err(RequestError::from_refused(refused)),
            // No broker gives a receipt for a request.
            Ok(Answer::Receipt { .. } | Answer::Lost) => Err(RequestError::Lost),
            Err(_) => Err(RequestError::TimedOut),
        }
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Result<Message, RequestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.request())
    }
}

/// Why a request has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The receiver has nobody who answers this action.
    #[error("the receiver does not answer this action")]
    NoHandler,
    /// The receiver's handler failed, and this is why.
    #[error("the receiver's handler failed: {0}")]
    Failed(String),
    /// The receiver left before it replied.
    #[error("the receiver left before it replied: {0}")]
    Gone(String),
    /// No reply came in time.
    #[error("no reply came in time")]
    TimedOut,
    /// The request found no room in time.
    #[error("not delivered: {0}")]
    Undeliverable(String),
    /// Nobody has that pid and connection.
    #[error("no such process: {0}")]
    NoSuchProcess(String),
    /// The house is closing.
    #[error("the house is closing: {0}")]
    ShuttingDown(String),
    /// The broker refused it for another reason.
    #[error(transparent)]
    Refused(Refused),
    /// The connection broke before the reply came; the request may have been handled.
    #[error("the connection to the broker was lost before the reply came")]
    Lost,
}

impl RequestError {
    fn from_refused(refused: Refused) -> RequestError {
        match refused.code {
            FaultCode::Gone => RequestError::Gone(refused.detail),
            FaultCode::TimedOut => RequestError::TimedOut,
            FaultCode::Undeliverable => RequestError::Undeliverable(refused.detail),
            FaultCode::NoSuchProcess => RequestError::NoSuchProcess(refused.detail),
            FaultCode::ShuttingDown => RequestError::ShuttingDown(refused.detail),
            _ => RequestError::Refused(refused),
        }
    }
}
