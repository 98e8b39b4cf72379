//! Waiting for the broker's word on a message that was queued.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::open::Answer;
use crate::shared::Shared;

/// One who waits. Dropped, nobody waits any more.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    shared: &'a Shared,
    id: u64,
    answer: oneshot::Receiver<Answer>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        (id, answer): (u64, oneshot::Receiver<Answer>),
    ) -> Waiting<'a> {
        Waiting { shared, id, answer }
    }
}

impl Future for Waiting<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let answer = Pin::new(&mut self.answer).poll(cx);
        answer.map(|answer| answer.unwrap_or(Answer::Lost))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.outgoing.state().open.take(self.id);
    }
}
