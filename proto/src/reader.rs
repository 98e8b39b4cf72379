//! The half of a connection that reads: many frames per read, and memory that grows with what
//! arrives and not with what a length claims.

use std::io;
use std::ops::{Deref, Range};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use crate::limits::{PREFIX_BYTES, READ_BYTES_MAX};

/// Where one reader at a time reads into.
///
/// A broker lends a single one to all its connections in turn, so that an idle connection
/// holds no buffer at all.
#[derive(Debug)]
pub struct ReadBuffer {
    bytes: Box<[u8]>,
    filled: Range<usize>,
}

impl ReadBuffer {
    /// An empty buffer of [`READ_BYTES_MAX`] bytes.
    pub fn new() -> ReadBuffer {
        ReadBuffer {
            bytes: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            filled: 0..0,
        }
    }

    #[inline]
    fn unread(&self) -> &[u8] {
        &self.bytes[self.filled.clone()]
    }

    /// Moves what is unread to the front, so that all the room is behind it.
    fn compact(&mut self) {
        let length = self.filled.len();
        self.bytes.copy_within(self.filled.clone(), 0);
        self.filled = 0..length;
    }
}

impl Default for ReadBuffer {
    fn default() -> ReadBuffer {
        ReadBuffer::new()
    }
}

/// One frame without its length prefix.
#[derive(Debug)]
pub enum Frame<'a> {
    /// In the buffer it was read into, among others.
    Borrowed(&'a [u8]),
    /// Too long for that, and alone in memory of its own: to keep it costs nothing more.
    Owned(Bytes),
}

impl Frame<'_> {
    /// A part of the frame's bytes, to keep. It shares the memory of a frame that has memory of
    /// its own.
    ///
    /// # Panics
    ///
    /// Where `part` is not in this frame.
    pub fn part(&self, part: &[u8]) -> Bytes {
        match self {
            Frame::Borrowed(_) => Bytes::copy_from_slice(part),
            Frame::Owned(bytes) => bytes.slice_ref(part),
        }
    }

    /// The frame's bytes, to keep.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Frame::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Frame::Owned(bytes) => bytes,
        }
    }
}

impl Deref for Frame<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Frame::Borrowed(bytes) => bytes,
            Frame::Owned(bytes) => bytes,
        }
    }
}

/// A frame that is longer than this connection may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {claimed} bytes; at most {bytes_max} are allowed")]
pub struct TooLarge {
    /// What its length prefix says.
    pub claimed: u32,
    /// What is allowed.
    pub bytes_max: u32,
}

/// What one connection has half received.
///
/// In turns: [`lend`](FrameReader::lend) it a buffer, take each [`next`](FrameReader::next)
/// frame, [`poll_fill`](FrameReader::poll_fill) for more, and [`keep`](FrameReader::keep) what
/// is left when the buffer goes to somebody else.
#[derive(Debug)]
pub struct FrameReader {
    bytes_max: u32,
    kept: BytesMut,
    /// The length of the long frame that `kept` collects, prefix included; 0 for none.
    long: usize,
    /// The length of the longest that has come whole: a claim of as much is believed.
    proven: usize,
}

impl FrameReader {
    /// A reader that refuses frames longer than `bytes_max`.
    pub fn new(bytes_max: u32) -> FrameReader {
        FrameReader {
            bytes_max,
            kept: BytesMut::new(),
            long: 0,
            proven: 0,
        }
    }

    /// Refuses frames longer than `bytes_max` from now on.
    pub fn set_bytes_max(&mut self, bytes_max: u32) {
        self.bytes_max = bytes_max;
    }

    /// How many bytes of memory it holds between two turns.
    pub fn held_bytes(&self) -> usize {
        self.kept.capacity()
    }

    /// Begins a turn: what was kept goes to the front of `buffer`.
    pub fn lend(&mut self, buffer: &mut ReadBuffer) {
        buffer.filled = 0..0;
        if self.long == 0 && !self.kept.is_empty() {
            let length = self.kept.len();
            buffer.bytes[..length].copy_from_slice(&self.kept);
            buffer.filled = 0..length;
            self.kept = BytesMut::new();
        }
    }

    /// Ends a turn: what is left in `buffer` is kept.
    pub fn keep(&mut self, buffer: &mut ReadBuffer) {
        if !buffer.filled.is_empty() {
            // At most a buffer's worth, since a long frame has moved out of it.
            self.kept = BytesMut::from(buffer.unread());
            buffer.filled = 0..0;
        }
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    ///
    /// Where the next frame is too large. Nothing can be read from this connection after that.
    #[inline]
    pub fn next<'a>(&mut self, buffer: &'a mut ReadBuffer) -> Result<Option<Frame<'a>>, TooLarge> {
        if self.long > 0 {
            return Ok(self.take_long());
        }
        let Some((prefix, rest)) = buffer.unread().split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let claimed = u32::from_be_bytes(*prefix);
        if claimed > self.bytes_max {
            return Err(TooLarge {
                claimed,
                bytes_max: self.bytes_max,
            });
        }
        let length = claimed as usize;
        if length <= rest.len() {
            let start = buffer.filled.start + PREFIX_BYTES;
            buffer.filled.start = start + length;
            return Ok(Some(Frame::Borrowed(&buffer.bytes[start..start + length])));
        }
        self.begin(PREFIX_BYTES + length, buffer);
        Ok(None)
    }

    /// What is in `buffer` is the beginning of a frame of `length` bytes, and all there is.
    #[cold]
    fn begin(&mut self, length: usize, buffer: &mut ReadBuffer) {
        if length > buffer.bytes.len() / 2 {
            self.long = length;
            self.kept = BytesMut::with_capacity(length.min(self.proven.max(buffer.filled.len())));
            self.kept.extend_from_slice(buffer.unread());
            buffer.filled = 0..0;
        }
    }

    /// Reads once. `Ok(0)` is the end of the stream.
    ///
    /// To be called when [`next`](FrameReader::next) has nothing more.
    ///
    /// # Cancel safety
    ///
    /// It is a poll function: what was read is in `buffer` or kept, never lost.
    pub fn poll_fill<S: AsyncRead>(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut S>,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<usize>> {
        if self.long > 0 {
            return self.poll_fill_long(cx, stream);
        }
        if buffer.filled.start > 0 {
            buffer.compact();
        }
        let mut room = ReadBuf::new(&mut buffer.bytes[buffer.filled.end..]);
        ready!(stream.poll_read(cx, &mut room))?;
        let read = room.filled().len();
        buffer.filled.end += read;
        Poll::Ready(Ok(read))
    }

    fn poll_fill_long<S: AsyncRead>(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut S>,
    ) -> Poll<io::Result<usize>> {
        let missing = self.long - self.kept.len();
        if self.kept.capacity() == self.kept.len() {
            // Twice what has come, and never more than what is to come: a claim alone buys nothing.
            let growth = self.kept.len().max(READ_BYTES_MAX);
            self.kept.reserve(missing.min(growth));
        }
        let mut room = (&mut self.kept).limit(missing);
        tokio_util::io::poll_read_buf(stream, cx, &mut room)
    }

    fn take_long(&mut self) -> Option<Frame<'static>> {
        if self.kept.len() < self.long {
            return None;
        }
        self.proven = self.proven.max(self.long);
        self.long = 0;
        let mut frame = std::mem::take(&mut self.kept).freeze();
        frame.advance(PREFIX_BYTES);
        Some(Frame::Owned(frame))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;

    use super::*;

    /// Feeds `pieces` one read at a time, ends every turn, and returns the frames' bytes.
    fn read_all(bytes_max: u32, pieces: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, TooLarge> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut reader = FrameReader::new(bytes_max);
            let mut buffer = ReadBuffer::new();
            let mut frames = Vec::new();
            for piece in pieces {
                let mut piece = &piece[..];
                while !piece.is_empty() {
                    reader.lend(&mut buffer);
                    poll_fn(|cx| reader.poll_fill(cx, Pin::new(&mut piece), &mut buffer))
                        .await
                        .unwrap();
                    while let Some(frame) = reader.next(&mut buffer)? {
                        frames.push(frame.to_vec());
                    }
                    reader.keep(&mut buffer);
                }
            }
            assert_eq!(reader.kept.len(), 0, "bytes are left over");
            Ok(frames)
        })
    }

    fn on_the_wire(frames: &[Vec<u8>]) -> Vec<u8> {
        let prefixed = |frame: &Vec<u8>| {
            [
                &u32::try_from(frame.len()).unwrap().to_be_bytes()[..],
                frame,
            ]
            .concat()
        };
        frames.iter().flat_map(prefixed).collect()
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            lengths in prop::collection::vec(prop_oneof![0..300usize, 30_000..200_000usize], 0..8),
            cuts in prop::collection::vec(1..70_000usize, 0..30),
        ) {
            let frames: Vec<Vec<u8>> =
                lengths.iter().map(|length| (0..*length).map(|n| (n % 251) as u8).collect()).collect();
            let mut rest = on_the_wire(&frames);
            let mut pieces = Vec::new();
            for cut in cuts {
                let behind = rest.split_off(cut.min(rest.len()));
                pieces.push(std::mem::replace(&mut rest, behind));
            }
            pieces.push(rest);
            prop_assert_eq!(read_all(1 << 20, &pieces).unwrap(), frames);
        }
    }

    #[test]
    fn a_frame_of_the_allowed_length_passes_and_one_byte_more_does_not() {
        let frames = [vec![7; 100]];
        assert_eq!(read_all(100, &[on_the_wire(&frames)]).unwrap(), frames);
        let refused = read_all(99, &[on_the_wire(&frames)]);
        assert_eq!(
            refused,
            Err(TooLarge {
                claimed: 100,
                bytes_max: 99
            })
        );
    }

    #[test]
    fn a_length_is_read_as_unsigned() {
        let refused = read_all(1 << 20, &[vec![0xff; 4]]);
        assert_eq!(
            refused,
            Err(TooLarge {
                claimed: u32::MAX,
                bytes_max: 1 << 20
            })
        );
    }

    #[test]
    fn a_claim_of_many_bytes_takes_no_memory() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut reader = FrameReader::new(u32::MAX);
            let mut buffer = ReadBuffer::new();
            let claim = [&(1u32 << 31).to_be_bytes()[..], &[1; 10]].concat();
            let mut claim = &claim[..];
            for _ in 0..2 {
                reader.lend(&mut buffer);
                poll_fn(|cx| reader.poll_fill(cx, Pin::new(&mut claim), &mut buffer))
                    .await
                    .unwrap();
                assert!(reader.next(&mut buffer).unwrap().is_none());
                reader.keep(&mut buffer);
            }
            assert!(
                reader.held_bytes() <= 2 * READ_BYTES_MAX,
                "{}",
                reader.held_bytes()
            );
        });
    }

    #[test]
    fn whoever_has_sent_a_long_frame_gets_room_for_another_one_at_once() {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let (mut reader, mut buffer) = (FrameReader::new(1 << 20), ReadBuffer::new());
        let bytes = on_the_wire(&[vec![1; 500_000], vec![2; 500_000]]);
        let mut held = Vec::new();
        reader.lend(&mut buffer);
        for mut piece in bytes.chunks(10_000) {
            while !piece.is_empty() {
                let filled = reader.poll_fill(&mut context, Pin::new(&mut piece), &mut buffer);
                assert!(filled.is_ready(), "a slice is always ready");
                while reader.next(&mut buffer).unwrap().is_some() {}
                held.push(reader.held_bytes());
            }
        }
        // Each frame's memory goes with it.
        let mut frames = held.split(|held| *held == 0);
        let (first, second) = (frames.next().unwrap(), frames.next().unwrap());
        let sizes = |held: &[usize]| {
            let mut sizes = held.to_vec();
            sizes.dedup();
            sizes.len()
        };
        assert!(sizes(first) > 2, "{first:?}");
        assert_eq!(sizes(second), 1, "{second:?}");
    }

    #[test]
    fn an_idle_reader_holds_nothing() {
        let frames = [vec![1; 60_000], vec![2; 10]];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut reader = FrameReader::new(1 << 20);
            let mut buffer = ReadBuffer::new();
            let bytes = on_the_wire(&frames);
            let mut bytes = &bytes[..];
            while !bytes.is_empty() {
                reader.lend(&mut buffer);
                poll_fn(|cx| reader.poll_fill(cx, Pin::new(&mut bytes), &mut buffer))
                    .await
                    .unwrap();
                while reader.next(&mut buffer).unwrap().is_some() {}
                reader.keep(&mut buffer);
            }
            assert_eq!(reader.held_bytes(), 0);
        });
    }
}
