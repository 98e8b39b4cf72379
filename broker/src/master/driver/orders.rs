//! What operators and the embedding program ask of the master, and their answers.

use tokio::sync::oneshot;

use super::{
    Ask, Driver, Event, Place, children::Line, courier::report, deployment::Deployment,
    status::Status,
};
use crate::{
    broker::{Report, Role, Verb},
    master::policy::Change,
};

/// How a command ended: what was done, or why it was not.
pub(crate) type Answer = Result<String, String>;

/// Somebody who waits.
#[derive(Debug)]
pub(super) enum Asker {
    Operator { operator: u64, id: u64 },
    Caller(oneshot::Sender<Answer>),
}

/// What the embedding program asks for through its handle.
#[derive(Debug)]
pub(crate) enum Call {
    Status(oneshot::Sender<Status>),
    Reload(Agent, oneshot::Sender<Answer>),
    Restart(Place, oneshot::Sender<Answer>),
    Scale(Change, oneshot::Sender<Answer>),
    Stop(Haste, oneshot::Sender<Answer>),
}

/// Whether a reload replaces the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    /// Where its program or arguments changed.
    IfChanged,
    /// In any case.
    Too,
}

/// How a master is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// In order.
    Drain,
    /// Everything is killed.
    Kill,
}

/// An operator who wants to see lines as they come.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) operator: u64,
    id: u64,
    whose: Whose,
}

/// Whose lines are wanted.
#[derive(Clone, Copy, Debug)]
struct Whose {
    role: Option<Role>,
    index: Option<u32>,
}

impl Whose {
    fn includes(self, place: Place) -> bool {
        match (self.role, place) {
            (None, _) | (Some(Role::Agent), Place::Agent) => true,
            (Some(Role::Worker), Place::Worker(index)) => {
                self.index.is_none_or(|wanted| wanted == index)
            }
            _ => false,
        }
    }
}

impl Driver {
    /// An operator's command.
    pub(super) fn commanded(&mut self, operator: u64, id: u64, verb: Verb) {
        let asker = Asker::Operator { operator, id };
        match verb {
            Verb::Status => self.tell_status(operator, id),
            Verb::Logs {
                role,
                index,
                lines,
                follow,
            } => {
                let whose = Whose { role, index };
                self.tell_lines(operator, id, whose, lines);
                if follow {
                    self.followers.push(Follower {
                        operator,
                        id,
                        whose,
                    });
                } else {
                    self.outcome(operator, id, true, String::new());
                }
            }
            Verb::Reload { agent } => {
                let ask = self.ask(asker);
                let agent = if agent { Agent::Too } else { Agent::IfChanged };
                self.reload(Some(ask), agent);
            }
            Verb::Restart { role, index } => {
                let place = match role {
                    Role::Agent => Place::Agent,
                    Role::Worker => Place::Worker(index),
                    Role::Master | Role::Operator => return,
                };
                let ask = Some(self.ask(asker));
                self.happen(Event::Restart { ask, place });
            }
            Verb::Scale { count, relative } => {
                let ask = Some(self.ask(asker));
                let change = match (relative, u32::try_from(count)) {
                    (true, _) => Change::By(count),
                    (false, Ok(count)) => Change::To(count),
                    // Out of range like any other number under one.
                    (false, Err(_)) => Change::To(0),
                };
                self.happen(Event::Scale { ask, change });
            }
            Verb::Stop { now } => {
                let ask = Some(self.ask(asker));
                self.happen(match now {
                    true => Event::StopNow { ask },
                    false => Event::Stop { ask },
                });
            }
        }
    }

    /// The embedding program's.
    pub(super) fn called(&mut self, call: Call) {
        let event = match call {
            Call::Status(answer) => {
                let (snapshot, uptime) = (self.machine.snapshot(), self.now());
                let broker = self.broker.clone();
                let listeners = self.listener_addresses();
                tokio::spawn(async move {
                    let broker = broker.status().await;
                    let _ = answer.send(Status::new(&snapshot, uptime, listeners, broker));
                });
                return;
            }
            Call::Reload(agent, caller) => {
                let ask = self.ask(Asker::Caller(caller));
                self.reload(Some(ask), agent);
                return;
            }
            Call::Restart(place, caller) => Event::Restart {
                ask: Some(self.ask(Asker::Caller(caller))),
                place,
            },
            Call::Scale(change, caller) => Event::Scale {
                ask: Some(self.ask(Asker::Caller(caller))),
                change,
            },
            Call::Stop(Haste::Drain, caller) => Event::Stop {
                ask: Some(self.ask(Asker::Caller(caller))),
            },
            Call::Stop(Haste::Kill, caller) => Event::StopNow {
                ask: Some(self.ask(Asker::Caller(caller))),
            },
        };
        self.happen(event);
    }

    /// Loads the configuration anew, and replaces the processes where it is good.
    pub(super) fn reload(&mut self, ask: Option<Ask>, agent: Agent) {
        let new = match (self.loader)() {
            Ok(new) => new,
            Err(error) => return self.refuse(ask, error),
        };
        let old = &self.deployment().plan;
        if old.socket != new.socket {
            let text = format!(
                "the socket cannot change from {} to {} while processes and commands are connected \
                 to it; that needs a new start of the master",
                old.socket.display(),
                new.socket.display()
            );
            return self.refuse(ask, text);
        }
        let agent = agent == Agent::Too || old.agent_differs(&new);
        // What cannot be opened ends it here, before anything has changed.
        let new = match Deployment::open(new, &self.open_listeners()) {
            Ok(new) => new,
            Err(error) => return self.refuse(ask, error.to_string()),
        };
        self.generation_last += 1;
        let generation = self.generation_last;
        let rules = Box::new(new.plan.rules());
        self.deployments.insert(generation, new);
        self.happen(Event::Reload {
            ask,
            generation,
            rules,
            agent,
        });
    }

    fn refuse(&mut self, ask: Option<Ask>, text: String) {
        let text = format!("no reload, everything stays as it is: {text}");
        tracing::error!("{text}");
        if let Some(ask) = ask {
            self.answer(ask, false, text);
        }
    }

    /// Passes a line on to those who follow.
    pub(super) fn follow(&self, line: &Line) {
        for follower in &self.followers {
            if follower.whose.includes(line.place) {
                let text = Report::Line(format!("[{}] {}", line.place, line.text));
                self.courier
                    .send_if_room(report(follower.operator, follower.id, text));
            }
        }
    }

    pub(super) fn answer(&mut self, ask: Ask, ok: bool, detail: String) {
        match self.asks.remove(&ask) {
            Some(Asker::Operator { operator, id }) => self.outcome(operator, id, ok, detail),
            Some(Asker::Caller(caller)) => {
                // Who does not wait any more does not want to know.
                let _ = caller.send(if ok { Ok(detail) } else { Err(detail) });
            }
            None => {}
        }
    }

    fn outcome(&self, operator: u64, id: u64, ok: bool, detail: String) {
        let outcome = Report::Outcome { ok, detail };
        self.courier.send(report(operator, id, outcome));
    }

    fn ask(&mut self, asker: Asker) -> Ask {
        self.ask_last += 1;
        let ask = Ask(self.ask_last);
        self.asks.insert(ask, asker);
        ask
    }

    fn tell_status(&self, operator: u64, id: u64) {
        let (snapshot, uptime) = (self.machine.snapshot(), self.now());
        let (broker, orders) = (self.broker.clone(), self.courier.sender());
        let listeners = self.listener_addresses();
        tokio::spawn(async move {
            let broker = broker.status().await;
            let status = Status::new(&snapshot, uptime, listeners, broker).json();
            let outcome = Report::Outcome {
                ok: true,
                detail: String::new(),
            };
            for piece in [Report::Status(status), outcome] {
                let _ = orders.send(report(operator, id, piece)).await;
            }
        });
    }

    fn tell_lines(&self, operator: u64, id: u64, whose: Whose, count: u32) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        for line in self.children.lines(count, |place| whose.includes(place)) {
            let text = format!("[{}] {}", line.place, line.text);
            self.courier.send(report(operator, id, Report::Line(text)));
        }
    }

    fn listener_addresses(&self) -> Vec<(String, String)> {
        let listeners = self.deployment().listeners.iter();
        listeners
            .map(|(name, listener)| (name.clone(), listener.address.clone()))
            .collect()
    }
}
