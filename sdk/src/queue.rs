//! What waits for one listener, in order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

use crate::backlog::Backlog;
use crate::limits::BATCH_BYTES;
use crate::message::Message;

/// The messages of one listener. The session fills it, and the listener's [`Taker`] takes.
#[derive(Debug)]
pub(crate) struct Queue {
    backlog: Arc<Backlog>,
    state: Mutex<State>,
    /// What waits is not wanted any more.
    discarded: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    bytes: usize,
    taker: Option<Waker>,
    ended: bool,
}

impl State {
    /// Moves a batch of what waits.
    fn take_some(&mut self, batch: &mut VecDeque<Message>) {
        let rest = self.bytes.saturating_sub(BATCH_BYTES);
        while self.bytes > rest
            && let Some(message) = self.messages.pop_front()
        {
            self.bytes -= message.waiting_bytes();
            batch.push_back(message);
        }
    }
}

impl Queue {
    pub(crate) fn new(backlog: Arc<Backlog>) -> Queue {
        Queue {
            backlog,
            state: Mutex::default(),
            discarded: AtomicBool::new(false),
        }
    }

    /// Adds `messages`, all of them, and gives who is to be woken for them.
    pub(crate) fn push(&self, messages: &mut VecDeque<Message>) -> Option<Waker> {
        let mut state = self.state();
        if state.ended {
            messages.clear();
            return None;
        }
        let bytes = waiting_bytes(messages);
        self.backlog.add(bytes);
        state.bytes += bytes;
        move_all(messages, &mut state.messages);
        state.taker.take()
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
        self.discarded.store(true, SeqCst);
        let mut state = self.state();
        state.bytes = 0;
        let forgotten = std::mem::take(&mut state.messages);
        drop(state);
        self.backlog.remove(waiting_bytes(&forgotten));
        self.end();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Held for a push of a batch or the taking of one; no user code runs under it, and
        // nothing is awaited.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who takes from a queue.
///
/// It takes a batch at a time, so that the two sides seldom meet. A batch still counts as
/// waiting until its messages are handed out one by one.
#[derive(Debug)]
pub(crate) struct Taker {
    queue: Arc<Queue>,
    batch: VecDeque<Message>,
}

impl Taker {
    pub(crate) fn new(queue: Arc<Queue>) -> Taker {
        Taker {
            queue,
            batch: VecDeque::new(),
        }
    }

    /// The next message; `None` once the queue has ended and is empty.
    ///
    /// # Cancel safety
    ///
    /// No message is lost.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    #[inline]
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        // A listener that was ended between two messages of a batch hears no more of it.
        if self.queue.discarded.load(SeqCst) {
            self.forget();
        }
        if self.batch.is_empty() {
            ready!(self.poll_take(cx));
        }
        let message = self.batch.pop_front();
        if let Some(message) = &message {
            self.queue.backlog.remove(message.waiting_bytes());
        }
        Poll::Ready(message)
    }

    /// Takes the next batch; an empty one is the end.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A loop that only hears lets others run, though the session fill its queue as fast.
        let budget = ready!(coop::poll_proceed(cx));
        let mut state = self.queue.state();
        if state.bytes <= BATCH_BYTES {
            state.bytes = 0;
            move_all(&mut state.messages, &mut self.batch);
        } else {
            state.take_some(&mut self.batch);
        }
        if self.batch.is_empty() && !state.ended {
            state.taker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        budget.made_progress();
        Poll::Ready(())
    }

    fn forget(&mut self) {
        self.queue.backlog.remove(waiting_bytes(&self.batch));
        self.batch.clear();
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.forget();
    }
}

fn waiting_bytes(messages: &VecDeque<Message>) -> usize {
    messages.iter().map(Message::waiting_bytes).sum()
}

/// Moves all of `from` behind what is in `to`: at once, where nothing is.
fn move_all(from: &mut VecDeque<Message>, to: &mut VecDeque<Message>) {
    if to.is_empty() {
        std::mem::swap(from, to);
    } else {
        to.append(from);
    }
}
