//! A stand-in with the broker's face, until the broker is here: it passes nothing.

use std::{path::PathBuf, time::Duration};

use tokio::sync::mpsc;

/// How the broker is to be.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// The socket.
    pub endpoint: PathBuf,
    /// Whether there is to be an agent.
    pub agent: bool,
    /// How many workers are expected.
    pub workers: u32,
    /// How long they are waited for.
    pub expect_timeout: Option<Duration>,
    /// Who may join.
    pub admission: Admission,
}

/// Who may join.
#[derive(Clone, Copy, Debug)]
pub enum Admission {
    /// Whoever has the same uid.
    SameUser,
    /// Whoever has a token.
    Tokens,
}

/// What a token opens.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The process's number.
    pub incarnation: u64,
    /// What it is for.
    pub role: Role,
    /// Its slot.
    pub index: u32,
    /// Its reload.
    pub generation: u64,
}

/// What a process is for.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// The one agent.
    Agent,
    /// One of the workers.
    Worker,
}

/// What the broker tells of.
#[derive(Clone, Debug)]
pub enum BrokerEvent {
    /// Somebody used his token.
    Joined {
        /// Whose token.
        incarnation: u64,
        /// The kernel's word.
        pid: u32,
        /// The connection.
        connection: u64,
    },
    /// It is ready.
    Ready {
        /// Whose token.
        incarnation: u64,
    },
    /// It fails.
    Failing {
        /// Whose token.
        incarnation: u64,
        /// Its words.
        reason: String,
    },
    /// It lives.
    Beat {
        /// Whose token.
        incarnation: u64,
        /// Requests at work.
        active: u32,
    },
    /// It was cut.
    Stuck {
        /// Whose token.
        incarnation: u64,
    },
    /// It left.
    Left {
        /// Whose token.
        incarnation: u64,
        /// Whether it said so.
        goodbye: bool,
    },
    /// All expected are ready.
    EggReady,
    /// An operator's command.
    Command {
        /// His connection.
        operator: u64,
        /// His number for it.
        id: u64,
        /// What he wants.
        verb: Verb,
    },
    /// An operator left.
    OperatorLeft {
        /// His connection.
        operator: u64,
    },
}

/// What an operator wants.
#[derive(Clone, Debug)]
pub enum Verb {
    /// How are you?
    Status,
    /// Replace all.
    Reload {
        /// The agent too.
        agent: bool,
    },
    /// Replace one.
    Restart {
        /// Which role.
        role: Role,
        /// Which worker.
        index: u32,
    },
    /// More or fewer.
    Scale {
        /// The number.
        count: i32,
        /// To be added.
        relative: bool,
    },
    /// End.
    Stop {
        /// Without draining.
        now: bool,
    },
    /// Last lines.
    Logs {
        /// Of whom; `None`: of all.
        role: Option<Role>,
        /// Of which worker; `None`: of all.
        index: Option<u32>,
        /// How many.
        lines: u32,
        /// And those to come.
        follow: bool,
    },
}

/// One piece of an answer.
#[derive(Clone, Debug)]
pub enum Report {
    /// Progress.
    Line(String),
    /// JSON.
    Status(String),
    /// The end of the answer.
    Outcome {
        /// Whether it went well.
        ok: bool,
        /// Why.
        detail: String,
    },
}

/// Numbers.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct BrokerStatus {
    /// How many are connected.
    pub connections: u32,
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another one holds the socket.
    #[error("another master holds the socket (pid {pid})")]
    AlreadyRunning {
        /// Whose.
        pid: u32,
    },
}

/// The broker.
pub struct Broker;

/// A hand on it.
#[derive(Clone, Debug)]
pub struct BrokerHandle {
    events: mpsc::Sender<BrokerEvent>,
}

/// What it tells.
#[derive(Debug)]
pub struct BrokerEvents(mpsc::Receiver<BrokerEvent>);

impl BrokerEvents {
    /// The next.
    pub async fn next(&mut self) -> Option<BrokerEvent> {
        self.0.recv().await
    }
}

impl Broker {
    /// Starts nothing.
    pub fn start(_config: BrokerConfig) -> Result<(BrokerHandle, BrokerEvents), StartError> {
        let (events, receiver) = mpsc::channel(64);
        Ok((BrokerHandle { events }, BrokerEvents(receiver)))
    }
}

impl BrokerHandle {
    /// This token opens this seat. The stand-in takes everyone for ready at once.
    pub async fn admit(&self, _token: String, seat: Seat) {
        let incarnation = seat.incarnation;
        let _ = self.events.send(BrokerEvent::Ready { incarnation }).await;
    }
    /// Asks it to leave.
    pub async fn drain(&self, _incarnation: u64, _deadline: Duration, _cause: String) {}
    /// It is gone.
    pub async fn dismiss(&self, _incarnation: u64) {}
    /// So many workers from now on.
    pub async fn expect_workers(&self, _count: u32) {}
    /// No one may join any more.
    pub async fn shutting_down(&self) {}
    /// An answer to an operator.
    pub async fn report(&self, _operator: u64, _id: u64, _report: Report) {}
    /// Numbers.
    pub async fn status(&self) -> BrokerStatus {
        BrokerStatus::default()
    }
    /// A member in this process.
    pub fn connect(&self) -> tokio::io::DuplexStream {
        tokio::io::duplex(1).0
    }
    /// Ends.
    pub async fn stop(&self) {}
}
