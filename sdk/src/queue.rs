//! What waits for one listener, in order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::backlog::Backlog;
use crate::message::Message;

/// The messages of one listener. One side fills it, the other takes, and they share nothing
/// else.
#[derive(Debug)]
pub(crate) struct Queue {
    backlog: Arc<Backlog>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    taker: Option<Waker>,
    ended: bool,
}

impl Queue {
    pub(crate) fn new(backlog: Arc<Backlog>) -> Queue {
        Queue {
            backlog,
            state: Mutex::default(),
        }
    }

    /// Adds a message, and gives who is to be woken for it.
    pub(crate) fn push(&self, message: Message) -> Option<Waker> {
        let mut state = self.state();
        if state.ended {
            return None;
        }
        self.backlog.add(message.waiting_bytes());
        state.messages.push_back(message);
        state.taker.take()
    }

    /// The next message; `None` once the queue has ended and is empty.
    ///
    /// # Cancel safety
    ///
    /// No message is lost.
    pub(crate) async fn next(&self) -> Option<Message> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state();
        match state.messages.pop_front() {
            Some(message) => {
                drop(state);
                self.backlog.remove(message.waiting_bytes());
                Poll::Ready(Some(message))
            }
            None if state.ended => Poll::Ready(None),
            None => {
                state.taker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes nothing new; what waits can still be taken.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let taker = state.taker.take();
        drop(state);
        if let Some(waker) = taker {
            waker.wake();
        }
    }

    /// Takes nothing new, and forgets what waits.
    pub(crate) fn discard(&self) {
        let forgotten = std::mem::take(&mut self.state().messages);
        self.backlog
            .remove(forgotten.iter().map(Message::waiting_bytes).sum());
        self.end();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Held for a push or a pop; no user code runs under it, and nothing is awaited.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
