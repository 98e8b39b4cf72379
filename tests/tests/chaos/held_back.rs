//! A process that dies while it is held back, and so is not read.

use std::io::{ErrorKind, Write as _};

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Code, Message, Route, Want};

use crate::stage::Stage;
use crate::talk::{Member, hear};

const OUTBOX_BYTES_MAX: usize = 1 << 20;

/// Whether nothing is read from it.
fn is_held_back(stage: &mut Stage, member: &Member) -> bool {
    let status = stage.status();
    let connections = status["connections"].as_array().unwrap();
    let its = |connection: &&serde_json::Value| connection["connection"] == member.connection;
    connections.iter().find(its).unwrap()["held_back"] == true
}

/// Sends `receiver` long messages until the broker reads no more and the socket takes no more.
/// Gives the number of those that were wholly sent.
fn flood(stage: &mut Stage, sender: &Member, receiver: &Member) -> u64 {
    sender.stream.set_nonblocking(true).unwrap();
    for id in 1.. {
        let message = frame::encode(Body::Message(Message {
            route: Route::Pid.into(),
            pid: std::process::id(),
            connection: receiver.connection,
            id,
            action: "flood".into(),
            data: vec![7; 10_000].into(),
            ..Default::default()
        }));
        let mut rest = &message[..];
        while !rest.is_empty() {
            match (&sender.stream).write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if is_held_back(stage, sender) {
                        return id - 1;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    unreachable!("an outbox is bounded")
}

#[test]
fn one_that_dies_while_it_is_held_back_is_missed_at_once_and_what_it_said_comes() {
    let mut stage = Stage::patient(OUTBOX_BYTES_MAX, 64 << 20);
    let (sender, receiver) = (Member::worker(&stage), Member::worker(&stage));
    let asker = Member::worker(&stage);
    asker.say(Body::Message(Message {
        route: Route::Pid.into(),
        pid: std::process::id(),
        connection: sender.connection,
        id: 5,
        want: Want::Reply.into(),
        action: "ask".into(),
        timeout_ms: 600_000,
        ..Default::default()
    }));
    sender.wait_for("ask");
    let sent = flood(&mut stage, &sender, &receiver);
    drop(sender);
    // Were its end not seen, nothing else would ever happen: the receiver reads nothing yet.
    let gone = loop {
        if let Some(Body::Fault(fault)) = hear(&asker.stream).unwrap().body {
            break (fault.code(), fault.id);
        }
    };
    assert_eq!(gone, (Code::Gone, 5));
    let mut next = 1;
    while next <= sent {
        if let Some(Body::Message(message)) = hear(&receiver.stream).unwrap().body
            && message.action == "flood"
        {
            assert_eq!(message.id, next);
            next += 1;
        }
    }
    drop((asker, receiver));
    stage.wait_for(|status| status["connections"] == serde_json::json!([]));
}
