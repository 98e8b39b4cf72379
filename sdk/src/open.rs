//! Who waits for the broker's word on a message: open requests, and confirmations.

use std::collections::{HashMap, HashSet};

use tokio::sync::oneshot;

use crate::fault::Refused;
use crate::limits::REQUESTS_OPEN_MAX;
use crate::message::Message;

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is queued or held by the broker.
    Receipt { queued: u32, held: u32 },
    /// It was replied to, or its handler failed and said why.
    Reply(Result<Message, String>),
    /// It was refused.
    Refused(Refused),
    /// The connection broke before anything was heard.
    Lost,
}

/// What a sender wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Receipt,
    Reply,
}

/// Those who wait, by the id of their message.
#[derive(Debug, Default)]
pub(crate) struct Open {
    waiting: HashMap<u64, Waiting>,
    requests: usize,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    answer: oneshot::Sender<Answer>,
}

impl Open {
    pub(crate) fn is_full(&self) -> bool {
        self.requests >= REQUESTS_OPEN_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn add(&mut self, id: u64, wanted: Wanted) -> oneshot::Receiver<Answer> {
        let (answer, receiver) = oneshot::channel();
        self.requests += usize::from(wanted == Wanted::Reply);
        self.waiting.insert(id, Waiting { wanted, answer });
        receiver
    }

    /// The one who waits for `id`, to be told; nobody does any more.
    pub(crate) fn take(&mut self, id: u64) -> Option<oneshot::Sender<Answer>> {
        let waiting = self.waiting.remove(&id)?;
        self.requests -= usize::from(waiting.wanted == Wanted::Reply);
        Some(waiting.answer)
    }

    /// Tells all but those in `kept` that the connection broke.
    pub(crate) fn lose_all_but(&mut self, kept: &HashSet<u64>) {
        let mut lost: Vec<_> = self.waiting.keys().copied().collect();
        lost.retain(|id| !kept.contains(id));
        for answer in lost.into_iter().filter_map(|id| self.take(id)) {
            // One who has stopped waiting meanwhile need not hear it.
            let _ = answer.send(Answer::Lost);
        }
    }
}
