//! Each request ends in exactly one way.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};

use super::world::{World, message};
use crate::limits::Limits;

fn pair() -> (World, usize, usize) {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(agent);
    world.read(worker);
    (world, agent, worker)
}

#[test]
fn a_reply_ends_a_request_and_a_second_one_is_dropped() {
    let (mut world, agent, worker) = pair();
    let (want, route) = (Want::Reply.into(), Route::Agent.into());
    world.send_message(
        worker,
        Message {
            route,
            id: 7,
            want,
            timeout_ms: 500,
            ..message("ask")
        },
    );
    assert_eq!(world.actions(agent), ["ask"]);
    let connection = world.connection(worker);
    world.reply(agent, connection, 7);
    world.reply(agent, connection, 7);
    assert_eq!(world.actions(worker), ["reply"]);
    assert!(world.faults(agent).is_empty());
    assert_eq!(world.hub.status().late_replies, 1);
    world.wait(Duration::from_secs(1));
    assert!(world.faults(worker).is_empty());
}

#[test]
fn only_the_one_that_was_asked_may_reply() {
    let (mut world, _, worker) = pair();
    let other = world.start(Worker, 3);
    world.read(other);
    world.ask(worker, Route::Agent, 7);
    let connection = world.connection(worker);
    world.reply(other, connection, 7);
    assert_eq!(world.faults(other), [(Code::Forbidden, 0)]);
    assert!(world.actions(worker).is_empty());
}

#[test]
fn a_request_times_out() {
    let (mut world, _, worker) = pair();
    let (want, route) = (Want::Reply.into(), Route::Agent.into());
    world.send_message(
        worker,
        Message {
            route,
            id: 7,
            want,
            timeout_ms: 500,
            ..message("ask")
        },
    );
    world.wait(Duration::from_millis(499));
    assert!(world.faults(worker).is_empty());
    world.wait(Duration::from_millis(1));
    assert_eq!(world.faults(worker), [(Code::TimedOut, 7)]);
}

#[test]
fn a_request_that_was_read_by_one_that_dies_is_answered_gone() {
    let (mut world, agent, worker) = pair();
    world.ask(worker, Route::Agent, 7);
    world.read(agent);
    world.kill(agent);
    assert_eq!(world.faults(worker), [(Code::Gone, 7)]);
}

#[test]
fn a_request_that_was_not_read_is_asked_of_the_next_agent() {
    let (mut world, agent, worker) = pair();
    world.ask(worker, Route::Agent, 7);
    world.kill(agent);
    let next = world.start(Agent, 3);
    assert_eq!(world.actions(next), ["ask", "egg-ready"]);
    let connection = world.connection(worker);
    world.reply(next, connection, 7);
    assert_eq!(world.actions(worker), ["reply"]);
}

#[test]
fn a_request_to_a_pid_that_dies_unread_is_undeliverable() {
    let (mut world, agent, worker) = pair();
    let (want, route) = (Want::Reply.into(), Route::Pid.into());
    world.send_message(
        agent,
        Message {
            route,
            pid: 2,
            id: 7,
            want,
            ..message("ask")
        },
    );
    world.kill(worker);
    assert_eq!(world.faults(agent), [(Code::Undeliverable, 7)]);
}

#[test]
fn a_reply_comes_before_ready() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.join(Worker, 2));
    world.send_to(agent, 2, "held");
    world.ask(worker, Route::Agent, 7);
    let connection = world.connection(worker);
    world.reply(agent, connection, 7);
    assert_eq!(world.actions(worker), ["reply"]);
    world.say(worker, Body::Ready(wire::Ready {}));
    assert_eq!(world.actions(worker), ["held", "egg-ready"]);
}

#[test]
fn a_wanted_reply_of_many_makes_no_sense() {
    let (mut world, _, worker) = pair();
    world.ask(worker, Route::Broadcast, 7);
    assert_eq!(world.faults(worker), [(Code::Malformed, 7)]);
}

#[test]
fn an_id_is_open_once() {
    let (mut world, _, worker) = pair();
    world.ask(worker, Route::Agent, 7);
    world.ask(worker, Route::Agent, 7);
    assert_eq!(world.faults(worker), [(Code::Malformed, 7)]);
}

#[test]
fn open_requests_have_a_limit() {
    let limits = Limits {
        requests_max: 2,
        ..Limits::default()
    };
    let mut world = World::with_limits(false, 0, limits);
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    for id in 1..=3 {
        world.ask(worker, Route::Agent, id);
    }
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 3)]);
}

#[test]
fn who_asked_and_left_is_asked_no_more() {
    let (mut world, agent, worker) = pair();
    world.ask(worker, Route::Agent, 7);
    let connection = world.connection(worker);
    world.kill(worker);
    world.reply(agent, connection, 7);
    assert_eq!(world.hub.status().open_requests, 0);
    assert_eq!(world.hub.status().late_replies, 1);
}
