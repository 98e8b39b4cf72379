//! Bytes that become frames, and frames that become bytes.
//!
//! [`scan`] is what a broker does with a frame from a process: it checks what would break or
//! deceive a receiver, reads what routes, and leaves the data alone. [`decode`] is what a
//! process does with a frame from its broker, whom it trusts. [`arrived`] reads the message in
//! one where it lies. [`encode`] is for both; [`HeadBytes`] is for a process's messages, whose data
//! need not be copied to be sent.

mod arrived;
mod encode;
mod fields;
mod head;
mod message;
mod scan;
mod stamp;

pub use arrived::{Arrived, arrived};
pub use encode::{decode, encode};
pub use head::{Head, HeadBytes};
pub use message::{Header, Nonsense, Target};
pub use scan::{Body, Malformed, scan};
pub use stamp::Stamp;
