//! A listener as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::listeners::{Listener, Times};
use crate::message::Message;
use crate::queue::Queue;
use crate::shared::Shared;

/// The messages about one action, in order; what [`listen`](crate::Messenger::listen) gives.
/// It ends when the messenger is closed and all is taken. To drop it ends it too.
#[derive(Debug)]
pub struct Messages {
    shared: Arc<Shared>,
    listener: Listener,
    queue: Arc<Queue>,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>, action: &str) -> Messages {
        let (listener, queue) = shared.listeners.listen(action, Times::Always);
        Messages {
            shared,
            listener,
            queue,
        }
    }

    /// The next message, for those who have no `StreamExt` at hand.
    ///
    /// # Cancel safety
    ///
    /// No message is lost.
    pub async fn next(&mut self) -> Option<Message> {
        self.queue.next().await
    }
}

impl Stream for Messages {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.shared.listeners.off(&self.listener);
    }
}
