//! The messenger: what a program holds of the house.

mod hearing;
mod living;
mod saying;

use std::sync::Arc;

use crate::fault::Closed;
use crate::peers::Peers;
use crate::shared::Shared;

/// A program's end of the house: it sends messages, and hears those of others.
///
/// A clone is the same messenger. With the last of them the messenger closes, in the
/// background; [`close`](Messenger::close) waits until all that was sent has left. A handler
/// that holds a clone keeps its messenger open.
#[derive(Debug, Clone)]
pub struct Messenger {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.begin_close();
    }
}

/// Getting ready, and leaving.
impl Messenger {
    pub(crate) fn new(shared: Arc<Shared>) -> Messenger {
        Messenger {
            handle: Arc::new(Handle { shared }),
        }
    }

    /// Says that this program's listeners are set: now the messages that were held for it come,
    /// and the house counts it as started. Said once; again it does nothing.
    ///
    /// # Errors
    ///
    /// Where the messenger is closed.
    ///
    /// # Cancel safety
    ///
    /// It is said when this is first polled, and not before.
    pub async fn ready(&self) -> Result<(), Closed> {
        self.shared()
            .outgoing
            .note(|state| state.notes.ready = true)
    }

    /// Whether [`ready`](Messenger::ready) was said.
    pub fn is_ready(&self) -> bool {
        self.shared().outgoing.state().notes.ready
    }

    /// Leaves the house: what was queued leaves, Goodbye is said, and what still comes is read
    /// until the broker has said it too, all within 5 s. Then listeners get what waits for them
    /// and end.
    ///
    /// # Errors
    ///
    /// Where the connection ended otherwise, so that what was queued may not have left.
    ///
    /// # Cancel safety
    ///
    /// Closing begins when this is first polled, and goes on when it is dropped.
    pub async fn close(&self) -> Result<(), Closed> {
        self.shared().begin_close();
        match self.closed().await {
            Closed::ByUs => Ok(()),
            why => Err(why),
        }
    }

    /// Waits until the messenger is closed, and gives why. Can be asked many times, after the
    /// fact too.
    ///
    /// # Cancel safety
    ///
    /// It only looks.
    pub fn closed(&self) -> impl Future<Output = Closed> + Send + 'static {
        let mut closed = self.shared().closed.subscribe();
        async move {
            match closed.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(why)) => why.clone(),
                // The session went without a word: its runtime is being shut down.
                _ => Closed::Lost("its task was ended".to_owned()),
            }
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

/// Knowing.
impl Messenger {
    /// This process's pid, as others know it.
    pub fn pid(&self) -> u32 {
        self.shared().outgoing.state().identity.pid
    }

    /// This messenger's connection: a number that no other will have.
    pub fn connection(&self) -> u64 {
        self.shared().outgoing.state().identity.connection
    }

    /// The pid of the master.
    pub fn master_pid(&self) -> u32 {
        self.shared().outgoing.state().identity.master_pid
    }

    /// A worker's slot, from 0: from the process layer, or else from what the broker last said
    /// of who is ready.
    pub fn index(&self) -> Option<u32> {
        let connection = self.connection();
        self.shared().environment.index.or_else(|| {
            let peers = self.shared().peers();
            let me = peers
                .workers
                .iter()
                .find(|peer| peer.connection == connection);
            me.map(|peer| peer.index)
        })
    }

    /// The how manieth process of its house this one is, where a process layer counts.
    pub fn incarnation(&self) -> Option<u64> {
        self.shared().environment.incarnation
    }

    /// How many reloads its house had seen when this process was started, where a process
    /// layer counts.
    pub fn generation(&self) -> Option<u64> {
        self.shared().environment.generation
    }

    /// Who is ready, as this process last heard.
    pub fn peers(&self) -> Arc<Peers> {
        self.shared().peers()
    }
}
