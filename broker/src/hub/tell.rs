//! What the broker itself has to say to a process.

use std::time::Instant;

use henhouse_proto::frame;
use henhouse_proto::limits::PREFIX_BYTES;
use henhouse_proto::outbox::Outbox;
use henhouse_proto::wire;

use super::Hub;
use super::admission::Fatal;
use super::lane::Ending;
use super::origin::Origin;
use super::refusal::Refusal;
use crate::limits::{LAST_FRAME, RESERVE_BYTES};
use crate::roster::Key;

impl Hub {
    /// Ends a connection with a fatal fault.
    pub(super) fn end(&mut self, key: Key, fatal: Fatal, now: Instant) {
        if self.roster.get(key).is_none() {
            return;
        }
        self.counters.count(fatal.code);
        let connection = self.lanes[key].connection;
        tracing::info!(connection, pid = self.lanes[key].pid, code = ?fatal.code, "{}", fatal.detail);
        self.leave(key, false, now);
        self.last_frame(key, wire::frame::Body::Fault(fatal.into_fault()), now);
    }

    /// Says the last thing to a process that is in the roster no more.
    pub(super) fn last_frame(&mut self, key: Key, body: wire::frame::Body, now: Instant) {
        self.tell(key, body);
        if self.lanes[key].ending == Ending::No {
            self.endings += 1;
        }
        self.lanes[key].ending = Ending::LastFrame(now + LAST_FRAME);
    }

    /// One of the broker's own frames, where the last one was not said yet.
    pub(super) fn tell(&mut self, key: Key, body: wire::frame::Body) {
        if matches!(self.lanes[key].ending, Ending::LastFrame(_)) || self.lanes[key].is_deaf() {
            return;
        }
        let bytes = frame::encode(body);
        let cost = Outbox::<Origin>::cost(bytes.len() - PREFIX_BYTES);
        let lane = &mut self.lanes[key];
        lane.outbox
            .push_encoded(&bytes, Origin::Broker { bytes: cost }, &mut self.spares);
        lane.own_bytes += cost;
        self.waiting_bytes += cost;
        self.mark(key);
    }

    /// Tells a sender that a message was refused, or remembers to.
    pub(super) fn refuse(&mut self, key: Key, refusal: Refusal) {
        self.counters.count(refusal.code);
        let lane = &mut self.lanes[key];
        if lane.is_deaf() {
            return;
        }
        if lane.owed.is_empty() && lane.own_bytes < RESERVE_BYTES {
            let fault = refusal.fault(1, &self.limits);
            return self.tell(key, wire::frame::Body::Fault(fault));
        }
        match lane.owed.back_mut() {
            // Without an id one fault can speak for many messages.
            Some((last, count)) if *last == refusal && refusal.id == 0 => *count += 1,
            _ => {
                lane.owed.push_back((refusal, 1));
                self.waiting_bytes += Refusal::COST_BYTES;
            }
        }
    }

    /// Tells all that was remembered: it is the last occasion.
    pub(super) fn pay_all_owed(&mut self, key: Key) {
        while let Some((refusal, count)) = self.lanes[key].owed.pop_front() {
            self.waiting_bytes -= Refusal::COST_BYTES;
            let fault = refusal.fault(count, &self.limits);
            self.tell(key, wire::frame::Body::Fault(fault));
        }
    }

    /// Tells what was remembered, as far as there is room.
    pub(super) fn pay_owed(&mut self, key: Key) {
        while self.lanes[key].own_bytes < RESERVE_BYTES / 2
            && let Some((refusal, count)) = self.lanes[key].owed.pop_front()
        {
            self.waiting_bytes -= Refusal::COST_BYTES;
            let fault = refusal.fault(count, &self.limits);
            self.tell(key, wire::frame::Body::Fault(fault));
        }
    }
}
