//! Sending a message, and hearing that the broker has it.

use std::pin::Pin;

use crate::draft::{Draft, SendError};
use crate::fault::{FaultCode, Refused};
use crate::open::{Answer, Wanted};
use crate::waiting::Waiting;

/// A message whose sender waits for the broker's receipt, as [`Draft::confirm`] gives it.
///
/// # Errors
///
/// [`ConfirmError`], where it could not be sent or the broker refused it.
///
/// # Cancel safety
///
/// Dropped before it was queued, the message is not sent; dropped later, it is sent and its
/// receipt is not heard. What the broker refuses then reaches
/// [`on_refused`](crate::Messenger::on_refused).
#[derive(Debug)]
#[must_use = "a message is not sent until it is awaited"]
pub struct Confirm<'a>(Draft<'a>);

impl<'a> Draft<'a> {
    /// Waits for the broker's receipt.
    pub fn confirm(mut self) -> Confirm<'a> {
        self.want(Wanted::Receipt);
        Confirm(self)
    }
}

impl Confirm<'_> {
    async fn confirm(self) -> Result<Receipt, ConfirmError> {
        let shared = self.0.shared();
        let Some(queued) = self.0.queue().await? else {
            return Err(ConfirmError::Lost);
        };
        match Waiting::new(shared, queued).await {
            Answer::Receipt { queued, held } => Ok(Receipt { queued, held }),
            Answer::Refused(refused) => Err(ConfirmError::from_refused(refused)),
            // No broker replies to what is no request.
            Answer::Reply(_) | Answer::Lost => Err(ConfirmError::Lost),
        }
    }
}

impl<'a> IntoFuture for Confirm<'a> {
    type Output = Result<Receipt, ConfirmError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.confirm())
    }
}

/// The broker's word that it has a message. It says nothing of who has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// How many ready receivers it is on its way to.
    pub queued: u32,
    /// How many receivers it waits for, because they are not ready yet, or not there.
    pub held: u32,
}

/// Why a message has no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Nobody has that pid and connection.
    #[error("no such process: {0}")]
    NoSuchProcess(String),
    /// It found no room in time.
    #[error("not delivered: {0}")]
    Undeliverable(String),
    /// The house is closing.
    #[error("the house is closing: {0}")]
    ShuttingDown(String),
    /// The broker refused it for another reason.
    #[error(transparent)]
    Refused(Refused),
    /// The connection broke before the receipt came; the message may have been passed on.
    #[error("the connection to the broker was lost before the receipt came")]
    Lost,
}

impl ConfirmError {
    fn from_refused(refused: Refused) -> ConfirmError {
        match refused.code {
            FaultCode::NoSuchProcess => ConfirmError::NoSuchProcess(refused.detail),
            FaultCode::Undeliverable => ConfirmError::Undeliverable(refused.detail),
            FaultCode::ShuttingDown => ConfirmError::ShuttingDown(refused.detail),
            _ => ConfirmError::Refused(refused),
        }
    }
}
