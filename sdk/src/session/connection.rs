//! One connection: it reads while it writes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use henhouse_proto::frame;
use henhouse_proto::limits::{FRAME_BYTES_MAX, STAMP_BYTES_MAX};
use henhouse_proto::outbox::{Outbox, Spares};
use henhouse_proto::reader::{FrameReader, ReadBuffer};
use henhouse_proto::wire::frame::Body;

use super::dispatch::Dispatch;
use crate::fault::Closed;
use crate::limits::{CLOSE_TIMEOUT, ROUNDS_MAX, WRITE_BYTES_MAX};
use crate::outgoing::Tag;
use crate::shared::Shared;
use crate::source::Stream;

/// A stream to the broker, what is half read and what is half written.
pub(crate) struct Connection {
    stream: Stream,
    reader: FrameReader,
    buffer: ReadBuffer,
    /// What the session has taken from the senders and is writing.
    pub(super) writing: Outbox<Tag>,
    pub(super) spares: Spares<Tag>,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Connection {
        Connection {
            stream,
            reader: FrameReader::new(with_stamp(FRAME_BYTES_MAX)),
            buffer: ReadBuffer::new(),
            writing: Outbox::new(),
            spares: Spares::new(),
        }
    }

    /// Reads frames as long as this broker lets anybody send.
    pub(super) fn set_frame_bytes_max(&mut self, bytes_max: u32) {
        self.reader.set_bytes_max(with_stamp(bytes_max));
    }

    /// The broker's first frame.
    pub(super) async fn first(&mut self) -> io::Result<Option<Body>> {
        let invalid = |error: Box<dyn std::error::Error + Send + Sync>| {
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        loop {
            let frame = self.reader.next(&mut self.buffer);
            if let Some(frame) = frame.map_err(|error| invalid(error.into()))? {
                let frame = frame::decode(frame.into_bytes());
                return Ok(frame.map_err(|error| invalid(error.into()))?.body);
            }
            if poll_fn(|cx| self.poll_fill(cx)).await? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it closed the connection at once",
                ));
            }
        }
    }

    /// Talks until the connection ends, and says why it did.
    pub(super) async fn converse(&mut self, shared: &Shared) -> Closed {
        let end = tokio::select! {
            biased;
            end = poll_fn(|cx| self.poll(cx, shared)) => Some(end),
            () = async {
                shared.closing().await;
                tokio::time::sleep(CLOSE_TIMEOUT).await;
            } => None,
        };
        let goodbye_said = shared.outgoing.state().notes.goodbye_said;
        match end {
            // Both have said it, or the broker went while all of ours was with it.
            Some(Closed::ByBroker | Closed::Lost(_)) if goodbye_said && self.writing.is_empty() => {
                Closed::ByUs
            }
            Some(end) => end,
            None => Closed::Lost(format!("it did not say goodbye within {CLOSE_TIMEOUT:?}")),
        }
    }

    /// What has not left, once the connection has ended.
    pub(super) fn into_unsent(self) -> Outbox<Tag> {
        self.writing
    }

    fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Closed> {
        // Neither side waits for the other: our own broadcasts come back, and a broker that
        // cannot write to us may stop reading from us.
        for _ in 0..ROUNDS_MAX {
            let read = self.poll_read(cx, shared);
            if let Poll::Ready(Err(end)) = read {
                return Poll::Ready(end);
            }
            let wrote = self.poll_write(cx, shared);
            if let Poll::Ready(Err(end)) = wrote {
                return Poll::Ready(end);
            }
            if read.is_pending() && wrote.is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes once.
    fn poll_write(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Result<(), Closed>> {
        if self.writing.is_empty()
            && !shared
                .outgoing
                .take(cx, &mut self.writing, &mut self.spares)
        {
            return Poll::Pending;
        }
        let stream = Pin::new(&mut self.stream);
        let budget = WRITE_BYTES_MAX;
        let gone = |_| {};
        match ready!(
            self.writing
                .poll_write(cx, stream, budget, &mut self.spares, gone)
        ) {
            Ok(_) => {
                shared.outgoing.wrote(self.writing.waiting_bytes());
                Poll::Ready(Ok(()))
            }
            // The broker's last words may still be there to be read, and they say more than
            // this error; the end of the stream comes behind them.
            Err(error) => {
                self.drain_words(cx, shared)?;
                Poll::Ready(Err(lost(&error)))
            }
        }
    }

    /// Hands on what was read, or else reads once: behind the Welcome there may be more in the
    /// buffer already.
    fn poll_read(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Result<(), Closed>> {
        let waits = |cx: &mut Context<'_>| shared.outgoing.somebody_waits(cx);
        ready!(shared.backlog.poll_room(cx, waits));
        if self.hand_on(shared)? {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll_fill(cx)) {
            Ok(0) => Poll::Ready(Err(Closed::Lost("the stream has ended".to_owned()))),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(lost(&error))),
        }
    }

    /// Hands on the frames that have come whole; gives whether there was any.
    fn hand_on(&mut self, shared: &Shared) -> Result<bool, Closed> {
        let mut dispatch = Dispatch::new(shared, &mut self.writing, &mut self.spares);
        let mut any = false;
        let handed = loop {
            match self.reader.next(&mut self.buffer) {
                Ok(None) => break Ok(any),
                Ok(Some(frame)) => {
                    any = true;
                    if let Err(end) = dispatch.frame(frame) {
                        break Err(end);
                    }
                }
                Err(error) => break Err(super::dispatch::invalid(error)),
            }
        };
        dispatch.finish();
        handed
    }

    fn drain_words(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Result<(), Closed> {
        while let Poll::Ready(read) = self.poll_read(cx, shared) {
            read?;
        }
        Ok(())
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        self.reader.poll_fill(cx, stream, &mut self.buffer)
    }
}

fn with_stamp(bytes_max: u32) -> u32 {
    let stamp_bytes = u32::try_from(STAMP_BYTES_MAX).unwrap_or(u32::MAX);
    bytes_max.saturating_add(stamp_bytes)
}

fn lost(error: &io::Error) -> Closed {
    Closed::Lost(error.to_string())
}
