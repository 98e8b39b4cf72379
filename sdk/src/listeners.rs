//! Who listens to which action.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use henhouse_proto::frame::Arrived;
use henhouse_proto::reader::Frame;
use slab::Slab;

use crate::backlog::Backlog;
use crate::message::{Message, is_request};
use crate::queue::{Queue, Taker};

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
    actions: Slab<Action>,
    by_name: HashMap<Arc<str>, usize>,
    run: Run,
    ended: bool,
    next_id: u64,
}

/// Messages that came one behind another about the same action, to be handed over together.
#[derive(Debug, Default)]
struct Run {
    action: usize,
    are_requests: bool,
    messages: VecDeque<Message>,
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

    /// Adds a listener, and gives who takes from its queue.
    pub(crate) fn listen(&self, action: &str, times: Times) -> (Listener, Taker) {
        let queue = Arc::new(Queue::new(self.backlog.clone()));
        let mut table = self.table();
        if table.ended {
            queue.end();
        }
        let (listener, entry) = table.entry(action);
        entry.listeners.push((listener.id, times, queue.clone()));
        (listener, Taker::new(queue))
    }

    /// Adds the one who answers `action`, and gives who takes from its queue.
    pub(crate) fn answer(&self, action: &str) -> Result<(Listener, Taker), AnswerTaken> {
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
        Ok((listener, Taker::new(queue)))
    }

    /// Ends a listener; what waits for it is forgotten.
    pub(crate) fn off(&self, listener: &Listener) {
        let mut table = self.table();
        let Some(key) = table.find(&listener.action) else {
            return;
        };
        let entry = &mut table.actions[key];
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
            table.by_name.remove(&listener.action);
            table.actions.remove(key);
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
        let queues: Vec<_> = table
            .actions
            .iter()
            .flat_map(|(_, action)| action.queues())
            .collect();
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
    ///
    /// It may still lie here until the batch [ends](Table::end_run).
    #[inline]
    pub(crate) fn deliver(
        &mut self,
        arrived: &Arrived<'_>,
        frame: &Frame<'_>,
        epoch: u64,
        wakers: &mut Vec<Waker>,
    ) -> Result<(), Unanswered> {
        let is_request = is_request(arrived);
        let Some(key) = self.find(arrived.action) else {
            return if is_request { Err(Unanswered) } else { Ok(()) };
        };
        if (self.run.action, self.run.are_requests) != (key, is_request) {
            self.end_run(wakers);
            (self.run.action, self.run.are_requests) = (key, is_request);
        }
        let action = &self.actions[key];
        let data = frame.part(arrived.data);
        let message = Message::new(arrived, action.name.clone(), data, epoch);
        self.run.messages.push_back(message);
        let answered = action.answerer.is_some();
        if action.is_heard_once() {
            // Or a second message would find it still listening.
            self.end_run(wakers);
        }
        if is_request && !answered {
            return Err(Unanswered);
        }
        Ok(())
    }

    /// Hands over what still lies here.
    pub(crate) fn end_run(&mut self, wakers: &mut Vec<Waker>) {
        let messages = &mut self.run.messages;
        if messages.is_empty() {
            return;
        }
        let action = &mut self.actions[self.run.action];
        let answerer = action.answerer.as_ref().map(|(_, queue)| queue);
        let answerer = answerer.filter(|_| self.run.are_requests);
        let listeners = action.listeners.iter().map(|(_, _, queue)| queue);
        let mut queues = answerer.into_iter().chain(listeners).peekable();
        // The last one gets the messages themselves, and most actions have but one listener.
        while let Some(queue) = queues.next() {
            wakers.extend(match queues.peek() {
                Some(_) => queue.push(&mut messages.clone()),
                None => queue.push(messages),
            });
        }
        // What is left is what nobody takes.
        messages.clear();
        action.listeners.retain(|(_, times, queue)| {
            if *times == Times::Once {
                queue.end();
            }
            *times == Times::Always
        });
    }

    fn entry(&mut self, action: &str) -> (Listener, &mut Action) {
        self.next_id += 1;
        let action: Arc<str> = action.into();
        let listener = Listener {
            id: self.next_id,
            action: action.clone(),
        };
        let actions = &mut self.actions;
        let key = *self
            .by_name
            .entry(action.clone())
            .or_insert_with(|| actions.insert(Action::called(action)));
        (listener, &mut actions[key])
    }

    #[inline]
    fn find(&self, action: &str) -> Option<usize> {
        // The next message is often about the same as the last one.
        match self.actions.get(self.run.action) {
            Some(last) if *last.name == *action => Some(self.run.action),
            _ => self.by_name.get(action).copied(),
        }
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

    /// Whether somebody listens for one message only.
    #[inline]
    fn is_heard_once(&self) -> bool {
        let mut times = self.listeners.iter().map(|(_, times, _)| *times);
        times.any(|times| times == Times::Once)
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
