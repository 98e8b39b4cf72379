//! What a messenger, its session and its listeners share.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::backlog::Backlog;
use crate::drain::Deadline;
use crate::events::Events;
use crate::fault::{Closed, Refused};
use crate::identity::{Environment, Identity};
use crate::listeners::Listeners;
use crate::outgoing::Outgoing;
use crate::peers::Peers;

/// The middle of a messenger. It knows no task and no stream.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) outgoing: Outgoing,
    pub(crate) listeners: Listeners,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) refused: Events<Refused>,
    pub(crate) disconnected: Events<Closed>,
    pub(crate) reconnected: Events<()>,
    pub(crate) closed: watch::Sender<Option<Closed>>,
    pub(crate) drain: watch::Sender<Option<Deadline>>,
    pub(crate) environment: Environment,
    /// Where listeners run.
    pub(crate) runtime: Handle,
    peers: Mutex<Arc<Peers>>,
    closing: AtomicBool,
    closing_begun: Notify,
}

impl Shared {
    pub(crate) fn new(
        identity: Identity,
        environment: Environment,
        queued_bytes_max: usize,
        runtime: Handle,
    ) -> Shared {
        let backlog = Arc::new(Backlog::new(queued_bytes_max));
        Shared {
            outgoing: Outgoing::new(identity),
            listeners: Listeners::new(backlog.clone()),
            backlog,
            refused: Events::default(),
            disconnected: Events::default(),
            reconnected: Events::default(),
            closed: watch::Sender::new(None),
            drain: watch::Sender::new(None),
            environment,
            runtime,
            peers: Mutex::default(),
            closing: AtomicBool::new(false),
            closing_begun: Notify::new(),
        }
    }

    /// Begins to close; the session does the rest.
    pub(crate) fn begin_close(&self) {
        self.closing.store(true, SeqCst);
        self.outgoing.begin_close();
        self.closing_begun.notify_one();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }

    /// Waits until closing has begun. For one waiter, the session.
    ///
    /// # Cancel safety
    ///
    /// It can be asked again.
    pub(crate) async fn closing(&self) {
        while !self.is_closing() {
            self.closing_begun.notified().await;
        }
    }

    /// The end of the messenger: everybody who waits for something hears why.
    pub(crate) fn end(&self, why: &Closed) {
        self.outgoing.end(why.clone());
        self.listeners.end();
        self.refused.end();
        self.disconnected.end();
        self.reconnected.end();
        self.closed.send_replace(Some(why.clone()));
        self.drain.send_if_modified(|drain| {
            let undrained = drain.is_none();
            drain.get_or_insert_with(|| Deadline::of_the_end(why));
            undrained
        });
    }

    pub(crate) fn peers(&self) -> Arc<Peers> {
        self.lock_peers().clone()
    }

    pub(crate) fn set_peers(&self, peers: Peers) {
        *self.lock_peers() = Arc::new(peers);
    }

    fn lock_peers(&self) -> std::sync::MutexGuard<'_, Arc<Peers>> {
        // Held for a move of one pointer; nothing in there can panic.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
