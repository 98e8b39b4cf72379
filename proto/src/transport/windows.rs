//! Windows named pipes.

use std::io;

use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::named_pipe::{PipeListenerOptions, PipeMode};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use widestring::U16CString;

use super::{BindError, Peer};
use crate::Endpoint;

/// A connection.
pub type Stream = DuplexPipeStream<Bytes>;

/// The pipe's owner and nobody else, in the words of Windows: protected, and all rights to the
/// owner.
const OWNER_ALONE: &str = "D:P(A;;GA;;;OW)";

/// A pipe that takes connections, its owner's alone.
#[derive(Debug)]
pub struct Listener {
    listener: PipeListener<Bytes, Bytes>,
}

impl Listener {
    /// Listens at `endpoint`. The name of a pipe goes with its last handle, so nothing is ever
    /// left behind, and the first to take it has it alone.
    ///
    /// # Errors
    ///
    /// Where another broker listens there, or the operating system refuses.
    pub fn bind(endpoint: &Endpoint) -> Result<Listener, BindError> {
        let path = endpoint.as_path();
        let failed = |error: io::Error| BindError::Io {
            what: "make the pipe",
            path: path.to_owned(),
            error,
        };
        let owner_alone = U16CString::from_str_truncate(OWNER_ALONE);
        let descriptor = SecurityDescriptor::deserialize(&owner_alone).map_err(failed)?;
        let listener = PipeListenerOptions::new()
            .path(path)
            .mode(PipeMode::Bytes)
            .security_descriptor(Some(descriptor))
            .create_tokio_duplex::<Bytes>()
            .map_err(|error| match error.kind() {
                // The answer to a second first instance.
                io::ErrorKind::PermissionDenied => BindError::Held {
                    endpoint: path.to_owned(),
                    holder: None,
                },
                _ => failed(error),
            })?;
        Ok(Listener { listener })
    }

    /// The next connection, and who is at its other end.
    ///
    /// # Errors
    ///
    /// Where the operating system refuses. The listener can be asked again.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        let stream = self.listener.accept().await?;
        // Nobody but the owner can open the pipe; Windows says only the pid here.
        let peer = Peer {
            pid: stream.client_process_id().ok(),
            trusted_user: true,
        };
        Ok((stream, peer))
    }
}

/// Whether the process at the other end is gone: a pipe tells that only to who reads.
pub fn is_gone(_: &Stream) -> bool {
    false
}

/// Connects to the broker at `endpoint`.
///
/// # Errors
///
/// Where nobody listens there, or the operating system refuses.
///
/// # Cancel safety
///
/// A connection that was not given is closed.
pub async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    Stream::connect_by_path(endpoint.as_path()).await
}
