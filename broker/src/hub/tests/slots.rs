//! Whose mailbox an expected worker's is, and who waits for room in it.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route};

use super::messages::{big, fill, narrow};
use super::world::{World, message};

#[test]
fn who_waits_for_a_slot_that_is_expected_no_more_hears_so_and_goes_on() {
    let mut world = World::with_limits(true, 2, narrow());
    let agent = world.start(Agent, 1);
    let worker = world.start(Worker, 2);
    fill(&mut world, agent, Route::App, 0);
    world.read(worker);
    world.send_message(agent, big(Route::App, 0, 9));
    assert!(!world.hub.may_read(agent));
    let now = world.now;
    world.hub.expect_workers(1, now);
    assert!(world.hub.may_read(agent));
    assert!(world.faults(agent).contains(&(Code::Undeliverable, 9)));
}

#[test]
fn a_worker_that_is_there_needs_no_mailbox_when_more_are_expected() {
    let mut world = World::new(true, 1);
    let agent = world.join(Agent, 1);
    let (one, two) = (world.join(Worker, 2), world.start(Worker, 3));
    let now = world.now;
    world.hub.expect_workers(3, now);
    world.send_message(
        agent,
        Message {
            route: Route::App.into(),
            id: 5,
            ..message("x")
        },
    );
    world.say(one, Body::Ready(wire::Ready {}));
    let three = world.start(Worker, 4);
    world.say(agent, Body::Ready(wire::Ready {}));
    for key in [one, two, three] {
        assert!(world.actions(key).contains(&"x".into()));
    }
    world.wait(Duration::from_secs(6));
    assert!(world.faults(agent).is_empty());
}

#[test]
fn a_worker_that_dies_before_it_is_ready_leaves_those_who_wait_for_room_to_the_next() {
    let mut world = World::with_limits(true, 1, narrow());
    let agent = world.start(Agent, 1);
    let one = world.join(Worker, 2);
    fill(&mut world, agent, Route::App, 0);
    world.send_message(agent, big(Route::App, 0, 9));
    world.kill(one);
    let two = world.start(Worker, 3);
    let told = world.actions(two);
    assert_eq!(told.iter().filter(|action| *action == "big").count(), 3);
    assert!(world.faults(agent).is_empty());
}

#[test]
fn a_slot_that_is_filled_again_is_not_opened_by_the_end_of_the_last_one() {
    let mut world = World::new(true, 1);
    let agent = world.join(Agent, 1);
    let one = world.join(Worker, 2);
    world.say(one, Body::Goodbye(wire::Goodbye {}));
    let two = world.start(Worker, 3);
    world.kill(one);
    world.send(agent, Route::App, "x");
    world.say(agent, Body::Ready(wire::Ready {}));
    assert_eq!(world.actions(two), ["x", "egg-ready"]);
    assert!(world.faults(agent).is_empty());
}
