//! A receiver that never reads, beside one that does.

use std::collections::BTreeSet;
use std::thread;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Code, Message, Route, Want};

use crate::stage::Stage;
use crate::talk::{Member, hear};

const MEMORY_BYTES_MAX: usize = 200 << 20;

/// Sends that much to all others in messages of that size, while one of them never reads.
fn flood(bytes: usize, size: usize) {
    let stage = Stage::new(64 << 20, 512 << 20);
    let sleeper = Member::worker(&stage);
    let neighbour = Member::worker(&stage);
    let sender = Member::worker(&stage);
    let count = (bytes / size) as u64;
    let reading = thread::spawn(move || {
        let mut next = 1;
        while next <= count {
            if let Some(Body::Message(message)) = hear(&neighbour.stream).unwrap().body
                && message.action == "flood"
            {
                assert_eq!(message.id, next);
                next += 1;
            }
        }
    });
    let answers = sender.stream.try_clone().unwrap();
    let answered = thread::spawn(move || {
        let mut ended = BTreeSet::new();
        while ended.len() < count as usize {
            match hear(&answers).unwrap().body {
                Some(Body::Receipt(receipt)) => {
                    ended.insert(receipt.id);
                }
                // What waited for the sleeper when it was cut had its receipt before.
                Some(Body::Fault(fault)) => {
                    assert_eq!(fault.code(), Code::Undeliverable, "{}", fault.detail);
                    ended.insert(fault.id);
                }
                _ => {}
            }
        }
    });
    let data = vec![7; size];
    for id in 1..=count {
        sender.say(Body::Message(Message {
            route: Route::App.into(),
            others: true,
            id,
            want: Want::Receipt.into(),
            action: "flood".into(),
            data: data.clone().into(),
            ..Default::default()
        }));
    }
    reading.join().unwrap();
    answered.join().unwrap();
    let memory = stage.memory_bytes_max();
    assert!(
        memory < MEMORY_BYTES_MAX,
        "the master had {} MiB",
        memory >> 20
    );
    drop(sleeper);
}

#[test]
fn one_that_never_reads_costs_the_master_little_and_its_neighbour_nothing() {
    flood(400 << 20, 64 << 10);
}

#[test]
fn messages_that_are_just_long_enough_to_be_shared_cost_no_more_than_long_ones() {
    flood(100 << 20, 3 << 10);
}
