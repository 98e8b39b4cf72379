//! An outbox taken apart: its frames one by one.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::segments::Segment;
use super::{Entry, Outbox};

/// The frames of an outbox that has no receiver any more, in order, each whole with its
/// prefix and stamp, and with its tag.
#[derive(Debug)]
pub struct Frames<T> {
    segments: VecDeque<Bytes>,
    entries: VecDeque<Entry<T>>,
    pub(super) written: usize,
}

impl<T> Frames<T> {
    pub(super) fn of(outbox: Outbox<T>) -> Frames<T> {
        let bytes = |segment| match segment {
            Segment::Copied(bytes) => Bytes::from(bytes),
            Segment::Shared(bytes) => bytes,
        };
        Frames {
            segments: outbox.segments.into_list().into_iter().map(bytes).collect(),
            entries: outbox.entries,
            written: outbox.written,
        }
    }

    /// How many frames are left.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn take(&mut self, length: usize) -> Bytes {
        while self.segments.front().is_some_and(Bytes::is_empty) {
            self.segments.pop_front();
        }
        if let Some(first) = self.segments.front_mut()
            && first.len() >= length
        {
            return first.split_to(length);
        }
        let mut whole = BytesMut::with_capacity(length);
        while whole.len() < length {
            let Some(mut first) = self.segments.pop_front() else {
                break;
            };
            let part = first.split_to(first.len().min(length - whole.len()));
            whole.extend_from_slice(&part);
            if !first.is_empty() {
                self.segments.push_front(first);
            }
        }
        whole.freeze()
    }
}

impl<T> Iterator for Frames<T> {
    type Item = (Bytes, T);

    fn next(&mut self) -> Option<(Bytes, T)> {
        let entry = self.entries.pop_front()?;
        Some((self.take(entry.bytes), entry.tag))
    }
}
