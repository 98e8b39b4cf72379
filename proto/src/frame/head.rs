//! A message on its way out: its fields go straight from where they lie into bytes.

use crate::wire::{Encoding, Route, Want};

/// All that a sender says of a message, but for its data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// Where it goes.
    pub route: Route,
    /// To a pid: that pid.
    pub pid: u32,
    /// The sender's number for it.
    pub id: u64,
    /// What the sender wants to hear of it.
    pub want: Want,
    /// What its data is.
    pub encoding: Encoding,
    /// What it is about.
    pub action: &'a str,
    /// To a pid, and in a reply: the receiver's connection.
    pub connection: u64,
    /// In a reply: the request's id.
    pub in_reply_to: u64,
    /// In a reply: why the handler failed; empty where it did not.
    pub error: &'a str,
    /// How long a request stays open.
    pub timeout_ms: u32,
    /// To many: not to the sender itself.
    pub others: bool,
}

/// What comes before a message's fields in its frame takes at most so much: its key, and its
/// length.
const BEFORE_BYTES_MAX: usize = 1 + 10;

/// The bytes of a head; kept, they are used again, and the next message allocates nothing.
#[derive(Debug, Default)]
pub struct HeadBytes {
    bytes: Vec<u8>,
}

impl HeadBytes {
    /// The frame of a message without its length prefix, up to where its data goes:
    /// `data_bytes` bytes that the caller adds. So data need not be copied to be sent.
    pub fn write(&mut self, head: &Head<'_>, data_bytes: usize) -> &[u8] {
        let bytes = &mut self.bytes;
        bytes.clear();
        // How long the fields are is known behind them, so it gets its place later.
        bytes.extend([0; BEFORE_BYTES_MAX]);
        number(bytes, 1, head.route as u64);
        number(bytes, 2, head.pid.into());
        number(bytes, 3, head.id);
        number(bytes, 4, head.want as u64);
        number(bytes, 5, head.encoding as u64);
        text(bytes, 6, head.action);
        number(bytes, 7, head.connection);
        number(bytes, 8, head.in_reply_to);
        text(bytes, 9, head.error);
        number(bytes, 10, head.timeout_ms.into());
        number(bytes, 11, head.others.into());
        if data_bytes > 0 {
            // The last field of a message, so that it can be added behind the others.
            length(bytes, 15, data_bytes);
        }
        let fields_bytes = bytes.len() - BEFORE_BYTES_MAX + data_bytes;
        let before = varint_bytes(fields_bytes as u64) + 1;
        let start = BEFORE_BYTES_MAX - before;
        // Field 4 of `Frame`, `message`.
        bytes[start] = 4 << 3 | 2;
        let mut rest = fields_bytes;
        for byte in &mut bytes[start + 1..BEFORE_BYTES_MAX - 1] {
            *byte = (rest & 0x7f) as u8 | 0x80;
            rest >>= 7;
        }
        bytes[BEFORE_BYTES_MAX - 1] = rest as u8;
        &self.bytes[start..]
    }
}

/// A field that holds a number; what is 0 is not written, as protobuf has it.
#[inline]
fn number(bytes: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        bytes.push(field << 3);
        varint(bytes, value);
    }
}

#[inline]
fn text(bytes: &mut Vec<u8>, field: u8, value: &str) {
    if !value.is_empty() {
        length(bytes, field, value.len());
        bytes.extend_from_slice(value.as_bytes());
    }
}

#[inline]
fn length(bytes: &mut Vec<u8>, field: u8, length: usize) {
    bytes.push(field << 3 | 2);
    varint(bytes, length as u64);
}

#[inline]
fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[inline]
fn varint_bytes(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::encode;
    use crate::limits::PREFIX_BYTES;
    use crate::wire;

    proptest! {
        #[test]
        fn a_head_and_its_data_are_the_frame_that_prost_makes(
            (route, want, encoding) in (0..=6, 0..=2, 0..=3),
            (pid, timeout_ms, others) in (any::<u32>(), any::<u32>(), any::<bool>()),
            (id, connection, in_reply_to) in (any::<u64>(), 0_u64..300, 0_u64..300),
            (action, error) in (".{0,200}", ".{0,3}"),
            length in prop_oneof![Just(0_usize), 1..300_usize, 16_000..17_000_usize, Just(3 << 20)],
        ) {
            let head = Head {
                route: Route::try_from(route).unwrap(),
                want: Want::try_from(want).unwrap(),
                encoding: Encoding::try_from(encoding).unwrap(),
                pid,
                id,
                action: &action,
                connection,
                in_reply_to,
                error: &error,
                timeout_ms,
                others,
            };
            let data = vec![7; length];
            let mut bytes = HeadBytes::default();
            // What was in it does not matter.
            bytes.write(&Head { action: "before", ..Head::default() }, 9);
            let frame = [bytes.write(&head, length), &data].concat();
            let expected = encode(wire::frame::Body::Message(wire::Message {
                route,
                want,
                encoding,
                pid,
                id,
                action: action.clone(),
                connection,
                in_reply_to,
                error: error.clone(),
                timeout_ms,
                others,
                data: data.into(),
            }));
            prop_assert_eq!(&frame[..], &expected[PREFIX_BYTES..]);
        }
    }
}
