//! Carries what happens to the state machine, and what it asks for to the broker and the spawner.
//!
//! One task owns the machine and never waits for anybody: what takes time (an answer of the
//! broker, a slow terminal) goes through the courier and the outlet. The broker tells the driver
//! things, and the driver tells the broker things; were both to wait for room in the other's
//! queue, nothing would move again.

mod act;
mod children;
mod courier;
mod deployment;
mod orders;
mod output;
mod signals;
mod start;
mod status;
mod terminal;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use self::{
    children::{Children, FromChild},
    courier::Courier,
    deployment::{Deployment, Named},
    orders::{Asker, Follower},
    signals::{Heard, Signals},
};
pub(crate) use self::{
    orders::{Agent, Answer, Call, Haste},
    signals::Listening,
    start::{Options, Started, start},
};
pub use self::{
    start::StartError,
    status::{ProcessStatus, SlotStatus, Status},
};
use super::{
    os::{Reply, Spawner},
    plan::Plan,
    policy::{Action, Ask, Change, End, Event, Generation, Incarnation, Now, Place, Supervisor},
};
use crate::{
    broker::{BrokerEvent, BrokerEvents, BrokerHandle},
    outlet::Outlet,
};

/// Reads the configuration again, for a reload.
pub(crate) type Loader = Box<dyn Fn() -> Result<Plan, String> + Send>;

/// How the master ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code that says so: 0, 3, 4 or 6; 1 where the master itself is broken.
    pub code: u8,
    /// The same in words, with the last lines of the process that is to blame, if one is.
    pub reason: String,
}

/// The one task that owns the state machine.
struct Driver {
    machine: Supervisor,
    epoch: Instant,
    /// The one that new starts use, and those that a reload tries or is to try.
    deployments: BTreeMap<Generation, Deployment>,
    committed: Generation,
    generation_last: Generation,
    loader: Loader,
    /// The listeners of each process, which stay open at least as long as it is there.
    given: HashMap<Incarnation, Vec<Named>>,
    broker: BrokerHandle,
    courier: Courier,
    children: Children,
    outlet: Outlet,
    asks: HashMap<Ask, Asker>,
    ask_last: u64,
    followers: Vec<Follower>,
    ended: Option<Ended>,
}

/// Where things come from.
struct Sources {
    events: BrokerEvents,
    spawner: Spawner,
    from_children: mpsc::Receiver<FromChild>,
    signals: Signals,
    calls: mpsc::Receiver<Call>,
}

impl Driver {
    /// Runs the master from boot to its end.
    async fn run(mut self, mut sources: Sources, told: watch::Sender<Option<Ended>>) -> Ended {
        self.happen(Event::Boot);
        let ended = loop {
            if let Some(ended) = self.ended.take() {
                break ended;
            }
            self.step(&mut sources).await;
        };
        self.close(sources).await;
        // Those who wait hear of it when nothing of the master is left.
        told.send_replace(Some(ended.clone()));
        ended
    }

    async fn step(&mut self, sources: &mut Sources) {
        let deadline = self.machine.next_deadline().map(|at| self.epoch + at);
        let timer = async move {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(reply) = sources.spawner.replies.recv() => self.replied(reply),
            event = sources.events.next() => match event {
                Some(event) => self.told(event),
                None => self.broker_is_gone(),
            },
            Some(from) = sources.from_children.recv() => self.heard_child(from),
            heard = sources.signals.next() => {
                self.catch_up(&mut sources.events);
                self.signalled(heard);
            }
            Some(call) = sources.calls.recv() => {
                self.catch_up(&mut sources.events);
                self.called(call);
            }
            () = timer => {
                self.catch_up(&mut sources.events);
                self.happen(Event::Tick);
            }
        }
    }

    /// Takes in what the broker has told already. A worker that is ready and serves must not be
    /// ended as one that never was because TERM, or its deadline, was looked at first.
    fn catch_up(&mut self, events: &mut BrokerEvents) {
        for _ in 0..EVENTS_AT_ONCE_MAX {
            match events.waiting() {
                Some(event) => self.told(event),
                None => return,
            }
        }
    }

    /// It ends before the master only by a panic. Nobody could be heard any more, and every start
    /// would fail: whoever runs the master shall start it anew. The children end with the spawner.
    fn broker_is_gone(&mut self) {
        let reason = "the broker's thread has ended; that is a bug".to_owned();
        tracing::error!("{reason}");
        self.ended = Some(Ended { code: 1, reason });
    }

    /// Lets the machine know, and does what it asks for.
    fn happen(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.machine.handle(self.now(), event, &mut actions);
        for action in actions {
            self.act(action);
        }
    }

    fn replied(&mut self, reply: Reply) {
        match reply {
            Reply::Spawned {
                incarnation,
                pid,
                stdout,
                stderr,
            } => {
                self.children.listen(incarnation, stdout, stderr);
                self.happen(Event::Spawned { incarnation, pid });
            }
            Reply::SpawnFailed {
                incarnation,
                reason,
            } => self.happen(Event::SpawnFailed {
                incarnation,
                reason,
            }),
            // The machine hears of it after its last lines.
            Reply::Exited { incarnation, exit } => self.children.ended(incarnation, exit),
        }
    }

    fn told(&mut self, event: BrokerEvent) {
        let event = match event {
            BrokerEvent::Ready { incarnation } => Event::Ready { incarnation },
            BrokerEvent::Failing {
                incarnation,
                reason,
            } => Event::Failing {
                incarnation,
                reason,
            },
            BrokerEvent::Beat { incarnation, .. } => Event::Beat { incarnation },
            BrokerEvent::Stuck { incarnation } => Event::Stuck { incarnation },
            BrokerEvent::Left {
                incarnation,
                goodbye,
                ..
            } => Event::Left {
                incarnation,
                goodbye,
            },
            BrokerEvent::Joined {
                incarnation,
                pid,
                connection,
            } => {
                tracing::debug!(incarnation, pid, connection, "a process has joined");
                return;
            }
            BrokerEvent::EggReady => {
                tracing::info!("egg-ready");
                return;
            }
            BrokerEvent::Command { operator, id, verb } => {
                self.commanded(operator, id, verb);
                return;
            }
            BrokerEvent::OperatorLeft { operator } => {
                self.followers
                    .retain(|follower| follower.operator != operator);
                return;
            }
        };
        self.happen(event);
    }

    fn heard_child(&mut self, from: FromChild) {
        match from {
            FromChild::Line(line) => {
                self.follow(&line);
                let text = format!("[{}] {}", line.place, line.text);
                self.outlet.line(line.stream, text);
                self.children.remember(line);
            }
            FromChild::Ended { incarnation, exit } => {
                self.happen(Event::Exited { incarnation, exit });
            }
        }
    }

    fn signalled(&mut self, heard: Heard) {
        match heard {
            Heard::Child => self.courier.reap(),
            Heard::Stop => self.happen(Event::Stop { ask: None }),
            Heard::Interrupt => self.happen(Event::Interrupt),
            Heard::Reload => self.reload(None, Agent::IfChanged),
            Heard::More => self.happen(Event::Scale {
                ask: None,
                change: Change::By(1),
            }),
            Heard::Fewer => self.happen(Event::Scale {
                ask: None,
                change: Change::By(-1),
            }),
        }
    }

    /// Everything is over: the operators get their answers, the broker ends, and last of all the
    /// listeners close, since a connection that waits in them is reset by that.
    async fn close(self, sources: Sources) {
        drop(sources.spawner.requests);
        self.courier.finish().await;
        if tokio::time::timeout(CLOSE_MAX, self.broker.stop())
            .await
            .is_err()
        {
            tracing::warn!("the broker does not end");
        }
        drop((self.deployments, self.given));
        self.outlet.flush();
    }

    fn now(&self) -> Now {
        self.epoch.elapsed()
    }

    /// What new starts use.
    fn deployment(&self) -> &Deployment {
        &self.deployments[&self.committed]
    }
}

/// Some for each of the most processes there can be; a process that says Beat all the time must
/// not keep the master from its deadlines.
const EVENTS_AT_ONCE_MAX: usize = 4_096;

/// The broker flushes for 2 s at the most; with a second more it is not there any more.
const CLOSE_MAX: Duration = Duration::from_secs(3);
