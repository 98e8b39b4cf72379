//! Every limit of the SDK, with its reason.

use std::time::Duration;

/// Messages that wait for this program's handlers take at most so many bytes; then the SDK
/// reads no more, and the broker holds their senders back. As much as the broker keeps for one
/// receiver.
pub const QUEUED_BYTES_MAX: usize = 64 << 20;

/// What a message that waits costs beyond its action and data.
pub const MESSAGE_OVERHEAD_BYTES: usize = 256;

/// Messages that wait to leave take at most so many bytes; then a verb waits. Some dozen full
/// socket buffers: more would only hide that the broker holds us back.
pub const OUTBOX_BYTES_MAX: usize = 4 << 20;

/// Requests of one messenger that are open at a time. The broker has the same limit.
pub const REQUESTS_OPEN_MAX: usize = 4_096;

/// How much longer than a request's own time-out the SDK waits for the broker's word on it. A
/// safety net for a broker that hangs; else the broker always answers.
pub const REQUEST_SLACK: Duration = Duration::from_secs(2);

/// How long joining may take, from the connection to the broker's Welcome.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long closing may take: what still waits is written, Goodbye said, and the broker's
/// awaited.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The first pause before reconnecting is at most this long.
pub const BACKOFF_MIN: Duration = Duration::from_millis(50);

/// No pause before reconnecting is longer than this.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Refusals and the like that wait for a handler of theirs; more are only logged.
pub const EVENTS_WAITING_MAX: usize = 1_024;

/// How much time a program has to leave where nobody said: the process layer's own default.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// The exit code of a program that lost its master.
pub const EXIT_MASTER_LOST: i32 = 110;

/// One poll of the session goes on for so many rounds of reading and writing, then lets other
/// tasks run.
pub(crate) const ROUNDS_MAX: usize = 4;

/// One round writes at most so many bytes before it reads again.
pub(crate) const WRITE_BYTES_MAX: usize = 256 << 10;

/// So many bytes that a task sends cost it one of the 128 turns that Tokio gives a task before
/// others run: a task that sends short messages yields with a full write, of 64 KiB, and not
/// after 128 of them.
pub(crate) const TURN_BYTES: usize = 512;

/// A listener takes messages from its queue in batches of about so many bytes: what one read of
/// 64 KiB brings, where messages are short. A handler that is ended by `off` while it is stuck
/// keeps no more than that from being counted as forgotten.
pub(crate) const BATCH_BYTES: usize = 256 << 10;
