//! A message as it reaches its receiver, read where it lies.

use super::Malformed;
use super::fields::{Fields, Value};
use crate::wire::{self, Encoding, Route, Want};

/// All that a receiver wants to know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// How it was sent.
    pub route: Route,
    /// The sender's number for it.
    pub id: u64,
    /// What the sender wants to hear of it.
    pub want: Want,
    /// What it is about.
    pub action: &'a str,
    /// What its data is.
    pub encoding: Encoding,
    /// Its data.
    pub data: &'a [u8],
    /// In a reply: the request's id.
    pub in_reply_to: u64,
    /// In a reply: why the handler failed; empty where it did not.
    pub error: &'a str,
    /// The broker's word on who sent it.
    pub sender: wire::Sender,
}

/// The message in a frame from the broker, which comes without its length prefix; `None` where
/// it is something else, for [`decode`](super::decode).
///
/// # Errors
///
/// Where the bytes are not protobuf.
// Always inlined, here and below: a message given back through memory costs more than to read it.
#[inline(always)]
pub fn arrived(bytes: &[u8]) -> Result<Option<Arrived<'_>>, Malformed> {
    let mut message = None;
    let mut sender = wire::Sender::default();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (4, Value::Bytes(value)) => message = Some(value),
            (15, Value::Bytes(value)) => sender = read_sender(value)?,
            (_, _) => {}
        }
    }
    message
        .map(|message| read_message(message, sender))
        .transpose()
}

#[inline(always)]
fn read_message(bytes: &[u8], sender: wire::Sender) -> Result<Arrived<'_>, Malformed> {
    let mut arrived = Arrived {
        route: Route::Unspecified,
        id: 0,
        want: Want::Unspecified,
        action: "",
        encoding: Encoding::Unspecified,
        data: &[],
        in_reply_to: 0,
        error: "",
        sender,
    };
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Value::Varint(value)) => arrived.route = enumerated(value),
            (3, Value::Varint(value)) => arrived.id = value,
            (4, Value::Varint(value)) => arrived.want = enumerated(value),
            (5, Value::Varint(value)) => arrived.encoding = enumerated(value),
            (6, Value::Bytes(value)) => arrived.action = text(value)?,
            (8, Value::Varint(value)) => arrived.in_reply_to = value,
            (9, Value::Bytes(value)) => arrived.error = text(value)?,
            (15, Value::Bytes(value)) => arrived.data = value,
            (_, _) => {}
        }
    }
    Ok(arrived)
}

#[inline(always)]
fn read_sender(bytes: &[u8]) -> Result<wire::Sender, Malformed> {
    let mut sender = wire::Sender::default();
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            // The lower half, as every protobuf library has it.
            (1, Value::Varint(value)) => sender.pid = (value & u64::from(u32::MAX)) as u32,
            (2, Value::Varint(value)) => sender.set_role(enumerated(value)),
            (3, Value::Varint(value)) => sender.connection = value,
            (_, _) => {}
        }
    }
    Ok(sender)
}

/// What this version does not know is as good as not said.
#[inline]
fn enumerated<E: TryFrom<i32> + Default>(value: u64) -> E {
    let value = i32::try_from(value).ok();
    value
        .and_then(|value| E::try_from(value).ok())
        .unwrap_or_default()
}

#[inline]
fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(bytes).map_err(|_| Malformed("an action or an error is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    proptest! {
        #[test]
        fn what_arrives_is_what_a_protobuf_library_reads(
            (route, want, encoding, role) in (0..8_i32, 0..4_i32, 0..5_i32, 0..6_i32),
            (id, in_reply_to, connection) in any::<(u64, u64, u64)>(),
            (action, error) in any::<(String, String)>(),
            data in prop::collection::vec(any::<u8>(), 0..300),
            pid in any::<u32>(),
        ) {
            let sent = wire::Message {
                route, want, encoding, id, in_reply_to, connection, action, error, pid,
                data: data.into(),
                ..Default::default()
            };
            let sender = wire::Sender { pid, role, connection };
            let frame = wire::Frame {
                sender: Some(sender),
                body: Some(wire::frame::Body::Message(sent.clone())),
            };
            let bytes = frame.encode_to_vec();
            let arrived = arrived(&bytes).unwrap().unwrap();
            prop_assert_eq!(arrived.route, sent.route());
            prop_assert_eq!(arrived.want, sent.want());
            prop_assert_eq!(arrived.encoding, sent.encoding());
            prop_assert_eq!(arrived.id, sent.id);
            prop_assert_eq!(arrived.in_reply_to, sent.in_reply_to);
            prop_assert_eq!(arrived.action, sent.action);
            prop_assert_eq!(arrived.error, sent.error);
            prop_assert_eq!(arrived.data, sent.data);
            prop_assert_eq!(arrived.sender.role(), sender.role());
            prop_assert_eq!(arrived.sender.pid, sender.pid);
            prop_assert_eq!(arrived.sender.connection, sender.connection);
        }

        #[test]
        fn hostile_bytes_are_an_error_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = arrived(&bytes);
        }
    }

    #[test]
    fn what_is_no_message_is_left_to_others() {
        let ping = crate::frame::encode(wire::frame::Body::Ping(wire::Ping { nonce: 1 }));
        assert_eq!(arrived(&ping[4..]), Ok(None));
    }
}
