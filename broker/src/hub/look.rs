//! What becomes due with time: requests, waits in vain, stuck receivers, pings, news.

use std::time::Instant;

use henhouse_proto::wire::{self, Code};

use super::Hub;
use super::admission::Fatal;
use super::lane::{Ending, Gate, Lane};
use super::origin::Place;
use super::payload::Found;
use super::refusal::Cause;
use super::seat::BrokerEvent;
use crate::limits::{LOOK_EVERY, PING_AFTER};
use crate::roster::Key;

impl Hub {
    /// When to [`look`](Hub::look) next, if nothing happens before.
    pub(crate) fn next_look(&self, now: Instant) -> Option<Instant> {
        let clocks_run = self.waiting_bytes > 0 || !self.blocked.is_empty() || self.endings > 0;
        let clocks = clocks_run.then(|| now + LOOK_EVERY);
        let pings = (!self.lanes.is_empty()).then(|| now + PING_AFTER / 8);
        let boot = self.boot.deadline.filter(|_| !self.boot.done);
        [
            clocks,
            pings,
            boot,
            self.pids_due,
            self.requests.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub(crate) fn look(&mut self, now: Instant) {
        while let Some(request) = self.requests.expired(now) {
            self.end_requests(vec![request], Code::TimedOut, Cause::TimedOut);
        }
        self.look_at_boot_deadline(now);
        if self.pids_due.is_some_and(|due| due <= now) {
            self.tell_pids();
        }
        self.look_at_gates(now);
        self.look_at_receiving(now);
        if self.short_of_memory {
            self.release_all(now);
        }
        let keys: Vec<Key> = self.lanes.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.look_at_lane(key, now);
        }
    }

    fn look_at_boot_deadline(&mut self, now: Instant) {
        if self.boot.done || self.boot.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        let mut missing: Vec<String> = self
            .mail
            .missing()
            .map(|index| format!("worker {index}"))
            .collect();
        if self.boot.agent
            && !self
                .roster
                .agent()
                .is_some_and(|agent| self.lanes[agent].ready)
        {
            missing.insert(0, "the agent".into());
        }
        tracing::warn!(
            "not ready in time: {}; going on without",
            missing.join(", ")
        );
        self.finish_boot(now);
    }

    /// Refuses what waits for a receiver that has taken nothing for too long.
    fn look_at_gates(&mut self, now: Instant) {
        let mut overdue: Vec<(Key, Place)> = Vec::new();
        for from in self.blocked.clone() {
            let Some(blocked) = &self.lanes[from].blocked else {
                continue;
            };
            let (since, places) = (blocked.since, blocked.remaining.clone());
            for (place, _) in places {
                let send_timeout = self.limits.send_timeout;
                let Some(gate) = self.gate(place) else {
                    continue;
                };
                if now.saturating_duration_since(gate.moved_at.max(since)) >= send_timeout {
                    gate.refusing = true;
                    overdue.push((from, place));
                }
            }
        }
        for (from, place) in overdue {
            if let Some(gate) = self.gate(place) {
                gate.waiters.retain(|waiter| *waiter != from);
            }
            self.found(from, place, Found::Refused, now);
            // A smaller one that stands behind it may find room.
            self.release(place, now);
        }
    }

    fn look_at_lane(&mut self, key: Key, now: Instant) {
        if let (Some(active), Some(_)) = (self.lanes[key].beat, &self.lanes[key].blocked) {
            // Its beats are not read while it is held back, and no watchdog is to bite it for
            // that.
            self.beat(key, active);
        }
        if self.lanes[key].blocked.is_some() {
            // It is not read, and only its session can see whether it is still there.
            self.mark(key);
        }
        let lane = &mut self.lanes[key];
        if let Ending::LastFrame(deadline) = lane.ending {
            if deadline <= now {
                self.mark(key);
            }
            return;
        }
        if lane.message_bytes() <= self.limits.outbox_bytes_max / 2 {
            lane.clocks.low(now);
        }
        if lane.outbox.is_empty() {
            lane.clocks.took(now);
        }
        let (idle, high) = (lane.clocks.idle(now), lane.clocks.high(now));
        let stall = self.limits.stall;
        if lane.ready && (idle >= stall || high >= 3 * stall) {
            let how = if idle >= stall {
                format!("took nothing for {stall:?}")
            } else {
                format!("kept its outbox over half full for {:?}", 3 * stall)
            };
            return self.cut(key, &how, now);
        }
        if now.saturating_duration_since(lane.heard_at) >= PING_AFTER && !lane.pinged {
            lane.pinged = true;
            self.tell(key, wire::frame::Body::Ping(wire::Ping { nonce: 0 }));
        }
    }

    /// Ends a receiver that would keep others waiting for ever.
    fn cut(&mut self, key: Key, how: &str, now: Instant) {
        let incarnation = self.roster.get(key).map_or(0, |member| member.incarnation);
        self.event(BrokerEvent::Stuck { incarnation });
        self.counters.stuck += 1;
        let detail = format!("this process {how} while messages waited for it; read all the time");
        self.end(key, Fatal::new(Code::Undeliverable, detail), now);
    }

    /// A receiver took something.
    pub(super) fn took(&mut self, key: Key, now: Instant) {
        let lane = &mut self.lanes[key];
        lane.clocks.took(now);
        if lane.message_bytes() <= self.limits.outbox_bytes_max / 2 {
            lane.clocks.low(now);
        }
        lane.gate.moved_at = now;
        lane.gate.refusing = false;
        let Gate { waiters, .. } = &lane.gate;
        let (wanted, owed) = (!waiters.is_empty(), !lane.owed.is_empty());
        self.caught_up(key);
        if owed {
            self.pay_owed(key);
        }
        if wanted {
            self.release(Place::Lane(key), now);
        }
        if self.short_of_memory {
            self.release_all(now);
        }
    }

    /// Whether there is memory for more of a half-received frame.
    pub(super) fn may_receive(&self, key: Key) -> bool {
        self.lanes[key].receiving_bytes == 0
            || !self.is_crowded()
            || self.favoured.is_some_and(|(favoured, _)| favoured == key)
    }

    /// Whether half-received frames have taken their share: half of what all may have, so that
    /// who claims much and sends little cannot keep the others from sending.
    pub(super) fn is_crowded(&self) -> bool {
        self.receiving_bytes >= self.limits.waiting_bytes_max / 2
    }

    /// Where half-received frames have taken their share, one at a time still goes on, so that
    /// there is always one that can be completed; and if it does not go on, it is ended.
    fn look_at_receiving(&mut self, now: Instant) {
        if !self.is_crowded() {
            self.favoured = None;
            return;
        }
        // Who is held back cannot go on, and is not to blame for it.
        let unfinished = |(key, lane): (Key, &Lane)| {
            (lane.receiving_bytes > 0 && lane.blocked.is_none()).then_some(key)
        };
        let first = self.lanes.iter().find_map(unfinished);
        match (self.favoured, first) {
            (Some((key, since)), Some(first)) if key == first => {
                let silent_since = self.lanes[key].heard_at.max(since);
                if now.saturating_duration_since(silent_since) >= self.limits.stall {
                    let detail = "half a frame came and then nothing for the stall limit, while \
                                  memory for half-received frames is short; send it whole";
                    self.end(key, Fatal::new(Code::TooLarge, detail), now);
                }
            }
            (_, Some(first)) => {
                self.favoured = Some((first, now));
                self.mark(first);
            }
            (_, None) => self.favoured = None,
        }
    }
}
