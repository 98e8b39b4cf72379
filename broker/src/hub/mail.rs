//! What waits for roles that nobody fills now.

use std::time::Instant;

use henhouse_proto::outbox::Outbox;

use super::lane::Gate;
use super::origin::{Origin, Place};

/// All mailboxes.
#[derive(Debug)]
pub(super) struct Mail {
    agent: Mailbox,
    /// By slot, one for each worker that is expected and has not come yet.
    workers: Vec<Option<Mailbox>>,
    random: Mailbox,
}

/// What waits for one role.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) outbox: Outbox<Origin>,
    pub(super) gate: Gate,
}

impl Mailbox {
    fn new(now: Instant) -> Mailbox {
        Mailbox {
            outbox: Outbox::new(),
            gate: Gate::new(now),
        }
    }
}

impl Mail {
    pub(super) fn new(workers: u32, now: Instant) -> Mail {
        Mail {
            agent: Mailbox::new(now),
            workers: (0..workers).map(|_| Some(Mailbox::new(now))).collect(),
            random: Mailbox::new(now),
        }
    }

    /// The mailbox at `place`, if there is one.
    pub(super) fn at(&mut self, place: Place) -> Option<&mut Mailbox> {
        match place {
            Place::AgentMailbox => Some(&mut self.agent),
            Place::WorkerMailbox(index) => self.workers.get_mut(index as usize)?.as_mut(),
            Place::RandomMailbox => Some(&mut self.random),
            Place::Lane(_) => None,
        }
    }

    /// Takes what waits at `place`, and who waits for room there. A worker's mailbox is no
    /// more after that.
    pub(super) fn empty(&mut self, place: Place, now: Instant) -> Option<Mailbox> {
        match place {
            Place::AgentMailbox => Some(std::mem::replace(&mut self.agent, Mailbox::new(now))),
            Place::WorkerMailbox(index) => self.workers.get_mut(index as usize)?.take(),
            Place::RandomMailbox => Some(std::mem::replace(&mut self.random, Mailbox::new(now))),
            Place::Lane(_) => None,
        }
    }

    /// A worker that is expected again has a mailbox again.
    pub(super) fn open(&mut self, index: u32, now: Instant) {
        if let Some(slot) = self.workers.get_mut(index as usize) {
            slot.get_or_insert_with(|| Mailbox::new(now));
        }
    }

    /// Another number of workers is expected. Gives the mailboxes of those that are not any
    /// more.
    pub(super) fn resize(&mut self, workers: u32, now: Instant) -> Vec<(u32, Mailbox)> {
        let workers = workers as usize;
        while self.workers.len() < workers {
            self.workers.push(Some(Mailbox::new(now)));
        }
        let gone = self.workers.split_off(workers);
        (workers..)
            .zip(gone)
            .filter_map(|(n, slot)| Some((u32::try_from(n).ok()?, slot?)))
            .collect()
    }

    /// The slots whose workers have not come.
    pub(super) fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.workers)
            .filter(|(_, slot)| slot.is_some())
            .map(|(index, _)| index)
    }

    /// What waits in all of them, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn waiting_bytes(&self) -> usize {
        self.agent.outbox.waiting_bytes()
            + self.random.outbox.waiting_bytes()
            + self
                .workers
                .iter()
                .flatten()
                .map(|m| m.outbox.waiting_bytes())
                .sum::<usize>()
    }

    pub(super) fn agent_bytes(&self) -> usize {
        self.agent.outbox.waiting_bytes()
    }
}
