//! A message's bytes while it is being passed on, and what they find.

use bytes::Bytes;

/// A message's bytes, to be copied or to be shared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payload<'a> {
    Copied(&'a [u8]),
    Shared(&'a Bytes),
}

impl Payload<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Payload::Copied(bytes) => bytes.len(),
            Payload::Shared(bytes) => bytes.len(),
        }
    }

    pub(super) fn to_bytes(self) -> Bytes {
        match self {
            Payload::Copied(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Shared(bytes) => bytes.clone(),
        }
    }
}

/// What a message found at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Room, and it is on its way.
    Outbox,
    /// Room, and it waits for its receiver.
    Mailbox,
    /// No room yet.
    NoRoom,
    /// No room, and no hope of it: others have waited in vain.
    Refused,
}
