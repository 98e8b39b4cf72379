//! Where a messenger's connection comes from.

use std::io;

use henhouse_proto::{Endpoint, transport};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::backoff::Backoff;
use crate::limits::JOIN_TIMEOUT;

/// Any stream of bytes, both ways.
pub(crate) type Stream = Box<dyn Duplex>;

/// What a stream must be able to do.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A socket that can be connected to again.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub(crate) endpoint: Endpoint,
}

impl Socket {
    /// Connects, again and again where the broker has more guests at its door than it can take
    /// in: a thousand processes may start at once.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        let connecting = async {
            let mut backoff = Backoff::new();
            loop {
                match transport::connect(&self.endpoint).await {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        tokio::time::sleep(backoff.next()).await;
                    }
                    connected => return connected,
                }
            }
        };
        match tokio::time::timeout(JOIN_TIMEOUT, connecting).await {
            Ok(connected) => Ok(Box::new(connected?)),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it took no connection within {JOIN_TIMEOUT:?}"),
            )),
        }
    }
}
