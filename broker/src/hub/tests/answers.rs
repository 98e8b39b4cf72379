//! How a request ends, whatever becomes of its message, of its reply, or of who was asked.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};

use super::messages::{ask, big, big_reply, fill, narrow, to_agent, to_pid};
use super::world::{World, message};

#[test]
fn a_reply_that_finds_no_room_ends_its_request() {
    let mut world = World::with_limits(true, 1, narrow());
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    ask(&mut world, worker, to_agent(), 7, 60_000);
    fill(&mut world, other, Route::Pid, 2);
    let connection = world.connection(worker);
    world.send_message(agent, big_reply(connection, 7));
    assert!(!world.hub.may_read(agent));
    world.wait(Duration::from_millis(5_300));
    assert_eq!(world.faults(agent), [(Code::Undeliverable, 0)]);
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 7)]);
    world.wait(Duration::from_secs(61));
    assert!(world.faults(worker).is_empty(), "it ends once");
}

#[test]
fn a_request_whose_reply_is_refused_at_once_ends_too() {
    let mut world = World::with_limits(true, 1, narrow());
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    ask(&mut world, worker, to_agent(), 7, 60_000);
    fill(&mut world, other, Route::Pid, 2);
    world.send_message(other, big(Route::Pid, 2, 0));
    world.wait(Duration::from_millis(5_300));
    let connection = world.connection(worker);
    world.send_message(agent, big_reply(connection, 7));
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 7)]);
}

#[test]
fn a_replier_that_dies_while_its_reply_waits_for_room_is_gone() {
    let mut world = World::with_limits(true, 1, narrow());
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    ask(&mut world, worker, to_agent(), 7, 60_000);
    fill(&mut world, other, Route::Pid, 2);
    let connection = world.connection(worker);
    world.send_message(agent, big_reply(connection, 7));
    world.kill(agent);
    assert_eq!(world.faults(worker), [(Code::Gone, 7)]);
}

#[test]
fn a_late_reply_that_wants_a_receipt_gets_one_that_says_nobody() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let late = Message {
        route: Route::Reply.into(),
        connection: world.connection(worker),
        in_reply_to: 7,
        id: 3,
        want: Want::Receipt.into(),
        ..message("late")
    };
    world.send_message(agent, late);
    let receipts: Vec<wire::Receipt> = world
        .read(agent)
        .into_iter()
        .filter_map(|frame| match frame.body {
            Some(Body::Receipt(receipt)) => Some(receipt),
            _ => None,
        })
        .collect();
    let nobody = wire::Receipt {
        id: 3,
        queued: 0,
        held: 0,
    };
    assert_eq!(receipts, [nobody]);
}

#[test]
fn a_request_that_timed_out_before_it_was_lost_has_ended_once() {
    let mut world = World::new(true, 1);
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    ask(&mut world, worker, to_pid(3), 7, 100);
    world.wait(Duration::from_millis(200));
    world.kill(other);
    assert_eq!(world.faults(worker), [(Code::TimedOut, 7)]);
}

#[test]
fn a_request_that_timed_out_while_its_sender_was_held_back_has_ended_once() {
    let mut world = World::with_limits(true, 1, narrow());
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    fill(&mut world, worker, Route::Pid, 3);
    ask(&mut world, worker, big(Route::Pid, 3, 0), 7, 100);
    world.wait(Duration::from_millis(5_300));
    assert_eq!(world.faults(worker), [(Code::TimedOut, 7)]);
    ask(&mut world, worker, big(Route::Pid, 3, 0), 8, 100);
    world.kill(other);
    let ended = world.faults(worker);
    assert_eq!(ended.iter().filter(|(_, id)| *id == 8).count(), 1);
}

#[test]
fn an_old_message_does_not_end_a_new_request_with_its_id() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    world.read(agent);
    ask(&mut world, worker, to_pid(3), 7, 100);
    world.wait(Duration::from_millis(200));
    ask(&mut world, worker, to_agent(), 7, 60_000);
    world.kill(other);
    assert_eq!(world.faults(worker), [(Code::TimedOut, 7)]);
    assert_eq!(world.actions(agent), ["ask"]);
    let connection = world.connection(worker);
    world.reply(agent, connection, 7);
    assert_eq!(world.actions(worker), ["reply"]);
}

#[test]
fn a_request_that_was_written_in_part_is_asked_of_the_next_agent() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(agent);
    ask(&mut world, worker, to_agent(), 7, 60_000);
    world.read_bytes(agent, 7);
    world.kill(agent);
    assert!(world.faults(worker).is_empty());
    let next = world.start(Agent, 3);
    assert!(world.actions(next).contains(&"ask".into()));
    let connection = world.connection(worker);
    world.reply(next, connection, 7);
    assert!(world.actions(worker).contains(&"reply".into()));
}

#[test]
fn a_request_to_a_pid_that_was_written_in_part_ends_once() {
    let mut world = World::new(true, 1);
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    world.read(other);
    ask(&mut world, worker, to_pid(3), 7, 60_000);
    world.read_bytes(other, 7);
    world.kill(other);
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 7)]);
}

#[test]
fn a_request_that_a_leaver_reads_to_its_end_is_answered_gone() {
    let mut world = World::new(true, 1);
    let (_, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    world.read(other);
    ask(&mut world, worker, to_pid(3), 7, 60_000);
    world.read_bytes(other, 7);
    world.say(other, Body::Goodbye(wire::Goodbye {}));
    world.read(other);
    world.kill(other);
    assert_eq!(world.faults(worker), [(Code::Gone, 7)]);
}
