//! A `Frame` to and from the bytes on the wire, for the ends that hold whole frames.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;

use crate::limits::PREFIX_BYTES;
use crate::wire;

/// The bytes of one frame, its length prefix included.
///
/// # Panics
///
/// Where the frame is 4 GiB or longer, which no limit of this protocol lets anybody hold.
pub fn encode(body: wire::frame::Body) -> Bytes {
    let frame = wire::Frame {
        sender: None,
        body: Some(body),
    };
    let length = frame.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u32(u32::try_from(length).expect("no frame reaches 4 GiB"));
    frame
        .encode(&mut bytes)
        .expect("the buffer was made to measure");
    bytes.freeze()
}

/// Writes to `head` a message's frame, without its length prefix, up to where its data goes:
/// `data_bytes` bytes that the caller adds. So data need not be copied to be sent, and a sender
/// that keeps `head` and `message` for the next one allocates nothing.
///
/// What was in `head` is lost. `message` has no data of its own.
pub fn encode_head(message: &wire::Message, data_bytes: usize, head: &mut Vec<u8>) {
    debug_assert!(message.data.is_empty(), "the data comes behind the head");
    head.clear();
    let data_key_bytes = if data_bytes == 0 {
        0
    } else {
        1 + prost::length_delimiter_len(data_bytes)
    };
    let fields_bytes = message.encoded_len();
    head.push(MESSAGE_KEY);
    prost::encode_length_delimiter(fields_bytes + data_key_bytes + data_bytes, head)
        .and_then(|()| message.encode(head))
        .expect("a vector grows");
    if data_bytes > 0 {
        head.push(DATA_KEY);
        prost::encode_length_delimiter(data_bytes, head).expect("a vector grows");
    }
}

/// Field 4 of `Frame`, `message`, in protobuf's spelling: number and wire type.
const MESSAGE_KEY: u8 = 4 << 3 | 2;

/// Field 15 of `Message`, `data`: the last one, so that it can be added behind the others.
const DATA_KEY: u8 = 15 << 3 | 2;

/// The frame in `bytes`, which come without their length prefix.
///
/// The data of a message stays where it is: it shares `bytes`.
///
/// # Errors
///
/// Where `bytes` are not protobuf.
pub fn decode(bytes: Bytes) -> Result<wire::Frame, prost::DecodeError> {
    wire::Frame::decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_wire() {
        let message = wire::Message {
            action: "price".into(),
            data: "12".into(),
            ..Default::default()
        };
        let bytes = encode(wire::frame::Body::Message(message.clone()));
        assert_eq!(
            bytes[..4],
            u32::try_from(bytes.len() - 4).unwrap().to_be_bytes()
        );
        let frame = decode(bytes.slice(4..)).unwrap();
        assert_eq!(frame.body, Some(wire::frame::Body::Message(message)));
    }
    #[test]
    fn a_head_and_its_data_are_the_frame() {
        let message = wire::Message {
            action: "price".into(),
            id: 300,
            ..Default::default()
        };
        for length in [0, 1, 127, 128, 70_000] {
            let data = vec![7; length];
            let mut head = vec![1, 2, 3];
            encode_head(&message, length, &mut head);
            let whole = wire::Message {
                data: data.clone().into(),
                ..message.clone()
            };
            let expected = encode(wire::frame::Body::Message(whole));
            assert_eq!([&head[..], &data].concat(), expected[PREFIX_BYTES..]);
        }
    }
}
