//! What processes say and hear, noted in the ledger.

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Message, Role, Route, Want};

use super::ledger::{Owed, Receiver, Sent};
use super::player::{Play, REQUEST_MS};
use crate::hub::tests::world::message;

impl Play {
    pub(super) fn send(
        &mut self,
        n: usize,
        to: u8,
        route: Route,
        want: Want,
        others: bool,
        bytes: usize,
    ) {
        let to_one = !matches!(route, Route::App | Route::Broadcast);
        let want = if want == Want::Reply && !to_one {
            Want::Receipt
        } else {
            want
        };
        let pid = 10 + u32::from(to % 9);
        let number = self.ledger.sent.len();
        let id = match want {
            Want::Unspecified if number.is_multiple_of(2) => 0,
            _ => number as u64 + 1,
        };
        let owed = self.owed(n, self.process(pid), route, others);
        let from = self.processes[n].connection;
        self.ledger.sent.push(Sent {
            from,
            id,
            want,
            // Nobody to send it to is one refusal.
            owed: owed.unwrap_or_else(|| vec![Owed::Connection(0)]),
            answers: None,
            departures: self.departures,
            received_by: Default::default(),
        });
        self.say(
            n,
            Body::Message(Message {
                route: route.into(),
                pid,
                id,
                want: want.into(),
                others,
                timeout_ms: REQUEST_MS,
                data: vec![b'x'; bytes].into(),
                ..message(&number.to_string())
            }),
        );
    }

    pub(super) fn reply(&mut self, n: usize, bytes: usize) {
        let (connection, in_reply_to) = self.processes[n].asked.remove(0);
        let number = self.ledger.sent.len();
        self.ledger.sent.push(Sent {
            from: self.processes[n].connection,
            id: 0,
            want: Want::Unspecified,
            owed: Vec::new(),
            answers: Some((connection, in_reply_to)),
            departures: self.departures,
            received_by: Default::default(),
        });
        self.say(
            n,
            Body::Message(Message {
                route: Route::Reply.into(),
                connection,
                in_reply_to,
                // Its refusal must not be taken for one of a message without an id.
                id: 1_000_000 + number as u64,
                data: vec![b'y'; bytes].into(),
                ..message(&number.to_string())
            }),
        );
    }

    pub(super) fn read(&mut self, n: usize, bytes: usize) {
        let key = self.processes[n].key;
        let frames = self.world.read_some(key, bytes);
        let process = &mut self.processes[n];
        for frame in frames {
            let connection = process.connection;
            match frame.body {
                Some(Body::Message(message)) => {
                    if let Ok(number) = message.action.parse::<usize>() {
                        let receiver = Receiver {
                            connection,
                            agent: process.role == Role::Agent,
                            worker: process.role == Role::Worker,
                            index: process.index,
                        };
                        let sender = frame.sender.unwrap().connection;
                        assert_eq!(sender, self.ledger.sent[number].from);
                        self.ledger.received(number, receiver, self.departures);
                        if message.want() == Want::Reply {
                            process.asked.push((sender, message.id));
                        }
                    }
                }
                Some(Body::Receipt(receipt)) => {
                    let heard = self
                        .ledger
                        .heard
                        .entry((connection, receipt.id))
                        .or_default();
                    heard.receipts.push(receipt.queued + receipt.held);
                }
                Some(Body::Fault(fault)) if !fault.fatal => {
                    let heard = self.ledger.heard.entry((connection, fault.id)).or_default();
                    let count = fault
                        .detail
                        .split_once(" messages: ")
                        .map(|(n, _)| n.parse());
                    let count = count.map_or(1, |count| count.unwrap());
                    heard.faults.extend(vec![fault.code(); count]);
                }
                _ => {}
            }
        }
    }
}
