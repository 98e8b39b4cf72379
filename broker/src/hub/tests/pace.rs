//! Senders that are far ahead of a receiver.

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::{Message, Route};

use super::world::{World, message};
use crate::limits::AHEAD_BYTES;
use crate::roster::Key;

/// A turn of reading that passes on so many bytes, and whether the sender rests after it.
fn turn(world: &mut World, from: Key, bytes: usize) -> bool {
    world.hub.turn_begins();
    let part = 16 << 10;
    for _ in 0..bytes / part {
        let message = Message {
            route: Route::App.into(),
            data: vec![1; part].into(),
            ..message("much")
        };
        world.send_message(from, message);
    }
    world.hub.rest(from)
}

#[test]
fn one_that_is_far_ahead_rests_until_its_receiver_has_caught_up() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    assert!(!turn(&mut world, agent, AHEAD_BYTES / 2));
    assert!(world.hub.may_read(agent));
    assert!(turn(&mut world, agent, AHEAD_BYTES));
    assert!(!world.hub.may_read(agent));
    world.read_bytes(worker, AHEAD_BYTES / 2);
    assert!(!world.hub.may_read(agent), "not yet");
    world.read_bytes(worker, AHEAD_BYTES);
    assert!(world.hub.may_read(agent));
    let mut woken = Vec::new();
    world.hub.take_marked(&mut woken);
    assert!(woken.contains(&agent));
}

#[test]
fn one_that_has_rested_long_enough_goes_on_whatever_its_receiver_does() {
    let mut world = World::new(true, 2);
    let (agent, _worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    assert!(turn(&mut world, agent, 2 * AHEAD_BYTES));
    world.hub.rested(agent);
    assert!(world.hub.may_read(agent));
    assert!(turn(&mut world, agent, AHEAD_BYTES), "and rests again");
    assert!(world.hub.may_read(other), "nobody else does");
}

#[test]
fn a_turn_that_sends_nothing_is_no_reason_to_rest() {
    let mut world = World::new(true, 1);
    let (agent, _worker) = (world.start(Agent, 1), world.start(Worker, 2));
    assert!(turn(&mut world, agent, 2 * AHEAD_BYTES));
    world.hub.rested(agent);
    assert!(!turn(&mut world, agent, 0));
}
