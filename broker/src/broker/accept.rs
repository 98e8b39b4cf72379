//! Who comes in: over the socket, and from within the process.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use henhouse_proto::transport::{self, Listener};
use henhouse_proto::wire::Code;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;

use super::handle::Doorstep;
use crate::hub::{Door, Fatal};
use crate::session::{self, Shared};

/// How long accepting pauses when the operating system gives no connection, for example
/// because descriptors have run out: doubling from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Refusals of connections beyond the limit that are said at a time. Whoever comes beyond that
/// is closed without a word.
const REFUSALS_MAX: usize = 64;

/// The sessions that are going on.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Cell<usize>,
    refusals: Cell<usize>,
}

/// One more of a count, for as long as it lives.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn one(count: &'a Cell<usize>) -> Counted<'a> {
        count.set(count.get() + 1);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Sessions {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.open.get()
    }

    fn begin<S>(
        self: &Rc<Self>,
        shared: &Rc<Shared>,
        mut stream: S,
        door: Door,
        is_gone: fn(&S) -> bool,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let sessions = Rc::clone(self);
        if self.open.get() < shared.limits.connections_max {
            let shared = Rc::clone(shared);
            spawn_local(async move {
                let _one = Counted::one(&sessions.open);
                session::run(shared, stream, door, is_gone).await;
            });
            return;
        }
        shared.hub.borrow_mut().refused(Code::Full);
        if self.refusals.get() < REFUSALS_MAX {
            let max = shared.limits.connections_max;
            spawn_local(async move {
                let _one = Counted::one(&sessions.refusals);
                let detail = format!("{max} connections are open; close some, or raise the limit");
                session::refuse(&mut stream, Fatal::new(Code::Full, detail)).await;
            });
        }
    }
}

/// Takes in whoever comes over the socket, for ever.
pub(super) async fn over_socket(
    listener: Rc<Listener>,
    shared: Rc<Shared>,
    sessions: Rc<Sessions>,
) {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = PAUSE.0;
                sessions.begin(&shared, stream, Door::Socket(peer), transport::is_gone);
            }
            Err(error) => {
                if pause == PAUSE.0 || pause == PAUSE.1 {
                    tracing::warn!("{}", Refused(&error));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// Takes in whoever comes from within the process, for ever.
pub(super) async fn from_within(
    doorstep: std::sync::Arc<Doorstep>,
    shared: Rc<Shared>,
    sessions: Rc<Sessions>,
) {
    loop {
        let stream = doorstep.next().await;
        // What is within the process does not die before it.
        sessions.begin(&shared, stream, Door::InProcess, |_| false);
    }
}

struct Refused<'a>(&'a io::Error);

impl std::fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cannot take in another connection for now: {}; those that are open go on (if \
             descriptors have run out, raise the limit of open files)",
            self.0
        )
    }
}
