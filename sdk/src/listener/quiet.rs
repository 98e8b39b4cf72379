//! The moment before a graceful shutdown in which nobody new comes in and everybody who is in has
//! been heard.
//!
//! A server that is told to shut down closes connections that it has read nothing from, for it
//! takes them for idle ones (hyper does). A client that has just connected would find its first
//! request lost. So the listener closes first, and the server is told when the last connection
//! that came in has sent its first bytes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::drain::Drain;

/// A connection that was opened and is silent for longer than this was opened for later, and its
/// client will open another.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Lets connections in, until it is closed, and counts those that have not been heard.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug)]
struct State {
    open: bool,
    unheard: usize,
}

impl Gate {
    pub(super) fn new() -> Gate {
        let state = State {
            open: true,
            unheard: 0,
        };
        Gate {
            state: Arc::new(watch::Sender::new(state)),
        }
    }

    /// Waits until nobody is let in any more.
    pub(super) async fn closed(&self) {
        // It fails where the sender is gone, which is here.
        let _ = self.state.subscribe().wait_for(|state| !state.open).await;
    }

    /// Closes when the drain comes, and waits until all who are in have been heard.
    pub(super) async fn quiet_after(self, drain: impl Future<Output = Drain>) -> Drain {
        let mut drain = drain.await;
        self.state.send_modify(|state| state.open = false);
        let silence_max = SILENCE_MAX.min(drain.deadline / 2);
        let begun = tokio::time::Instant::now();
        let mut state = self.state.subscribe();
        let heard = state.wait_for(|state| state.unheard == 0);
        // Whoever is still silent then is not waited for.
        let _ = tokio::time::timeout(silence_max, heard).await;
        drain.deadline = drain.deadline.saturating_sub(begun.elapsed());
        drain
    }

    /// Somebody came in.
    #[cfg(feature = "axum")]
    pub(super) fn enter(&self) -> Unheard {
        self.state.send_modify(|state| state.unheard += 1);
        Unheard { gate: self.clone() }
    }
}

/// A connection from which nothing has been read; dropped when something is.
#[cfg(feature = "axum")]
#[derive(Debug)]
pub(super) struct Unheard {
    gate: Gate,
}

#[cfg(feature = "axum")]
impl Drop for Unheard {
    fn drop(&mut self) {
        self.gate.state.send_modify(|state| state.unheard -= 1);
    }
}
