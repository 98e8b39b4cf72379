//! What a messenger tells of itself: refusals, connections lost and found.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::limits::EVENTS_WAITING_MAX;

/// Events of one kind that wait for the one handler they may have.
#[derive(Debug)]
pub(crate) struct Events<T> {
    state: Arc<Mutex<State<T>>>,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    taker: Option<Waker>,
    /// The handler that counts: one more than there have been; 0 for none.
    handler: u64,
    ended: bool,
}

impl<T> Default for Events<T> {
    fn default() -> Events<T> {
        let state = State {
            waiting: VecDeque::new(),
            taker: None,
            handler: 0,
            ended: false,
        };
        Events {
            state: Arc::new(Mutex::new(state)),
        }
    }
}

impl<T> Events<T> {
    /// Keeps `event` for the handler, where there is one and it is not far behind.
    pub(crate) fn push(&self, event: T) {
        let mut state = lock(&self.state);
        if state.handler > 0 && state.waiting.len() < EVENTS_WAITING_MAX {
            state.waiting.push_back(event);
        }
        wake(state);
    }

    /// Takes the place of the handler.
    pub(crate) fn subscribe(&self) -> Subscription<T> {
        let mut state = lock(&self.state);
        state.handler += 1;
        let handler = state.handler;
        wake(state);
        Subscription {
            state: self.state.clone(),
            handler,
        }
    }

    /// No more come; those that wait can still be taken.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        wake(state);
    }
}

/// One handler's view of the events.
#[derive(Debug)]
pub(crate) struct Subscription<T> {
    state: Arc<Mutex<State<T>>>,
    handler: u64,
}

impl<T> Subscription<T> {
    /// The next event; `None` where no more come, or another handler has taken over.
    pub(crate) async fn next(&self) -> Option<T> {
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            if state.handler != self.handler {
                return Poll::Ready(None);
            }
            match state.waiting.pop_front() {
                Some(event) => Poll::Ready(Some(event)),
                None if state.ended => Poll::Ready(None),
                None => {
                    state.taker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    // Held for a push or a pop; no user code runs under it, and nothing is awaited.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let taker = state.taker.take();
    drop(state);
    if let Some(waker) = taker {
        waker.wake();
    }
}
