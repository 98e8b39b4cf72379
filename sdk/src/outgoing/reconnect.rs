//! What waits between one connection and the next.

use std::collections::HashSet;

use bytes::Bytes;
use henhouse_proto::limits::PREFIX_BYTES;
use henhouse_proto::outbox::Outbox;
use henhouse_proto::wire;

use super::{Outgoing, State, Tag};
use crate::fault::Closed;
use crate::identity::Identity;
use crate::open::Answer;

impl Outgoing {
    /// After the connection broke: keeps what had not left, for the next one, and tells those
    /// whose message had.
    pub(crate) fn keep_unsent(&self, writing: Outbox<Tag>) {
        let mut state = self.state();
        state.identity.epoch += 1;
        state.notes.ready_said = false;
        let staged = std::mem::take(&mut state.staged);
        let mut kept = HashSet::new();
        for (frame, tag) in writing.into_frames().chain(staged.into_frames()) {
            if let Tag::Message(id) = tag {
                kept.insert(id);
                state.keep(frame, tag);
            }
        }
        state.open.lose_all_but(&kept);
        state.writing_bytes = 0;
    }

    /// Goes on with a new connection. Its broker may take less than the one before: what it
    /// would end the connection for is not sent.
    pub(crate) fn welcome(&self, welcome: wire::Welcome) {
        let mut state = self.state();
        let epoch = state.identity.epoch;
        state.identity = Identity::from_wire(welcome, epoch);
        let bytes_max = state.identity.frame_bytes_max;
        for (frame, tag) in std::mem::take(&mut state.staged).into_frames() {
            let bytes = frame.len() - PREFIX_BYTES;
            if bytes <= bytes_max {
                state.keep(frame, tag);
                continue;
            }
            tracing::error!(
                bytes,
                bytes_max,
                "a message is too long for the next broker"
            );
            if let Tag::Message(id) = tag
                && let Some(waiting) = state.open.take(id)
            {
                // One who has stopped waiting need not hear it.
                let _ = waiting.send(Answer::Lost);
            }
        }
    }

    /// How a messenger ends that is closed while it has no connection.
    pub(crate) fn end_without_broker(&self) -> Closed {
        match self.state().staged.len() {
            0 => Closed::ByUs,
            unsent => Closed::Lost(format!(
                "it was not back, and {unsent} messages were not sent"
            )),
        }
    }
}

impl State {
    fn keep(&mut self, frame: Bytes, tag: Tag) {
        self.staged
            .push_shared(frame.slice(PREFIX_BYTES..), &[], tag, &mut self.spares);
    }
}
