//! The listener under `axum::serve`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::quiet::Unheard;
use super::{WorkerAddress, WorkerListener, WorkerStream};

/// A client's connection under `axum::serve`, which knows whether it has been heard.
#[derive(Debug)]
pub struct ServedStream {
    stream: WorkerStream,
    unheard: Option<Unheard>,
}

impl axum::serve::Listener for WorkerListener {
    type Io = ServedStream;
    type Addr = WorkerAddress;

    async fn accept(&mut self) -> (ServedStream, WorkerAddress) {
        loop {
            match WorkerListener::accept(self).await {
                Ok((stream, address)) => {
                    let unheard = Some(self.gate.enter());
                    return (ServedStream { stream, unheard }, address);
                }
                // That client is gone, and the next one need not wait.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Descriptors have run out: some will come back.
                    tracing::error!("cannot accept: {error}");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<WorkerAddress> {
        WorkerListener::local_addr(self)
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

impl axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, WorkerListener>>
    for WorkerAddress
{
    fn connect_info(stream: axum::serve::IncomingStream<'_, WorkerListener>) -> WorkerAddress {
        stream.remote_addr().clone()
    }
}

impl AsyncRead for ServedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.unheard = None;
        }
        read
    }
}

impl AsyncWrite for ServedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::serve::Listener as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::drain::Drain;

    /// Polls it once.
    async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn a_server_is_told_to_shut_down_when_everybody_who_came_in_was_heard() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut listener = WorkerListener::tcp(listener).unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut served, _) = listener.accept().await;
        let drain = Drain {
            deadline: Duration::from_secs(10),
            cause: "a test".to_owned(),
        };
        let mut quiet = Box::pin(listener.quiet_after(async { drain }));
        assert!(is_pending(quiet.as_mut()).await);

        let _late = TcpStream::connect(address).await.unwrap();
        let mut accept = Box::pin(listener.accept());
        assert!(is_pending(accept.as_mut()).await, "that is for others");
        drop(accept);

        client.write_all(b"GET").await.unwrap();
        served.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(quiet.await.cause, "a test");
    }
}
