//! Whom the broker owes a message.

use henhouse_proto::wire::{Role, Route};

use super::ledger::Owed;
use super::player::{Play, Process};

impl Play {
    /// Whom the broker owes a message from `n`.
    pub(super) fn owed(
        &self,
        n: usize,
        to: Option<usize>,
        route: Route,
        others: bool,
    ) -> Option<Vec<Owed>> {
        let sender = &self.processes[n];
        let serving = self.agent().filter(|agent| !agent.draining);
        let agent = (serving.is_some() || !self.shutting_down).then_some(Owed::Agent);
        let mut app = Vec::new();
        for process in &self.processes {
            let takes = process.here && process.role == Role::Worker && !process.draining;
            if takes && !(others && process.connection == sender.connection) {
                // Before the first egg-ready the next one in its slot may get it.
                let slot = !self.booted && !process.ready;
                app.push(if slot {
                    Owed::Slot(process.index)
                } else {
                    Owed::Connection(process.connection)
                });
            }
        }
        let missing = |(index, missing): (usize, &bool)| {
            (*missing && !self.booted).then_some(Owed::Slot(index as u32))
        };
        app.extend(self.slots.iter().enumerate().filter_map(missing));
        match route {
            Route::Agent => agent.map(|agent| vec![agent]),
            Route::Random if sender.role == Role::Worker => agent.map(|agent| vec![agent]),
            Route::Random => {
                let ready =
                    |p: &Process| p.here && p.role == Role::Worker && p.ready && !p.draining;
                let somebody = self.processes.iter().any(ready);
                (somebody || !self.shutting_down).then(|| vec![Owed::AnyWorker])
            }
            Route::Pid => to.map(|to| vec![Owed::Connection(self.processes[to].connection)]),
            Route::Broadcast => {
                let own =
                    others && serving.is_some_and(|agent| agent.connection == sender.connection);
                app.extend(agent.filter(|_| !own));
                Some(app)
            }
            _ => Some(app),
        }
    }

    /// Whom a pid means: its oldest ready connection, else its oldest.
    pub(super) fn process(&self, pid: u32) -> Option<usize> {
        let mut all = (0..self.processes.len()).filter(|n| {
            let process = &self.processes[*n];
            process.here && process.pid == pid && process.role != Role::Operator
        });
        let ready = all.clone().find(|n| self.processes[*n].ready);
        ready.or_else(|| all.next())
    }
}
