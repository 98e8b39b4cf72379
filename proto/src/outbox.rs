//! The half of a connection that writes: bytes that wait for one receiver, counted.
//!
//! Small frames are copied into one long buffer, since a system call per frame costs far more
//! than the copy; long ones are shared by reference and gathered by a vectored write. Each
//! frame keeps a tag, so that what has not left can be told apart, sent elsewhere or refused.

mod frames;
mod segments;
mod spares;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

pub use self::frames::Frames;
use self::segments::Segments;
pub use self::spares::Spares;
use crate::limits::PREFIX_BYTES;

/// From so many bytes on a frame is shared and not copied. Measured: at 128 bytes copying is
/// two to three times as fast, at 8 KiB sharing is; they meet between 1 and 2 KiB.
pub const SHARE_FROM_BYTES: usize = 2 << 10;

/// What a frame costs beyond its bytes, counted so that a flood of tiny frames has a bound too.
pub const FRAME_OVERHEAD_BYTES: usize = 48;

/// Frames that wait for one receiver, in order, each with a tag.
#[derive(Debug)]
pub struct Outbox<T> {
    segments: Segments,
    entries: VecDeque<Entry<T>>,
    /// Entries that have left, so that an entry can be named by a number that stays.
    left: u64,
    /// How much of the first entry has been written.
    written: usize,
    /// Bytes of all entries, each whole until it has left.
    bytes: usize,
    /// The one frame that a newer one may replace: its entry, and the segment it has to itself.
    latest: Option<Latest>,
}

#[derive(Debug)]
struct Entry<T> {
    bytes: usize,
    tag: T,
}

#[derive(Debug, Clone, Copy)]
struct Latest {
    entry: u64,
    segment: u64,
}

impl<T> Default for Outbox<T> {
    fn default() -> Outbox<T> {
        Outbox::new()
    }
}

impl<T> Outbox<T> {
    /// An empty outbox; it holds no memory.
    pub fn new() -> Outbox<T> {
        Outbox {
            segments: Segments::new(),
            entries: VecDeque::new(),
            left: 0,
            written: 0,
            bytes: 0,
            latest: None,
        }
    }

    /// How many bytes of frames wait, and what keeping them costs. A frame counts whole until
    /// its last byte is written.
    pub fn waiting_bytes(&self) -> usize {
        self.bytes + self.entries.len() * FRAME_OVERHEAD_BYTES
    }

    /// What a frame of `length` bytes (without its prefix, with its stamp) adds to
    /// [`waiting_bytes`](Outbox::waiting_bytes).
    pub fn cost(length: usize) -> usize {
        PREFIX_BYTES + length + FRAME_OVERHEAD_BYTES
    }

    /// How many frames wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a frame by copying it: `body` without a prefix, and `stamp` behind it.
    #[inline]
    pub fn push(&mut self, body: &[u8], stamp: &[u8], tag: T, spares: &mut Spares<T>) {
        self.segments.copy(
            [&prefix(body.len() + stamp.len()), body, stamp],
            &mut spares.chunks,
        );
        spares.lengthen(&mut self.entries);
        self.entry(body.len() + stamp.len(), tag);
    }

    /// Adds a frame by sharing `body`; short ones are copied all the same.
    pub fn push_shared(&mut self, body: Bytes, stamp: &[u8], tag: T, spares: &mut Spares<T>) {
        if body.len() < SHARE_FROM_BYTES {
            return self.push(&body, stamp, tag, spares);
        }
        let length = body.len() + stamp.len();
        self.segments.copy_beside(&prefix(length));
        self.segments.share(body);
        self.segments.copy_beside(stamp);
        spares.lengthen(&mut self.entries);
        self.entry(length, tag);
    }

    /// Adds a frame in two parts: `head`, without a prefix, is copied, and `data` behind it is
    /// shared where it is long.
    pub fn push_parts(&mut self, head: &[u8], data: Bytes, tag: T, spares: &mut Spares<T>) {
        if data.len() < SHARE_FROM_BYTES {
            return self.push(head, &data, tag, spares);
        }
        let length = head.len() + data.len();
        self.segments
            .copy([&prefix(length), head], &mut spares.chunks);
        self.segments.share(data);
        spares.lengthen(&mut self.entries);
        self.entry(length, tag);
    }

    /// Adds a frame with its prefix, as [`crate::frame::encode`] makes it.
    pub fn push_encoded(&mut self, frame: &[u8], tag: T, spares: &mut Spares<T>) {
        self.segments.copy([frame], &mut spares.chunks);
        spares.lengthen(&mut self.entries);
        self.entry(frame.len() - PREFIX_BYTES, tag);
    }

    /// Adds a frame with its prefix that takes the place of the last one added so, where that
    /// has not begun to leave. At most one such frame waits at any time, but for the one that
    /// is being written.
    pub fn push_latest(&mut self, frame: Bytes, tag: T) {
        let begun = |latest: Latest| {
            latest.entry < self.left || (latest.entry == self.left && self.written > 0)
        };
        let length = frame.len() - PREFIX_BYTES;
        match self.latest.filter(|latest| !begun(*latest)) {
            Some(latest) => {
                let entry = &mut self.entries[index(latest.entry - self.left)];
                self.bytes = self.bytes - entry.bytes + frame.len();
                *entry = Entry {
                    bytes: frame.len(),
                    tag,
                };
                self.segments.replace(latest.segment, frame);
            }
            None => {
                let segment = self.segments.share(frame);
                self.latest = Some(Latest {
                    entry: self.left + self.entries.len() as u64,
                    segment,
                });
                self.entry(length, tag);
            }
        }
    }

    /// Adds all that waits in `other`, behind what waits here.
    ///
    /// # Panics
    ///
    /// Where the first frame of `other` has begun to leave.
    pub fn append(&mut self, other: Outbox<T>) {
        assert_eq!(other.written, 0, "half a frame cannot change its receiver");
        self.bytes += other.bytes;
        if self.latest.is_none() {
            self.latest = other.latest.map(|latest| Latest {
                entry: latest.entry - other.left + self.left + self.entries.len() as u64,
                segment: self.segments.place_of(&other.segments, latest.segment),
            });
        }
        self.segments.append(other.segments);
        self.entries.extend(other.entries);
    }

    /// Writes until everything has left, `stream` takes no more, or `budget` bytes are written,
    /// and hands each tag whose frame has left to `gone`. Gives the number of bytes written;
    /// 0 where nothing waits.
    ///
    /// # Cancel safety
    ///
    /// It is a poll function: a frame written in part goes on where it stopped.
    pub fn poll_write<S: AsyncWrite>(
        &mut self,
        cx: &mut Context<'_>,
        mut stream: Pin<&mut S>,
        budget: usize,
        spares: &mut Spares<T>,
        mut gone: impl FnMut(T),
    ) -> Poll<io::Result<usize>> {
        let mut total = 0;
        while !self.entries.is_empty() && total < budget {
            let wrote = match self.segments.poll_write(cx, stream.as_mut()) {
                Poll::Ready(wrote) => wrote?,
                Poll::Pending if total > 0 => break,
                Poll::Pending => return Poll::Pending,
            };
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            total += wrote;
            self.advance(wrote, spares, &mut gone);
        }
        ready!(stream.poll_flush(cx))?;
        Poll::Ready(Ok(total))
    }

    /// Whether a frame has been written in part.
    pub fn is_mid_frame(&self) -> bool {
        self.written > 0
    }

    /// The tags of all frames that wait, in order.
    pub fn tags(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.tag)
    }

    /// A copy of the first frame, whole, with its prefix.
    pub fn first_frame(&self) -> Option<(Bytes, T)>
    where
        T: Clone,
    {
        let entry = self.entries.front()?;
        Some((self.segments.first(entry.bytes), entry.tag.clone()))
    }

    /// Takes out all frames but the one that has begun to leave, if there is one: what is left
    /// behind keeps the stream's framing whole.
    pub fn take_unwritten(&mut self) -> Frames<T> {
        let mut all = Frames::of(std::mem::take(self));
        if all.written > 0
            && let Some((bytes, tag)) = all.next()
        {
            let written = all.written;
            self.segments.share(bytes.clone());
            self.segments.skip(written);
            self.entry(bytes.len() - PREFIX_BYTES, tag);
            self.written = written;
        }
        all.written = 0;
        all
    }

    /// Takes out all frames, whole, the one that has begun to leave too: for a stream that has
    /// ended.
    pub fn into_frames(self) -> Frames<T> {
        Frames::of(self)
    }

    #[inline]
    fn entry(&mut self, length: usize, tag: T) {
        let bytes = PREFIX_BYTES + length;
        self.bytes += bytes;
        self.entries.push_back(Entry { bytes, tag });
    }

    fn advance(&mut self, wrote: usize, spares: &mut Spares<T>, gone: &mut impl FnMut(T)) {
        self.segments.skip(wrote);
        self.written += wrote;
        let mut done = 0;
        while let Some(entry) = self.entries.front()
            && entry.bytes <= self.written
        {
            self.written -= entry.bytes;
            done += entry.bytes;
            self.left += 1;
            if let Some(entry) = self.entries.pop_front() {
                gone(entry.tag);
            }
        }
        self.bytes -= done;
        // What belongs to a frame that has not wholly left is kept: its receiver may die.
        self.segments.release(done, &mut spares.chunks);
        if self.entries.is_empty() {
            spares.take_back(&mut self.entries);
        }
    }
}

fn prefix(length: usize) -> [u8; PREFIX_BYTES] {
    u32::try_from(length)
        .expect("no frame reaches 4 GiB")
        .to_be_bytes()
}

fn index(distance: u64) -> usize {
    usize::try_from(distance).expect("an entry that waits is in memory")
}

#[cfg(test)]
mod tests;
