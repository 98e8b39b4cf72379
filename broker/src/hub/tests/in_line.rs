//! Who stands behind whom for room.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Route};

use super::messages::{ask, big, fill, narrow, to_pid};
use super::world::World;

#[test]
fn nobody_waits_behind_a_sender_that_died_while_it_was_held_back() {
    let mut world = World::with_limits(true, 1, narrow());
    let (one, two) = (world.start(Worker, 2), world.start(Worker, 3));
    fill(&mut world, one, Route::Agent, 0);
    world.send_message(one, big(Route::Agent, 0, 9));
    world.kill(one);
    world.send(two, Route::Agent, "small");
    assert!(world.hub.may_read(two));
}

#[test]
fn one_that_dies_while_it_is_held_back_is_missed_at_once_and_its_last_words_are_passed_on() {
    let mut world = World::with_limits(true, 1, narrow());
    let (agent, one) = (world.start(Agent, 1), world.start(Worker, 2));
    let two = world.start(Worker, 3);
    world.read(agent);
    ask(&mut world, two, to_pid(2), 7, 60_000);
    world.read(one);
    fill(&mut world, one, Route::Agent, 0);
    world.send_message(one, big(Route::Agent, 0, 9));
    world.send_to(two, 2, "for the dead");
    let now = world.now;
    world.hub.died(one, now);
    world.check();
    let (gone, lost) = (Code::Gone, Code::Undeliverable);
    assert_eq!(world.faults(two), [(lost, 0), (gone, 7)]);
    assert_eq!(world.hub.status().connections.len(), 2);
    assert!(!world.hub.may_read(one), "its message still waits");
    assert_eq!(world.actions(agent), ["big"; 3]);
    // Now the rest of what it said is read, and it hears nothing of it.
    world.send(one, Route::Random, "more");
    ask(&mut world, one, to_pid(99), 8, 60_000);
    world.say(one, Body::Ping(wire::Ping { nonce: 1 }));
    assert_eq!(world.actions(agent), ["more"]);
    assert!(world.read(one).is_empty());
    world.kill(one);
    let status = world.hub.status();
    assert_eq!((status.waiting_bytes, status.open_requests), (0, 0));
}

#[test]
fn a_small_message_that_stands_behind_one_that_is_refused_finds_room() {
    let mut world = World::with_limits(true, 1, narrow());
    let (one, two) = (world.start(Worker, 2), world.start(Worker, 3));
    fill(&mut world, one, Route::Agent, 0);
    world.send_message(one, big(Route::Agent, 0, 9));
    world.wait(Duration::from_secs(1));
    world.send(two, Route::Agent, "small");
    assert!(!world.hub.may_read(two), "first come, first served");
    world.wait(Duration::from_millis(4_400));
    assert!(world.hub.may_read(two));
    assert!(world.faults(two).is_empty());
}
