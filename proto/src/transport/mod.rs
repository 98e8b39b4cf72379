//! The socket or pipe beneath a connection: one file per platform, the same names inside.
//!
//! Both are made by `interprocess`, and then used as the platform's own stream: its enum of
//! streams writes only the first slice of a vectored write, and its `shutdown` does nothing.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;
use std::path::PathBuf;

#[cfg(unix)]
pub(crate) use self::unix::TEMPORARY_NAME_BYTES;
#[cfg(unix)]
pub use self::unix::{Listener, Stream, connect, is_gone};
#[cfg(windows)]
pub use self::windows::{Listener, Stream, connect, is_gone};

/// What the kernel says of the process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its pid; `None` where the kernel cannot say, as for a process in a pid namespace that
    /// this one does not see.
    pub pid: Option<u32>,
    /// Whether it runs as the same user as this process, or as root.
    pub trusted_user: bool,
}

impl Peer {
    /// This process itself, for a connection that never leaves it.
    pub fn this_process() -> Peer {
        Peer {
            pid: Some(std::process::id()),
            trusted_user: true,
        }
    }
}

/// Why a broker cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another broker does.
    #[error(
        "another broker holds {endpoint}{}; stop it first, or choose another socket",
        holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Held {
        /// Where.
        endpoint: PathBuf,
        /// Its pid, where it could be told.
        holder: Option<u32>,
    },
    /// The operating system refused.
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it could not.
        error: io::Error,
    },
}
