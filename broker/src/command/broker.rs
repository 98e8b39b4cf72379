//! `henhouse broker`: the broker alone.

use std::future::pending;

use henhouse_proto::Endpoint;
use tokio::runtime;

use super::{FAILED, arguments::BrokerArguments, log, out};
use crate::broker::{Broker, BrokerConfig, BrokerEvents};

/// Another one holds the socket.
const HELD: u8 = 75;

pub(crate) fn run(arguments: &BrokerArguments) -> u8 {
    let _log = log::begin();
    match serve(arguments) {
        Ok(()) => 0,
        Err((code, error)) => {
            out::complain(error);
            code
        }
    }
}

fn serve(arguments: &BrokerArguments) -> Result<(), (u8, String)> {
    let failed = |error: &dyn std::fmt::Display| (FAILED, error.to_string());
    let endpoint = Endpoint::new(&arguments.socket).map_err(|error| failed(&error))?;
    let mut config = BrokerConfig::new(endpoint);
    config.agent = arguments.agent;
    config.workers = arguments.workers;
    config.expect_timeout = Some(arguments.expect_timeout).filter(|time| !time.is_zero());
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        // Listened for before the socket is there: who waits for the socket may say TERM at once.
        let stop = stop_asked();
        let (handle, events) = Broker::start(config).map_err(|error| match error.is_held() {
            true => (HELD, error.to_string()),
            false => (FAILED, error.to_string()),
        })?;
        tracing::info!(socket = %arguments.socket.display(), "the broker listens");
        tokio::select! {
            () = stop => handle.stop().await,
            () = tell(events) => {}
        }
        Ok(())
    })
}

/// Logs what happens, until the broker ends.
async fn tell(mut events: BrokerEvents) {
    while let Some(event) = events.next().await {
        tracing::debug!(?event);
    }
}

#[cfg(unix)]
fn stop_asked() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        match signals {
            (Ok(mut term), Ok(mut int)) => {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = int.recv() => {}
                }
            }
            // Without them the signals do what they do to any program.
            _ => pending().await,
        }
    }
}

#[cfg(not(unix))]
async fn stop_asked() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
