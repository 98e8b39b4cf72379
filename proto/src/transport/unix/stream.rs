//! A Unix socket that asks to be told of room only while it has none.
//!
//! Tokio's own asks all the time, and so each message that the other end reads wakes the process
//! that wrote it, for nothing: one wake-up in two, where messages go to and fro.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// One read takes at most so many bytes into memory that nobody has written to, since that has to
/// be zeroed first. A little more than a Unix socket holds on Linux, where nobody says otherwise.
const FRESH_BYTES_MAX: usize = 256 << 10;

/// After so many writes in a row that found room nobody asks to be told of it any more. A flood
/// meets a full socket again before that.
const CALM_AFTER_WRITES: u32 = 64;

/// A connection. It is one task's: the same that reads from it writes to it.
#[derive(Debug)]
pub struct Stream {
    /// `None` only where the event loop has refused it, which is the end of it.
    socket: Option<AsyncFd<UnixStream>>,
    /// How many more writes it takes until we ask no more to be told of room; 0: we do not ask.
    told_of_room: u32,
}

impl Stream {
    pub(super) fn new(stream: tokio::net::UnixStream) -> io::Result<Stream> {
        Ok(Stream {
            socket: Some(register(stream.into_std()?, Interest::READABLE)?),
            told_of_room: 0,
        })
    }

    pub(super) fn socket(&self) -> io::Result<&AsyncFd<UnixStream>> {
        self.socket
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        send: impl Fn(&UnixStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.told_of_room == 0 {
                match send(self.socket()?.get_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.ask_for(cx, Interest::READABLE | Interest::WRITABLE)?;
                        self.told_of_room = CALM_AFTER_WRITES;
                    }
                    sent => return Poll::Ready(sent),
                }
            }
            let mut room = ready!(self.socket()?.poll_write_ready(cx))?;
            match room.try_io(|socket| send(socket.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(sent) => {
                    self.told_of_room -= 1;
                    if self.told_of_room == 0 {
                        self.ask_for(cx, Interest::READABLE)?;
                    }
                    return Poll::Ready(sent);
                }
                Err(_would_block) => self.told_of_room = CALM_AFTER_WRITES,
            }
        }
    }

    /// Asks the event loop to be told of something else from now on.
    fn ask_for(&mut self, cx: &mut Context<'_>, interest: Interest) -> io::Result<()> {
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        let socket = register(socket.into_inner(), interest)?;
        // Whoever waits to read has told the registration that is gone.
        if socket.poll_read_ready(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.socket = Some(socket);
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "for types whose descriptor may change; this one's does not, and the other way to \
              register it is unsafe code"
)]
fn register(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(socket, interest)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.socket()?;
        let written_to = buffer.initialized().len() - buffer.filled().len();
        let room = buffer.remaining().min(FRESH_BYTES_MAX.max(written_to));
        let room = buffer.initialize_unfilled_to(room);
        loop {
            let mut ready = ready!(socket.poll_read_ready(cx))?;
            match ready.try_io(|socket| socket.get_ref().read(room)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => {
                    let read = read?;
                    if read > 0 && read < room.len() {
                        // There was no more, and more will be told: no need to ask for it.
                        ready.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |mut socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |mut socket| socket.write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The kernel has it.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket()?.get_ref().shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn pair() -> (Stream, Stream) {
        let (one, other) = tokio::net::UnixStream::pair().unwrap();
        (Stream::new(one).unwrap(), Stream::new(other).unwrap())
    }

    async fn soon<F: Future>(future: F) -> F::Output {
        tokio::time::timeout(Duration::from_secs(60), future)
            .await
            .expect("it does not come")
    }

    /// Writes until there is no room.
    async fn fill(stream: &mut Stream) -> usize {
        let mut total = 0;
        let bytes = [7; 10_000];
        poll_fn(|cx| {
            while let Poll::Ready(wrote) = Pin::new(&mut *stream).poll_write(cx, &bytes) {
                total += wrote.unwrap();
            }
            Poll::Ready(())
        })
        .await;
        total
    }

    #[tokio::test]
    async fn a_writer_is_told_of_room_while_it_waits_for_it_and_then_no_more() {
        let (mut one, mut other) = pair();
        for _ in 0..3 {
            let filled = fill(&mut one).await;
            assert!(one.told_of_room > 0);
            let write = async { soon(one.write_all(b"at last")).await.unwrap() };
            let read = async {
                let mut bytes = vec![0; filled + 7];
                soon(other.read_exact(&mut bytes)).await.unwrap();
                assert!(bytes.ends_with(b"at last"));
            };
            tokio::join!(write, read);
            for _ in 0..CALM_AFTER_WRITES {
                one.write_all(b"x").await.unwrap();
                soon(other.read_u8()).await.unwrap();
            }
            assert_eq!(one.told_of_room, 0);
        }
    }

    #[tokio::test]
    async fn one_who_waits_to_read_and_to_write_hears_of_both() {
        let (mut one, mut other) = pair();
        let filled = fill(&mut one).await;
        // What to be told of has changed while it waits to read.
        let both = async {
            let mut byte = [0];
            let mut wrote = false;
            poll_fn(|cx| {
                let mut room = ReadBuf::new(&mut byte);
                if let Poll::Ready(read) = Pin::new(&mut one).poll_read(cx, &mut room) {
                    return Poll::Ready(read.map(|()| wrote));
                }
                if !wrote && let Poll::Ready(sent) = Pin::new(&mut one).poll_write(cx, b"x") {
                    sent?;
                    wrote = true;
                }
                Poll::Pending
            })
            .await
        };
        let feed = async {
            let mut bytes = vec![0; filled + 1];
            soon(other.read_exact(&mut bytes)).await.unwrap();
            soon(other.write_all(b"y")).await.unwrap();
        };
        let (wrote, ()) = tokio::join!(soon(both), feed);
        assert!(wrote.unwrap());
    }

    #[tokio::test]
    async fn long_data_passes_whole_and_the_end_is_heard() {
        let (mut one, mut other) = pair();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let write = async {
            soon(one.write_all(&sent)).await.unwrap();
            one.shutdown().await.unwrap();
        };
        let read = async {
            let mut heard = Vec::new();
            soon(other.read_to_end(&mut heard)).await.unwrap();
            heard
        };
        let ((), heard) = tokio::join!(write, read);
        assert!(heard == sent);
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error_to_the_writer() {
        let (mut one, other) = pair();
        fill(&mut one).await;
        drop(other);
        assert!(soon(one.write_all(b"x")).await.is_err());
    }
}
