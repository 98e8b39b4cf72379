//! Short things that the session says between messages.

use henhouse_proto::wire::{self, frame::Body};

/// Short things to say. Of each only the newest counts, so that they need no queue.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Whether the program is ready, and whether this connection's broker knows.
    pub(crate) ready: bool,
    pub(crate) ready_said: bool,
    pub(crate) goodbye_said: bool,
    pub(crate) failing: Option<String>,
    pub(crate) beat: Option<u32>,
}

impl Notes {
    /// What is to be said now, in this order, behind the messages.
    pub(super) fn take(&mut self, closing: bool) -> impl Iterator<Item = Body> + use<> {
        let ready = (self.ready && !self.ready_said).then_some(Body::Ready(wire::Ready {}));
        self.ready_said |= ready.is_some();
        let failing = self.failing.take();
        let failing = failing.map(|reason| Body::Failing(wire::Failing { reason }));
        let beat = self.beat.take();
        let beat = beat.map(|active| Body::Beat(wire::Beat { active }));
        let goodbye = (closing && !self.goodbye_said).then_some(Body::Goodbye(wire::Goodbye {}));
        self.goodbye_said |= goodbye.is_some();
        [ready, failing, beat, goodbye].into_iter().flatten()
    }
}
