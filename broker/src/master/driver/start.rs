//! Brings a master up on a thread of its own.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::mpsc::sync_channel,
    thread::{self, JoinHandle},
};

use tokio::{
    runtime,
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Driver, Ended, Loader, Sources,
    children::Children,
    courier::Courier,
    deployment::Deployment,
    orders::Call,
    signals::{Listening, Signals},
};
use henhouse_proto::Endpoint;

use crate::{
    broker::{self, Admission, Broker, BrokerConfig, BrokerEvents, BrokerHandle},
    limits::Limits,
    master::{
        os::{Spawner, Strangers, listener::ListenError},
        plan::Plan,
        policy::Supervisor,
    },
    outlet::Outlet,
};

/// Calls of the embedding program that may wait.
const CALLS_MAX: usize = 64;

/// How a master is to run, beside its plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) signals: Listening,
    pub(crate) strangers: Strangers,
}

/// A master that runs.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) broker: BrokerHandle,
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) ended: watch::Receiver<Option<Ended>>,
    pub(crate) thread: JoinHandle<Ended>,
}

/// Why a master does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The broker cannot start; another master may hold its socket.
    #[error(transparent)]
    Broker(#[from] broker::StartError),
    /// A listener cannot be opened.
    #[error("cannot listen for `{name}`: {error}")]
    Listen {
        /// The listener's name.
        name: String,
        /// What is wrong.
        #[source]
        error: ListenError,
    },
    /// The operating system refuses a thread, a signal handler or a directory.
    #[error("cannot {0}: {1}")]
    System(&'static str, #[source] io::Error),
}

/// Starts a master; it has the socket and the listeners, and boots, when this returns.
pub(crate) fn start(plan: Plan, loader: Loader, options: Options) -> Result<Started, StartError> {
    let (calls, called) = mpsc::channel(CALLS_MAX);
    let (told, ended) = watch::channel(None);
    let (report, reported) = sync_channel(1);
    let system = |what| move |error| StartError::System(what, error);
    let thread = thread::Builder::new()
        .name("henhouse-master".to_owned())
        .spawn(move || {
            let failed = || Ended {
                code: 1,
                reason: "the master did not start".to_owned(),
            };
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = report.send(Err(StartError::System("start a runtime", error)));
                    return failed();
                }
            };
            runtime.block_on(async move {
                match prepare(plan, loader, options, called).await {
                    Ok((driver, sources)) => {
                        let _ = report.send(Ok(driver.broker.clone()));
                        driver.run(sources, told).await
                    }
                    Err(error) => {
                        let _ = report.send(Err(error));
                        failed()
                    }
                }
            })
        })
        .map_err(system("start a thread"))?;
    let broker = reported
        .recv()
        .map_err(|_| StartError::System("start", io::Error::other("its thread panicked")))??;
    Ok(Started {
        broker,
        calls,
        ended,
        thread,
    })
}

/// Does all that can fail: after this a master ends only as its policy says.
async fn prepare(
    plan: Plan,
    loader: Loader,
    options: Options,
    calls: mpsc::Receiver<Call>,
) -> Result<(Driver, Sources), StartError> {
    let system = |what| move |error| StartError::System(what, error);
    let signals = Signals::listen(options.signals).map_err(system("listen for signals"))?;
    let outlet = Outlet::open().map_err(system("start a thread"))?;
    // The spawner keeps the children's descriptors occupied, so it is there before any other.
    let spawner = Spawner::start(options.strangers).map_err(system("start a thread"))?;
    make_directory(&plan.socket).map_err(system("make the socket's directory"))?;
    let (broker, events) = start_broker(&plan)?;
    let (rules, generation) = (plan.rules(), 1);
    let deployment = match Deployment::open(plan, &[]) {
        Ok(deployment) => deployment,
        Err(error) => {
            broker.stop().await;
            return Err(error);
        }
    };
    for (name, listener) in &deployment.listeners {
        tracing::info!("listening for `{name}` at {}", listener.address);
    }
    let (children, from_children) = Children::new();
    let driver = Driver {
        machine: Supervisor::new(rules, generation, fastrand::Rng::new()),
        epoch: Instant::now(),
        deployments: BTreeMap::from([(generation, deployment)]),
        committed: generation,
        generation_last: generation,
        loader,
        given: HashMap::new(),
        courier: Courier::start(broker.clone(), spawner.requests.clone()),
        broker,
        children,
        outlet,
        asks: HashMap::new(),
        ask_last: 0,
        followers: Vec::new(),
        ended: None,
    };
    let sources = Sources {
        events,
        spawner,
        from_children,
        signals,
        calls,
    };
    Ok((driver, sources))
}

fn start_broker(plan: &Plan) -> Result<(BrokerHandle, BrokerEvents), broker::StartError> {
    Broker::start(BrokerConfig {
        endpoint: Some(Endpoint::new(plan.socket.clone())?),
        agent: plan.agent.is_some(),
        workers: plan.workers,
        // The state machine itself decides how long a start may take.
        expect_timeout: None,
        admission: Admission::Tokens,
        limits: Limits::default(),
    })
}

/// Others must not be able to put anything in the socket's place.
fn make_directory(socket: &Path) -> io::Result<()> {
    match socket.parent() {
        Some(directory) if !directory.exists() => fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory),
        _ => Ok(()),
    }
}
