//! Every limit of the wire, with its default and its reason.

/// The version of the protocol that this package speaks.
pub const VERSION: u32 = 1;

/// Bytes of a frame's length prefix.
pub const PREFIX_BYTES: usize = 4;

/// The most that a broker adds to a frame that it passes on. A receiver accepts frames that
/// are longer than `frame_bytes_max` by this.
pub const STAMP_BYTES_MAX: usize = 32;

/// The largest frame a process may send, where the broker's configuration says nothing else.
/// Egg has no limit, and its users meet the master's memory instead; 16 MiB is four times the
/// largest message that the issue threads mention.
pub const FRAME_BYTES_MAX: u32 = 16 << 20;

/// The largest Hello: a token and a name with room to spare, and little for a stranger to make
/// us hold.
pub const HELLO_BYTES_MAX: u32 = 4 << 10;

/// The longest action, in bytes. As long as a file name may be.
pub const ACTION_BYTES_MAX: usize = 255;

/// Actions that begin so are the broker's own.
pub const RESERVED_ACTION_PREFIX: &str = "egg-";

/// How long a request stays open where its sender names no time.
pub const REQUEST_TIMEOUT_MS: u32 = 30_000;

/// One read takes at most so many bytes. Below 64 KiB the system calls cost 15 to 20 %;
/// above it nothing is won.
pub const READ_BYTES_MAX: usize = 64 << 10;
