//! Sockets passed as systemd passes them: from descriptor 3 on, named in the environment.

use std::io;
use std::sync::{Mutex, PoisonError};

use listenfd::ListenFd;

use super::WorkerListener;

/// What this process inherited; read once, since reading it takes it out of the environment, so
/// that no child of ours believes it is meant.
static INHERITED: Mutex<Option<Inherited>> = Mutex::new(None);

struct Inherited {
    sockets: ListenFd,
    /// The names, in the order of the descriptors.
    names: Vec<String>,
}

/// Takes the socket called `name`.
pub(super) fn take(name: &str) -> Result<WorkerListener, ListenerError> {
    // Held for a few system calls, none of which waits.
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    inherited.get_or_insert_with(Inherited::read).take(name)
}

impl Inherited {
    fn read() -> Inherited {
        // An environment is inherited by grandchildren too, and descriptors are not.
        let for_us = std::env::var("LISTEN_PID")
            .ok()
            .and_then(|pid| pid.parse().ok())
            == Some(std::process::id());
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = if for_us {
            ListenFd::from_env()
        } else {
            ListenFd::empty()
        };
        let mut names: Vec<_> = names.split(':').map(str::to_owned).collect();
        // What systemd calls a socket without a name.
        names.resize(sockets.len(), "unknown".to_owned());
        Inherited { sockets, names }
    }

    fn take(&mut self, name: &str) -> Result<WorkerListener, ListenerError> {
        if self.names.is_empty() {
            return Err(ListenerError::NoneInherited);
        }
        let mut known = false;
        for (index, _) in self.names.iter().enumerate().filter(|(_, is)| *is == name) {
            known = true;
            let taken = take_at(&mut self.sockets, index);
            if let Some(listener) = taken.map_err(|error| ListenerError::Unusable {
                name: name.to_owned(),
                error,
            })? {
                return Ok(listener);
            }
        }
        let name = name.to_owned();
        if known {
            return Err(ListenerError::Taken { name });
        }
        let names = self.names.join(", ");
        Err(ListenerError::NoSuchName { name, names })
    }
}

/// Takes it as what it is. A socket of the wrong kind stays where it was.
fn take_at(sockets: &mut ListenFd, index: usize) -> io::Result<Option<WorkerListener>> {
    match sockets.take_tcp_listener(index) {
        Ok(listener) => listener.map(WorkerListener::tcp).transpose(),
        Err(_) => {
            let listener = sockets.take_unix_listener(index)?;
            listener.map(WorkerListener::unix).transpose()
        }
    }
}

/// Why a socket cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// Nobody passed any socket to this process.
    #[error(
        "this process inherited no listening socket: start it under `henhouse start`, with a \
         [[listen]] section in inherit mode"
    )]
    NoneInherited,
    /// None of the sockets has this name.
    #[error("no listening socket is called {name:?}; there are: {names}")]
    NoSuchName {
        /// What was asked for.
        name: String,
        /// What there is.
        names: String,
    },
    /// It was taken before.
    #[error("the listening socket {name:?} was taken already")]
    Taken {
        /// Its name.
        name: String,
    },
    /// What has this name is no listening socket, or the runtime does not take it.
    #[error("cannot use the listening socket {name:?}: {error}")]
    Unusable {
        /// Its name.
        name: String,
        /// Why not.
        error: io::Error,
    },
}
