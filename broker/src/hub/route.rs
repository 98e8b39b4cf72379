//! Whom a message is for.

use henhouse_proto::frame::Target;
use henhouse_proto::wire::Code;

use super::Hub;
use super::origin::{IfLost, Place};
use super::refusal::Cause;
use crate::roster::{Key, Role};

/// Why a message is for nobody.
pub(super) type Nobody = (Code, Cause);

impl Hub {
    /// Finds where a message from `from` goes, and leaves it in `self.places`. A message to
    /// many that finds nobody goes nowhere, and that is no error.
    #[inline]
    pub(super) fn find_places(&mut self, from: Key, target: Target) -> Result<(), Nobody> {
        self.places.clear();
        match target {
            Target::Broadcast { others } => {
                let sender = others.then_some(from);
                if let Ok(agent) = self.agent_place()
                    && sender.map(Place::Lane) != Some(agent.0)
                {
                    self.places.push(agent);
                }
                self.find_app(sender);
            }
            Target::App { others } => self.find_app(others.then_some(from)),
            Target::Agent => {
                let agent = self.agent_place()?;
                self.places.push(agent);
            }
            Target::Random => {
                let place = self.random_place(from)?;
                self.places.push(place);
            }
            Target::Process { pid, connection } => {
                let key = self.roster.process(pid, connection).ok_or((
                    Code::NoSuchProcess,
                    Cause::NoSuchProcess { pid, connection },
                ))?;
                self.places.push((Place::Lane(key), IfLost::TellSender));
            }
            // Whoever asked is there: its requests go when it goes.
            Target::Reply { connection, .. } => {
                let asker = self.roster.connection(connection);
                self.places
                    .extend(asker.map(|key| (Place::Lane(key), IfLost::Forget)));
            }
        }
        Ok(())
    }

    /// Every worker but `sender`, and the mailboxes of those that are expected.
    fn find_app(&mut self, sender: Option<Key>) {
        for key in self.roster.app() {
            if Some(*key) != sender {
                self.places.push((Place::Lane(*key), IfLost::SameSlot));
            }
        }
        if !self.boot.done {
            for index in self.mail.missing() {
                self.places
                    .push((Place::WorkerMailbox(index), IfLost::SameSlot));
            }
        }
    }

    /// The agent, or where what is for it waits.
    pub(super) fn agent_place(&self) -> Result<(Place, IfLost), Nobody> {
        let if_lost = if self.boot.agent {
            IfLost::NextAgent
        } else {
            IfLost::TellSender
        };
        match self.roster.serving_agent() {
            Some(key) => Ok((Place::Lane(key), if_lost)),
            None if self.shutting_down => Err((Code::ShuttingDown, Cause::ShuttingDown)),
            None if self.boot.agent => Ok((Place::AgentMailbox, if_lost)),
            None => Err((Code::NoSuchProcess, Cause::NoAgent)),
        }
    }

    fn random_place(&mut self, from: Key) -> Result<(Place, IfLost), Nobody> {
        // A dead process's last messages go where they would have gone.
        let sender = self.roster.get(from).or(self.lanes[from].departed.as_ref());
        if sender.is_some_and(|sender| sender.role == Role::Worker) {
            return self.agent_place();
        }
        match self.random_worker() {
            Some(key) => Ok((Place::Lane(key), IfLost::AnotherWorker)),
            None if self.shutting_down => Err((Code::ShuttingDown, Cause::ShuttingDown)),
            None => Ok((Place::RandomMailbox, IfLost::AnotherWorker)),
        }
    }

    /// A ready worker: of two at random the one with less waiting. That is nearly as even as
    /// to look at all of them, and never sends everybody to the same one.
    pub(super) fn random_worker(&mut self) -> Option<Key> {
        let ready = self.roster.ready_workers();
        if ready.is_empty() {
            return None;
        }
        let first = ready[self.rng.usize(..ready.len())];
        let second = ready[self.rng.usize(..ready.len())];
        let waiting = |key: Key| self.lanes[key].message_bytes();
        Some(if waiting(second) < waiting(first) {
            second
        } else {
            first
        })
    }
}
