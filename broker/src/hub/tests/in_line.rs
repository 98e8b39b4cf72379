//! Who stands behind whom for room.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::Route;

use super::messages::{big, fill, narrow};
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
