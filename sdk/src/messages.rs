//! A listener as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::listeners::{Listener, Times};
use crate::message::Message;
use crate::queue::Taker;
use crate::shared::Shared;

/// The messages about one action, in order; what [`listen`](crate::Messenger::listen) gives.
/// It ends when the messenger is closed and all is taken. To drop it ends it too.
#[derive(Debug)]
pub struct Messages {
    shared: Arc<Shared>,
    listener: Listener,
    taker: Taker,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>, action: &str) -> Messages {
        let (listener, taker) = shared.listeners.listen(action, Times::Always);
        Messages {
            shared,
            listener,
            taker,
        }
    }

    /// The next message, for those who have no `StreamExt` at hand.
    ///
    /// # Cancel safety
    ///
    /// No message is lost.
    pub async fn next(&mut self) -> Option<Message> {
        self.taker.next().await
    }
}

impl Stream for Messages {
    type Item = Message;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.taker.poll_next(cx)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.shared.listeners.off(&self.listener);
    }
}
