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
}
