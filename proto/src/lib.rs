//! The wire of Henhouse: its schema, its frames, and the two halves of a connection.
//!
//! Both ends of a connection are made of the parts in here, so that bytes become trusted
//! values in one place only:
//!
//! * [`wire`]: the schema's own types, as generated from `henhouse/v1/henhouse.proto`;
//! * [`frame`]: bytes that become frames, and frames that become bytes;
//! * [`reader`]: the half of a connection that reads;
//! * [`outbox`]: the half of a connection that writes, bounded in bytes;
//! * [`transport`]: the socket or pipe beneath, one file per platform.
//!
//! Programs use `henhouse-sdk`; the broker is in `henhouse`. The contract for other languages
//! is this package's README and its schema.

pub mod endpoint;
pub mod frame;
pub mod limits;
pub mod outbox;
pub mod reader;
pub mod transport;
pub mod wire;

pub use crate::endpoint::Endpoint;
