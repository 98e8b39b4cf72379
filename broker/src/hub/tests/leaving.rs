//! What a process that leaves has left half done, and the last that it hears.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Operator, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Route, Want};

use super::messages::{big, fill, narrow, to_pid};
use super::world::World;
use crate::hub::Report;
use crate::limits::Limits;

#[test]
fn what_an_agent_left_half_written_reaches_one_that_is_there_already() {
    let mut world = World::new(true, 1);
    let (first, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(first);
    world.send(worker, Route::Agent, "a");
    world.read_bytes(first, 7);
    world.say(first, Body::Goodbye(wire::Goodbye {}));
    let second = world.start(Agent, 3);
    world.actions(second);
    world.kill(first);
    assert_eq!(world.actions(second), ["a"]);
}

#[test]
fn what_an_agent_left_half_written_comes_first_to_one_that_is_not_ready() {
    let mut world = World::new(true, 1);
    let (first, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(first);
    world.send(worker, Route::Agent, "a");
    world.read_bytes(first, 7);
    world.say(first, Body::Goodbye(wire::Goodbye {}));
    world.send(worker, Route::Agent, "b");
    let second = world.join(Agent, 3);
    world.kill(first);
    world.say(second, Body::Ready(wire::Ready {}));
    assert_eq!(world.actions(second), ["a", "b", "egg-ready"]);
}

#[test]
fn a_fatal_fault_is_the_last_frame() {
    let limits = Limits {
        stall: Duration::from_millis(3_000),
        ..narrow()
    };
    let mut world = World::with_limits(true, 1, limits);
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    // The worker reads nothing, and is held back just before it is found to be stuck.
    fill(&mut world, worker, Route::Pid, 3);
    world.read(other);
    fill(&mut world, worker, Route::Pid, 3);
    world.now += Duration::from_millis(2_990);
    world.read_bytes(other, 1);
    world.now += Duration::from_millis(10);
    world.send_message(
        worker,
        Message {
            want: Want::Receipt.into(),
            ..big(Route::Pid, 3, 9)
        },
    );
    world.wait(Duration::from_millis(300));
    world.read(other);
    let last = world.read(worker).pop().and_then(|frame| frame.body);
    assert!(
        matches!(&last, Some(Body::Fault(fault)) if fault.fatal),
        "{last:?}"
    );
}

#[test]
fn goodbye_is_the_last_frame_when_the_broker_says_it() {
    let mut world = World::new(false, 0);
    let agent = world.start(Agent, 1);
    let (one, two) = (world.start(Worker, 2), world.start(Worker, 3));
    world.send_to(agent, 2, "a");
    world.send(agent, Route::Random, "r");
    let now = world.now;
    world.hub.say_goodbye(now);
    world.kill(one);
    world.wait(Duration::from_millis(100));
    for key in [agent, two] {
        let last = world.read(key).pop().and_then(|frame| frame.body);
        assert_eq!(last, Some(Body::Goodbye(wire::Goodbye {})));
    }
}

#[test]
fn who_says_goodbye_hears_first_of_everything_that_was_refused() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    let mut sent = 0;
    while world.hub.may_read(worker) {
        sent += 1;
        world.send_message(
            worker,
            Message {
                id: sent,
                ..to_pid(9)
            },
        );
    }
    let other = world.start(Worker, 2);
    // One that was passed on is lost when the reserve is full already.
    world.read_bytes(worker, 1 << 12);
    world.send_message(
        worker,
        Message {
            id: sent + 1,
            ..to_pid(2)
        },
    );
    while world.hub.may_read(worker) {
        sent += 1;
        world.send_message(
            worker,
            Message {
                id: sent + 1,
                ..to_pid(9)
            },
        );
    }
    world.kill(other);
    assert!(!world.hub.may_read(worker));
    // The process is dead to us only when it has heard that.
    let now = world.now;
    world.hub.goodbye(worker, now);
    assert_eq!(world.faults(worker).len() as u64, sent + 1);
}

#[test]
fn an_operator_that_does_not_read_its_reports_is_ended() {
    let mut world = World::new(false, 0);
    let operator = world.join(Operator, 1);
    let connection = world.connection(operator);
    for _ in 0..1_000 {
        let now = world.now;
        let line = Report::Line("x".repeat(100_000));
        world.hub.report(connection, 1, line, now);
        world.check();
    }
    assert!(world.hub.waiting_bytes < 16 << 20);
    let last = world.read(operator).pop().and_then(|frame| frame.body);
    assert!(
        matches!(&last, Some(Body::Fault(fault)) if fault.fatal),
        "{last:?}"
    );
}
