//! The bytes of an outbox, without knowing where frames begin.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::limits::{PREFIX_BYTES, STAMP_BYTES_MAX};

/// Copied frames are gathered in buffers of so many bytes. One write of 64 KiB carries five
/// hundred frames of 128 bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// Room for a stamp, and the prefix of the next frame.
const BESIDE_BYTES: usize = STAMP_BYTES_MAX + PREFIX_BYTES;

/// How many buffers a thread keeps for the next outbox that needs one.
const SPARES_MAX: usize = 32;

/// How many segments one vectored write takes.
const SLICES_MAX: usize = 64;

/// Empty buffers.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Vec<u8>>,
}

impl Chunks {
    fn take(&mut self) -> Vec<u8> {
        self.chunks
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES))
    }

    fn give(&mut self, mut chunk: Vec<u8>) {
        if chunk.capacity() == CHUNK_BYTES && self.chunks.len() < SPARES_MAX {
            chunk.clear();
            self.chunks.push(chunk);
        }
    }
}

#[derive(Debug)]
pub(super) enum Segment {
    Copied(Vec<u8>),
    Shared(Bytes),
}

impl Segment {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Segment::Copied(bytes) => bytes,
            Segment::Shared(bytes) => bytes,
        }
    }
}

/// A queue of bytes in segments: a part that was written but may be needed whole again, and a
/// part that waits.
#[derive(Debug)]
pub(super) struct Segments {
    list: VecDeque<Segment>,
    /// Segments that were released, so that one can be named by a number that stays.
    released: u64,
    /// Bytes at the front of the first segment that are released.
    front: usize,
    /// Where the part that waits begins: a segment in `list`, and a byte in it.
    next: (usize, usize),
}

impl Segments {
    pub(super) fn new() -> Segments {
        Segments {
            list: VecDeque::new(),
            released: 0,
            front: 0,
            next: (0, 0),
        }
    }

    /// Copies `pieces` behind everything else.
    #[inline]
    pub(super) fn copy<const N: usize>(&mut self, pieces: [&[u8]; N], spares: &mut Chunks) {
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if !self.has_room(length) {
            let chunk = if length <= CHUNK_BYTES {
                spares.take()
            } else {
                Vec::with_capacity(length)
            };
            self.list.push_back(Segment::Copied(chunk));
        }
        self.extend(pieces);
    }

    /// Copies a few bytes that belong to a shared segment. They get no long buffer: it would
    /// stay nearly empty, and cost more memory than anybody counts.
    pub(super) fn copy_beside(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if !self.has_room(piece.len()) {
            let chunk = Vec::with_capacity(BESIDE_BYTES.max(piece.len()));
            self.list.push_back(Segment::Copied(chunk));
        }
        self.extend([piece]);
    }

    #[inline]
    fn has_room(&self, length: usize) -> bool {
        matches!(self.list.back(),
            Some(Segment::Copied(chunk)) if chunk.capacity() - chunk.len() >= length)
    }

    #[inline]
    fn extend<const N: usize>(&mut self, pieces: [&[u8]; N]) {
        if let Some(Segment::Copied(chunk)) = self.list.back_mut() {
            for piece in pieces {
                chunk.extend_from_slice(piece);
            }
        }
    }

    /// Puts `bytes` behind everything else, in a segment of their own, and gives its number.
    pub(super) fn share(&mut self, bytes: Bytes) -> u64 {
        self.list.push_back(Segment::Shared(bytes));
        self.released + self.list.len() as u64 - 1
    }

    /// Replaces the segment with that number, of which nothing has been written.
    pub(super) fn replace(&mut self, number: u64, bytes: Bytes) {
        let index = super::index(number - self.released);
        self.list[index] = Segment::Shared(bytes);
    }

    /// The number that segment `number` of `other` will have once `other` is appended.
    pub(super) fn place_of(&self, other: &Segments, number: u64) -> u64 {
        number - other.released + self.released + self.list.len() as u64
    }

    /// Puts all of `other`, of which nothing has been written, behind everything else.
    pub(super) fn append(&mut self, other: Segments) {
        debug_assert_eq!(
            (other.front, other.next),
            (0, (0, 0)),
            "nothing has been written"
        );
        self.list.extend(other.list);
    }

    /// Writes once from the part that waits.
    pub(super) fn poll_write<S: AsyncWrite>(
        &self,
        cx: &mut Context<'_>,
        stream: Pin<&mut S>,
    ) -> Poll<io::Result<usize>> {
        let (index, offset) = self.next;
        let mut waiting = self.list.range(index..);
        let Some(first) = waiting.next() else {
            return Poll::Ready(Ok(0));
        };
        let first = &first.bytes()[offset..];
        // A segment may be written to its end and still be the first: its last frame goes on
        // in the next one.
        if (index + 1 == self.list.len() || !stream.is_write_vectored()) && !first.is_empty() {
            return stream.poll_write(cx, first);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        slices[0] = IoSlice::new(first);
        let mut count = 1;
        for segment in waiting.take(SLICES_MAX - 1) {
            slices[count] = IoSlice::new(segment.bytes());
            count += 1;
        }
        stream.poll_write_vectored(cx, &slices[..count])
    }

    /// Moves the beginning of the part that waits.
    pub(super) fn skip(&mut self, mut bytes: usize) {
        while let Some(segment) = self.list.get(self.next.0) {
            let rest = segment.bytes().len() - self.next.1;
            if bytes < rest {
                self.next.1 += bytes;
                return;
            }
            // The last segment stays the next one, so that more can be copied into it.
            if self.next.0 + 1 == self.list.len() {
                self.next.1 += rest;
                return;
            }
            bytes -= rest;
            self.next = (self.next.0 + 1, 0);
        }
    }

    /// Forgets `bytes` at the front, all of them written.
    pub(super) fn release(&mut self, bytes: usize, spares: &mut Chunks) {
        self.front += bytes;
        while let Some(segment) = self.list.front()
            && segment.bytes().len() <= self.front
        {
            self.front -= segment.bytes().len();
            self.released += 1;
            self.next = if self.next.0 == 0 {
                (0, 0)
            } else {
                (self.next.0 - 1, self.next.1)
            };
            if let Some(Segment::Copied(chunk)) = self.list.pop_front() {
                spares.give(chunk);
            }
        }
    }

    /// A copy of the first `length` bytes that are not released.
    pub(super) fn first(&self, length: usize) -> Bytes {
        let mut copy = BytesMut::with_capacity(length);
        let mut front = self.front;
        for segment in &self.list {
            let bytes = &segment.bytes()[front..];
            copy.extend_from_slice(&bytes[..bytes.len().min(length - copy.len())]);
            front = 0;
        }
        copy.freeze()
    }

    /// All bytes that are not released, segment by segment.
    pub(super) fn into_list(mut self) -> VecDeque<Segment> {
        if let Some(first) = self.list.front_mut() {
            match first {
                Segment::Copied(bytes) => drop(bytes.drain(..self.front)),
                Segment::Shared(bytes) => drop(bytes.split_to(self.front)),
            }
        }
        self.list
    }
}
