//! What is under way when somebody leaves, times out or shuts down.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Operator, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};

use super::world::{World, message};
use crate::hub::Report;
use crate::limits::Limits;
use crate::roster::Key;

fn narrow() -> Limits {
    Limits {
        outbox_bytes_max: 10_000,
        waiting_bytes_max: 100_000,
        stall: Duration::from_secs(3_600),
        ..Limits::default()
    }
}

fn big(route: Route, pid: u32, id: u64) -> Message {
    Message {
        route: route.into(),
        pid,
        id,
        data: vec![1; 4_000].into(),
        ..message("big")
    }
}

/// Fills what waits for `pid` so far that the next big message finds no room.
fn fill(world: &mut World, from: Key, route: Route, pid: u32) {
    for _ in 0..2 {
        world.send_message(from, big(route, pid, 0));
    }
}

fn ask(world: &mut World, from: Key, to: Message, id: u64, timeout_ms: u32) {
    let want = Want::Reply.into();
    world.send_message(
        from,
        Message {
            id,
            want,
            timeout_ms,
            ..to
        },
    );
}

fn to_agent() -> Message {
    Message {
        route: Route::Agent.into(),
        ..message("ask")
    }
}

fn to_pid(pid: u32) -> Message {
    Message {
        route: Route::Pid.into(),
        pid,
        ..message("ask")
    }
}

/// A big reply to the one that asked.
fn big_reply(connection: u64, in_reply_to: u64) -> Message {
    Message {
        connection,
        in_reply_to,
        ..big(Route::Reply, 0, 0)
    }
}

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
fn at_shutdown_who_waits_for_a_mailbox_hears_that_the_master_shuts_down() {
    let mut world = World::with_limits(true, 1, narrow());
    let worker = world.start(Worker, 2);
    fill(&mut world, worker, Route::Agent, 0);
    world.send_message(worker, big(Route::Agent, 0, 9));
    let now = world.now;
    world.hub.shut_down(now);
    let down = Code::ShuttingDown;
    assert_eq!(world.faults(worker), [(down, 0), (down, 0), (down, 9)]);
    assert!(world.hub.may_read(worker));
}

#[test]
fn at_shutdown_a_random_message_that_waits_for_room_finds_no_other_worker() {
    let mut world = World::with_limits(true, 1, narrow());
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    fill(&mut world, agent, Route::Random, 0);
    world.send_message(agent, big(Route::Random, 0, 9));
    let now = world.now;
    world.hub.shut_down(now);
    world.kill(worker);
    assert!(world.faults(agent).contains(&(Code::ShuttingDown, 9)));
    assert_eq!(world.hub.waiting_bytes, 0);
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
