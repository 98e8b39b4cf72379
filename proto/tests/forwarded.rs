//! What the broker lets through is what every receiver can read.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use henhouse_proto::frame::{self, Body, Stamp};
use henhouse_proto::wire;
use proptest::collection::vec;
use proptest::prelude::*;

/// A frame that the scan lets through decodes at its receiver, stamp and all, and names its
/// true sender.
fn check(bytes: &[u8]) {
    let Ok(Body::Message(Ok(header))) = frame::scan(bytes) else {
        return;
    };
    let stamp = Stamp::new(7, wire::Role::Worker, 9);
    let forwarded = [bytes, stamp.as_bytes()].concat();
    let frame = frame::decode(Bytes::from(forwarded)).unwrap();
    let sender = frame.sender.unwrap();
    assert_eq!(
        (sender.pid, sender.role(), sender.connection),
        (7, wire::Role::Worker, 9)
    );
    let Some(wire::frame::Body::Message(message)) = frame.body else {
        panic!("{:?} is not the message that was let through", frame.body);
    };
    assert_eq!(message.route(), header.target.route());
    assert_eq!((message.id, message.want()), (header.id, header.want));
    assert_eq!(
        (message.action.as_bytes(), &message.data[..]),
        (header.action, header.data)
    );
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// One field with any number and any wire type, its value mostly such as that type has.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => 0..20u64, 1 => any::<u32>().prop_map(u64::from)];
    let small = prop_oneof![4 => 0..8u64, 1 => any::<u64>()];
    (number, 0..8u64, small, vec(any::<u8>(), 0..10)).prop_map(|(number, kind, value, bytes)| {
        let tag = varint((number << 3) | kind);
        let value = match kind {
            0 => varint(value),
            1 => value.to_le_bytes().to_vec(),
            5 => value.to_le_bytes()[..4].to_vec(),
            _ => [varint(bytes.len() as u64), bytes].concat(),
        };
        [tag, value].concat()
    })
}

/// One field of a message as the schema has it, or as it does not.
fn message_field() -> impl Strategy<Value = Vec<u8>> {
    let numbers = prop_oneof![
        Just(1u64),
        Just(2),
        Just(3),
        Just(4),
        Just(5),
        Just(7),
        Just(11)
    ];
    let route = (1..7u64).prop_map(|route| vec![8, route as u8]);
    let number =
        (numbers, 0..7u64).prop_map(|(number, value)| vec![(number << 3) as u8, value as u8]);
    let text = (prop_oneof![Just(6u8), Just(9)], "[a-z]{0,6}").prop_map(|(number, text)| {
        [&[(number << 3) | 2, text.len() as u8][..], text.as_bytes()].concat()
    });
    prop_oneof![3 => route, 3 => number, 2 => text, 1 => field()]
}

fn frame_with_message() -> impl Strategy<Value = Vec<u8>> {
    (
        vec(message_field(), 0..6),
        vec(field(), 0..2),
        any::<bool>(),
    )
        .prop_map(|(fields, around, before)| {
            let message = fields.concat();
            let body = [vec![0x22], varint(message.len() as u64), message].concat();
            if before {
                [around.concat(), body].concat()
            } else {
                [body, around.concat()].concat()
            }
        })
}

proptest! {
    #[test]
    fn what_is_let_through_can_be_read_and_names_its_true_sender(bytes in frame_with_message()) {
        check(&bytes);
    }

    #[test]
    fn any_bytes_can_be_scanned(bytes in vec(any::<u8>(), 0..60)) {
        check(&bytes);
    }
}

#[test]
fn a_field_of_another_type_than_the_schemas_is_refused() {
    // `action` as a number, `route` as text: libraries give up on such a frame.
    for message in [
        &[8, 1, 0x30, 5][..],
        &[8, 1, 0x0a, 0],
        &[8, 1, 0x7d, 0, 0, 0, 0],
    ] {
        let bytes = [&[0x22, message.len() as u8][..], message].concat();
        assert!(frame::scan(&bytes).is_err(), "{bytes:?}");
    }
}
