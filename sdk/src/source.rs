//! Where a messenger's connection comes from.

use std::io;

use henhouse_proto::{Endpoint, transport};
use tokio::io::{AsyncRead, AsyncWrite};

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
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        Ok(Box::new(transport::connect(&self.endpoint).await?))
    }
}
