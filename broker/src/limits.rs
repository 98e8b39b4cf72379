//! Every limit of the broker, with its default and its reason.

use std::time::Duration;

use henhouse_proto::limits::{FRAME_BYTES_MAX, HELLO_BYTES_MAX};

/// What a broker allows. Every queue in it is bounded by one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest frame that a process may send, in bytes; 16 MiB.
    pub frame_bytes_max: u32,
    /// The largest Hello, in bytes; 4 KiB.
    pub hello_bytes_max: u32,
    /// What may wait for one receiver, in bytes; 64 MiB. An empty outbox takes any one frame.
    pub outbox_bytes_max: usize,
    /// What may wait for all receivers together, half-received frames included, in bytes;
    /// 512 MiB.
    pub waiting_bytes_max: usize,
    /// Connections; 1,024.
    pub connections_max: usize,
    /// Connections of one pid; 64.
    pub connections_per_pid_max: usize,
    /// Open requests of one connection; 4,096.
    pub requests_max: usize,
    /// How long a new connection may take for its Hello; 5 s.
    pub hello_timeout: Duration,
    /// How long a message waits for a receiver that takes nothing; 5 s.
    pub send_timeout: Duration,
    /// How long a ready process may take nothing while something waits for it; 10 s.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame_bytes_max: FRAME_BYTES_MAX,
            hello_bytes_max: HELLO_BYTES_MAX,
            outbox_bytes_max: 64 << 20,
            waiting_bytes_max: 512 << 20,
            connections_max: 1024,
            connections_per_pid_max: 64,
            requests_max: 4096,
            hello_timeout: Duration::from_secs(5),
            send_timeout: Duration::from_secs(5),
            stall: Duration::from_secs(10),
        }
    }
}

/// What the broker's own frames may take per connection. Where it is full nothing more is read
/// from that connection: only what a process says makes the broker answer.
pub(crate) const RESERVE_BYTES: usize = 64 << 10;

/// What may wait for an operator that does not read its reports: a status of a thousand
/// processes and a few thousand log lines.
pub(crate) const REPORT_BYTES_MAX: usize = 8 << 20;

/// A connection that was silent for so long is asked whether it is there.
pub(crate) const PING_AFTER: Duration = Duration::from_secs(15);

/// News of who is ready are gathered for so long: a thousand processes that get ready at once
/// make a few `egg-pids` and not a thousand.
pub(crate) const PIDS_GATHER: Duration = Duration::from_millis(50);

/// How long a last frame may take to leave.
pub(crate) const LAST_FRAME: Duration = Duration::from_secs(2);

/// How often the clocks of receivers that take nothing are looked at while any runs.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A sender that is so far ahead of one of its receivers rests for a moment. What is less stays
/// in the processor's caches on its way.
pub(crate) const AHEAD_BYTES: usize = 512 << 10;

/// How long it rests at most. At 256 KiB in a turn, a receiver that takes nothing slows its
/// senders to 128 MiB/s until its outbox is full.
pub(crate) const REST_MAX: Duration = Duration::from_millis(2);

/// News for the process layer that it has not taken yet; beyond it nothing is read from
/// anybody, since only what processes say makes news.
pub(crate) const EVENTS_MAX: usize = 4096;

/// How long a process that says that it is failing may take to finish, where no process layer
/// is there to decide it; the layer's own default.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
