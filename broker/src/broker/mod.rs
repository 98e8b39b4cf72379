//! The broker: a thread that passes messages between the processes that connect to it.
//!
//! It knows nothing of how processes are started. Whoever does that tells it whom to expect
//! ([`BrokerHandle::admit`]) and hears of them ([`BrokerEvents`]).

mod accept;
mod handle;
mod orders;
mod run;

use std::io;
use std::thread;
use std::time::Duration;

use henhouse_proto::Endpoint;
use henhouse_proto::endpoint::EndpointError;
use henhouse_proto::transport::BindError;

pub use self::handle::{BrokerEvents, BrokerHandle};
use self::run::Parts;
use crate::hub::Expected;
pub use crate::hub::{Admission, BrokerEvent, BrokerStatus, ConnectionStatus, Report, Seat, Verb};
use crate::limits::Limits;
pub use crate::roster::Role;

/// How a broker is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrokerConfig {
    /// Where it listens; `None`: nowhere, and its only members are those of
    /// [`BrokerHandle::connect`].
    pub endpoint: Option<Endpoint>,
    /// Whether an agent is expected. Where none is, what is for one is refused while there is
    /// none, and does not wait.
    pub agent: bool,
    /// How many workers are expected before the first `egg-ready`.
    pub workers: u32,
    /// After so long, `egg-ready` is said to those that are there; `None`: never.
    pub expect_timeout: Option<Duration>,
    /// Who may take the roles of agent and worker.
    pub admission: Admission,
    /// What it allows.
    pub limits: Limits,
}

impl BrokerConfig {
    /// A broker at `endpoint` that expects nobody and lets in every process of the same user.
    pub fn new(endpoint: Endpoint) -> BrokerConfig {
        BrokerConfig {
            endpoint: Some(endpoint),
            ..BrokerConfig::in_process()
        }
    }

    /// A broker without a socket, for a program that is all members itself.
    pub fn in_process() -> BrokerConfig {
        BrokerConfig {
            endpoint: None,
            agent: false,
            workers: 0,
            expect_timeout: None,
            admission: Admission::SameUser,
            limits: Limits::default(),
        }
    }
}

/// Starts brokers.
#[derive(Debug)]
pub struct Broker;

impl Broker {
    /// Starts a broker on a thread of its own. It listens when this returns.
    ///
    /// # Errors
    ///
    /// Where its socket cannot be had, or the operating system gives it no thread.
    pub fn start(config: BrokerConfig) -> Result<(BrokerHandle, BrokerEvents), StartError> {
        let (parts, handle, events) = Parts::new();
        // Bounded: one word is said, and then the channel is gone.
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new()
            .name("henhouse-broker".into())
            .spawn(move || run::run(config, parts, &tell))
            .map_err(StartError::Thread)?;
        told.recv().unwrap_or(Err(StartError::Ended))?;
        Ok((handle, events))
    }
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its endpoint cannot be.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The operating system gave it no event loop.
    #[error("cannot make an event loop for the broker: {0}")]
    Runtime(io::Error),
    /// The operating system gave it no thread.
    #[error("cannot start the broker's thread: {0}")]
    Thread(io::Error),
    /// Its thread ended before it could say why; its log tells more.
    #[error("the broker's thread ended while it started")]
    Ended,
}

impl StartError {
    /// Whether another broker holds the socket.
    pub fn is_held(&self) -> bool {
        matches!(self, StartError::Bind(BindError::Held { .. }))
    }
}
