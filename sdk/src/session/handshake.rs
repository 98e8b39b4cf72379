//! Hello and Welcome.

use std::io;

use henhouse_proto::frame;
use henhouse_proto::limits::VERSION;
use henhouse_proto::wire::{self, frame::Body};
use tokio::io::AsyncWriteExt as _;

use super::connection::Connection;
use crate::fault::Refused;
use crate::limits::JOIN_TIMEOUT;
use crate::source::Stream;

/// What a process says first on every connection.
#[derive(Debug, Clone)]
pub(crate) struct Hello {
    pub(crate) role: wire::Role,
    pub(crate) pid: u32,
    pub(crate) token: String,
    pub(crate) name: String,
}

/// Why nobody was welcomed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("{0}")]
    Refused(Refused),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Says Hello over `stream` and waits for the Welcome.
///
/// # Cancel safety
///
/// The stream is dropped, and the broker sees a process that left.
pub(crate) async fn handshake(
    stream: Stream,
    hello: &Hello,
) -> Result<(Connection, wire::Welcome), HandshakeError> {
    let conversation = async {
        let mut stream = stream;
        let body = Body::Hello(wire::Hello {
            version: VERSION,
            role: hello.role.into(),
            pid: hello.pid,
            token: hello.token.clone(),
            name: hello.name.clone(),
        });
        stream.write_all(&frame::encode(body)).await?;
        stream.flush().await?;
        let mut connection = Connection::new(stream);
        match connection.first().await? {
            Some(Body::Welcome(welcome)) => {
                connection.set_frame_bytes_max(welcome.frame_bytes_max);
                Ok((connection, welcome))
            }
            Some(Body::Fault(fault)) => Err(HandshakeError::Refused(Refused::from_wire(fault))),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it does not speak as a broker does",
            )
            .into()),
        }
    };
    match tokio::time::timeout(JOIN_TIMEOUT, conversation).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the broker did not answer within {JOIN_TIMEOUT:?}"),
        )
        .into()),
    }
}
