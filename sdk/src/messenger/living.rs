//! What a process does besides talking, so that its house can rely on it.

use std::time::Duration;

use crate::drain::Drain;
use crate::fault::Closed;
use crate::messenger::Messenger;

/// Living well.
impl Messenger {
    /// A listening socket of the master's, as [`listener`](crate::listener()) gives it.
    ///
    /// # Errors
    ///
    /// Where this process inherited no socket of that name, or it was taken already.
    #[cfg(unix)]
    pub fn listener(&self, name: &str) -> Result<crate::WorkerListener, crate::ListenerError> {
        crate::listener(name)
    }

    /// Waits until this process is asked to leave. Can be asked many times, after the fact too.
    ///
    /// It is done as well when the messenger is closed: nothing more will come then, and nobody
    /// else would say it.
    ///
    /// # Cancel safety
    ///
    /// It only looks.
    pub fn draining(&self) -> impl Future<Output = Drain> + Send + 'static {
        let mut drain = self.shared().drain.subscribe();
        async move {
            match drain.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(deadline)) => deadline.drain(),
                // The runtime is being shut down.
                _ => Drain {
                    deadline: Duration::ZERO,
                    cause: "the messenger's task was ended".to_owned(),
                },
            }
        }
    }

    /// Asks to be replaced, while this process finishes what it has.
    ///
    /// # Errors
    ///
    /// Where the messenger is closed.
    ///
    /// # Cancel safety
    ///
    /// It is said when this is first polled, and not before.
    pub async fn failing(&self, reason: impl Into<String>) -> Result<(), Closed> {
        let reason = reason.into();
        self.shared()
            .outgoing
            .note(|state| state.notes.failing = Some(reason))
    }

    /// Says [`failing`](Messenger::failing) whenever a thread or a task of this process panics,
    /// from now on and behind the hook there was. A handler's panic does not count: it is
    /// caught.
    pub fn panic_hook(&self) {
        crate::panic::install(self);
    }

    /// Tells the house's watchdog that this program's event loop turns, and how many requests
    /// it has at work. To be called now and then; it costs nothing where nobody watches.
    pub fn beat(&self, active: u32) {
        // A messenger that is closed is watched no more.
        let _ = self
            .shared()
            .outgoing
            .note(|state| state.notes.beat = Some(active));
    }
}
