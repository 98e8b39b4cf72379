//! What one that drains still gets, and who gets the rest.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::Route::{self, Broadcast, Random};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code};

use super::world::World;
use crate::hub::Seat;
use crate::roster::{self, Key};

/// An agent that the process layer has started, ready, and a worker.
fn house() -> (World, Key, Key) {
    let mut world = World::new(true, 1);
    let seat = Seat {
        incarnation: 5,
        role: roster::Role::Agent,
        index: 0,
        generation: 1,
    };
    world.hub.admit("token".into(), seat);
    let agent = world.join_with(Agent, 1, "token").unwrap();
    world.say(agent, Body::Ready(wire::Ready {}));
    let worker = world.start(Worker, 2);
    world.read(agent);
    world.read(worker);
    (world, agent, worker)
}

fn drain(world: &mut World) {
    let now = world.now;
    let deadline = Duration::from_secs(5);
    world.hub.drain(5, deadline, "it is replaced", now);
}

#[test]
fn from_its_drain_on_what_is_for_the_agent_waits_for_the_next_one() {
    let (mut world, agent, worker) = house();
    world.send(worker, Route::Agent, "old");
    drain(&mut world);
    for route in [Route::Agent, Broadcast, Random] {
        world.send(worker, route, "new");
    }
    world.send_to(worker, 1, "for it alone");
    assert_eq!(world.actions(agent), ["old", "for it alone"]);
    world.say(agent, Body::Goodbye(wire::Goodbye {}));
    let next = world.start(Agent, 3);
    assert_eq!(world.actions(next), ["new", "new", "new", "egg-ready"]);
}

#[test]
fn at_shutdown_the_agent_is_served_until_its_own_drain() {
    let (mut world, agent, worker) = house();
    let now = world.now;
    world.hub.shut_down(now);
    world.send(worker, Route::Agent, "last");
    assert_eq!(world.actions(agent), ["last"]);
    drain(&mut world);
    world.send(worker, Route::Agent, "too late");
    assert_eq!(world.faults(worker), [(Code::ShuttingDown, 0)]);
    assert!(world.actions(agent).is_empty());
}

#[test]
fn one_that_drains_hears_the_replies_to_what_it_asks() {
    let (mut world, agent, worker) = house();
    world.say(worker, Body::Failing(wire::Failing::default()));
    world.ask(worker, Route::Agent, 7);
    assert_eq!(world.actions(agent), ["ask"]);
    let connection = world.connection(worker);
    world.reply(agent, connection, 7);
    assert_eq!(world.actions(worker), ["reply"]);
}

#[test]
fn a_drain_is_told_with_its_deadline_and_its_cause() {
    let (mut world, agent, _) = house();
    drain(&mut world);
    let told = world
        .read(agent)
        .into_iter()
        .find_map(|frame| match frame.body {
            Some(Body::Drain(drain)) => Some(drain),
            _ => None,
        });
    let expected = wire::Drain {
        deadline_ms: 5_000,
        cause: "it is replaced".into(),
    };
    assert_eq!(told, Some(expected));
}
