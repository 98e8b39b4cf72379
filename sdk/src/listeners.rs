//! Who listens to which action.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use henhouse_proto::frame::Arrived;
use henhouse_proto::reader::Frame;

use crate::backlog::Backlog;
use crate::message::{Message, is_request};
use crate::queue::Queue;

/// A listener, as [`on`](crate::Messenger::on), [`once`](crate::Messenger::once) and
/// [`answer`](crate::Messenger::answer) give it and [`off`](crate::Messenger::off) takes it.
/// To drop it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listener {
    id: u64,
    action: Arc<str>,
}

impl Listener {
    /// What it listens to.
    pub fn action(&self) -> &str {
        &self.action
    }
}

/// An action that somebody answers already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action:?} has somebody who answers it; end that one with `off` first")]
pub struct AnswerTaken {
    /// The action.
    pub action: String,
}

/// How often a listener is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    Always,
}

/// The table of listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    backlog: Arc<Backlog>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    actions: HashMap<Arc<str>, Action>,
    ended: bool,
    next_id: u64,
}

#[derive(Debug)]
struct Action {
    /// Shared with its messages.
    name: Arc<str>,
    listeners: Vec<(u64, Times, Arc<Queue>)>,
    answerer: Option<(u64, Arc<Queue>)>,
}

/// A request that nobody here answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unanswered;

impl Listeners {
    pub(crate) fn new(backlog: Arc<Backlog>) -> Listeners {
        Listeners {
            backlog,
            table: Mutex::default(),
        }
    }

    /// Adds a listener and gives its queue.
    pub(crate) fn listen(&self, action: &str, times: Times) -> (Listener, Arc<Queue>) {
        let queue = Arc::new(Queue::new(self.backlog.clone()));
        let mut table = self.table();
        if table.ended {
            queue.end();
        }
        let (listener, entry) = table.entry(action);
        entry.listeners.push((listener.id, times, queue.clone()));
        (listener, queue)
    }

    /// Adds the one who answers `action`, and gives its queue.
    pub(crate) fn answer(&self, action: &str) -> Result<(Listener, Arc<Queue>), AnswerTaken> {
        let queue = Arc::new(Queue::new(self.backlog.clone()));
        let mut table = self.table();
        if table.ended {
            queue.end();
        }
        let (listener, entry) = table.entry(action);
        if entry.answerer.is_some() {
            let action = action.to_owned();
            return Err(AnswerTaken { action });
        }
        entry.answerer = Some((listener.id, queue.clone()));
        Ok((listener, queue))
    }

    /// Ends a listener; what waits for it is forgotten.
    pub(crate) fn off(&self, listener: &Listener) {
        let mut table = self.table();
        let Some(entry) = table.actions.get_mut(&listener.action) else {
            return;
        };
        let mut ended = Vec::new();
        entry.listeners.retain(|(id, _, queue)| {
            let stays = *id != listener.id;
            if !stays {
                ended.push(queue.clone());
            }
            stays
        });
        if let Some((_, queue)) = entry.answerer.take_if(|(id, _)| *id == listener.id) {
            ended.push(queue);
        }
        if entry.is_empty() {
            table.actions.remove(&listener.action);
        }
        drop(table);
        for queue in ended {
            queue.discard();
        }
    }

    /// Ends all listeners, those to come too; what waits for them they still get.
    pub(crate) fn end(&self) {
        let mut table = self.table();
        table.ended = true;
        let queues: Vec<_> = table.actions.values().flat_map(Action::queues).collect();
        drop(table);
        for queue in queues {
            queue.end();
        }
    }

    /// The table, to deliver a batch into.
    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        // Held for a batch of pushes; no user code runs under it, and nothing is awaited.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Hands what arrived to all who listen, and adds to `wakers` whom to wake once the table
    /// is free again. Where nobody listens nothing is made of it.
    pub(crate) fn deliver(
        &mut self,
        arrived: &Arrived<'_>,
        frame: &Frame<'_>,
        epoch: u64,
        wakers: &mut Vec<Waker>,
    ) -> Result<(), Unanswered> {
        let is_request = is_request(arrived);
        let Some(entry) = self.actions.get_mut(arrived.action) else {
            return if is_request { Err(Unanswered) } else { Ok(()) };
        };
        let data = frame.part(arrived.data);
        let mut message = Some(Message::new(arrived, entry.name.clone(), data, epoch));
        let answerer = entry.answerer.as_ref().map(|(_, queue)| queue);
        let answered = answerer.is_some();
        let mut takers = entry.listeners.iter().map(|(_, _, queue)| queue);
        let mut next = answerer.filter(|_| is_request).or_else(|| takers.next());
        // The last one gets the message itself, and most actions have but one listener.
        while let Some(queue) = next {
            next = takers.next();
            let copy = if next.is_some() {
                message.clone()
            } else {
                message.take()
            };
            wakers.extend(copy.and_then(|message| queue.push(message)));
        }
        // Here and not in the task, or a second message would find it still listening.
        entry.listeners.retain(|(_, times, queue)| {
            if *times == Times::Once {
                queue.end();
            }
            *times == Times::Always
        });
        if is_request && !answered {
            return Err(Unanswered);
        }
        Ok(())
    }

    fn entry(&mut self, action: &str) -> (Listener, &mut Action) {
        self.next_id += 1;
        let action: Arc<str> = action.into();
        let listener = Listener {
            id: self.next_id,
            action: action.clone(),
        };
        let entry = self.actions.entry(action.clone());
        (listener, entry.or_insert_with(|| Action::called(action)))
    }
}

impl Action {
    fn called(name: Arc<str>) -> Action {
        Action {
            name,
            listeners: Vec::new(),
            answerer: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.listeners.is_empty() && self.answerer.is_none()
    }

    fn queues(&self) -> impl Iterator<Item = Arc<Queue>> + '_ {
        let listeners = self.listeners.iter().map(|(_, _, queue)| queue.clone());
        let answerer = self.answerer.iter().map(|(_, queue)| queue.clone());
        listeners.chain(answerer)
    }
}
