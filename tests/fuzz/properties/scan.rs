//! What the broker lets through can be read at its receiver, and names its true sender.

use bytes::Bytes;
use henhouse_proto::frame::{self, Body, Stamp};
use henhouse_proto::wire::{Role, Sender, frame::Body as Said};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(Body::Message(Ok(header))) = frame::scan(bytes) else {
        return;
    };
    let stamp = Stamp::new(7, Role::Worker, 9);
    let forwarded = [bytes, stamp.as_bytes()].concat();
    let frame = frame::decode(Bytes::from(forwarded)).expect("it was let through");
    let sender = Sender {
        pid: 7,
        role: Role::Worker.into(),
        connection: 9,
    };
    assert_eq!(frame.sender, Some(sender));
    let Some(Said::Message(message)) = frame.body else {
        panic!("{:?} is not the message that was let through", frame.body);
    };
    assert_eq!(message.route(), header.target.route());
    assert_eq!((message.id, message.want()), (header.id, header.want));
    assert_eq!(
        (message.action.as_bytes(), &message.data[..]),
        (header.action, header.data)
    );
}
