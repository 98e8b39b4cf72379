//! Every refusal says what to do about it.
//!
//! Those of a Hello are beside the check of it; those that only a session can give
//! (NOT_REGISTERED in time, FULL) are in `tests/refusing.rs`.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Operator, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};

use super::messages::{ask, big, fill, narrow, to_agent, to_pid};
use super::world::{World, message};
use crate::hub::Door;
use crate::limits::Limits;
use crate::roster::Key;

/// The last fault that `key` hears has that code, is about that message, and advises so.
#[track_caller]
fn check(world: &mut World, key: Key, code: Code, id: u64, advice: &str) {
    let told = world.read(key).into_iter().rev();
    let mut faults = told.filter_map(|frame| match frame.body {
        Some(Body::Fault(fault)) => Some(fault),
        _ => None,
    });
    let fault = faults.next().expect("it hears a fault");
    assert_eq!((fault.code(), fault.id), (code, id), "{}", fault.detail);
    assert!(
        fault.detail.contains(advice),
        "{:?} does not advise {advice:?}",
        fault.detail
    );
    let counted = &world.hub.status().refused;
    assert!(counted.contains_key(code.as_str_name()), "{counted:?}");
}

/// A message of `worker` to itself, but for what is given, is refused so.
#[track_caller]
fn check_message(said: Message, code: Code, advice: &str) {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    world.send_message(worker, Message { id: 7, ..said });
    check(&mut world, worker, code, 7, advice);
}

#[track_caller]
fn check_body(body: Body, code: Code, advice: &str) {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    world.say(worker, body);
    check(&mut world, worker, code, 0, advice);
}

#[test]
fn what_makes_no_sense_is_malformed() {
    let app = || Message {
        route: Route::App.into(),
        ..message("x")
    };
    check_message(message("x"), Code::Malformed, "set one of the schema's");
    let want = 77;
    check_message(Message { want, ..app() }, Code::Malformed, "set one of");
    let want = Want::Reply.into();
    check_message(Message { want, ..app() }, Code::Malformed, "one receiver");
    check_body(Body::Ready(wire::Ready {}), Code::Malformed, "once");
    let hello = Body::Hello(wire::Hello::default());
    check_body(hello, Code::Malformed, "once");
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    let said = Message {
        id: 0,
        want: Want::Receipt.into(),
        ..app()
    };
    world.send_message(worker, said);
    check(&mut world, worker, Code::Malformed, 0, "needs an id");
    world.start(Agent, 2);
    for _ in 0..2 {
        ask(&mut world, worker, to_agent(), 7, 60_000);
    }
    check(&mut world, worker, Code::Malformed, 7, "use another id");
    let now = world.now;
    // Field 32, and no body that is known.
    let frame = henhouse_proto::reader::Frame::Borrowed(&[0x82, 0x02, 1, 0xff]);
    world.hub.take(worker, frame, now);
    check(&mut world, worker, Code::Malformed, 0, "see the schema");
}

#[test]
fn what_is_not_the_senders_to_say_is_forbidden() {
    let reserved = Message {
        route: Route::App.into(),
        ..message("egg-ready")
    };
    check_message(reserved, Code::Forbidden, "choose another name");
    let receipt = Body::Receipt(wire::Receipt::default());
    check_body(receipt, Code::Forbidden, "leave it out");
    let command = Body::Command(wire::Command::default());
    check_body(command, Code::Forbidden, "say Hello as one");
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let other = world.start(Worker, 3);
    ask(&mut world, one, to_pid(2), 7, 60_000);
    let connection = world.connection(one);
    world.reply(other, connection, 7);
    check(
        &mut world,
        other,
        Code::Forbidden,
        0,
        "only that one may reply",
    );
    world.read(two);
}

#[test]
fn a_command_that_is_not_known_says_so() {
    let mut world = World::new(false, 0);
    let operator = world.join(Operator, 1);
    world.say(operator, Body::Command(wire::Command { id: 3, verb: None }));
    check(&mut world, operator, Code::Malformed, 3, "older version");
}

#[test]
fn broken_bytes_and_long_frames_end_the_connection_with_a_reason() {
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let now = world.now;
    let broken = henhouse_proto::reader::Frame::Borrowed(&[0x22, 200]);
    world.hub.take(one, broken, now);
    check(&mut world, one, Code::Malformed, 0, "no end");
    let claimed = henhouse_proto::reader::TooLarge {
        claimed: 17 << 20,
        bytes_max: 16 << 20,
    };
    world.hub.too_large(two, claimed, now);
    check(&mut world, two, Code::TooLarge, 0, "send less at a time");
    assert!(world.hub.status().connections.is_empty());
}

#[test]
fn who_is_not_there_is_no_such_process() {
    check_message(to_pid(9), Code::NoSuchProcess, "egg-pids tells who is");
    let connection = 99;
    let left = Message {
        connection,
        ..to_pid(1)
    };
    check_message(left, Code::NoSuchProcess, "another may have its pid");
    check_message(to_agent(), Code::NoSuchProcess, "configure an [agent]");
}

#[test]
fn what_finds_no_room_in_time_is_undeliverable() {
    let patient = Limits {
        stall: Duration::from_secs(3_600),
        ..narrow()
    };
    let in_time = Duration::from_millis(5_300);
    let mut world = World::with_limits(true, 0, patient);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    fill(&mut world, one, Route::Pid, 2);
    world.send_message(one, big(Route::Pid, 2, 9));
    world.wait(in_time);
    check(
        &mut world,
        one,
        Code::Undeliverable,
        9,
        "see why it does not read",
    );
    fill(&mut world, one, Route::Agent, 0);
    world.send_message(one, big(Route::Agent, 0, 10));
    world.wait(in_time);
    check(
        &mut world,
        one,
        Code::Undeliverable,
        10,
        "see why the receiver does not start",
    );
    world.kill(two);
    check(
        &mut world,
        one,
        Code::Undeliverable,
        0,
        "send it again to somebody else",
    );
}

#[test]
fn a_stuck_receiver_hears_why_it_is_cut() {
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.send_to(one, 2, "x");
    world.wait(Duration::from_secs(11));
    check(&mut world, two, Code::Undeliverable, 0, "read all the time");
}

#[test]
fn a_worker_that_never_came_and_too_many_requests_are_undeliverable() {
    let limits = Limits {
        requests_max: 1,
        ..Limits::default()
    };
    let mut world = World::with_limits(true, 2, limits);
    let (agent, one) = (world.start(Agent, 1), world.start(Worker, 2));
    let said = Message {
        route: Route::App.into(),
        id: 5,
        ..message("x")
    };
    world.send_message(agent, said);
    world.wait(Duration::from_secs(6));
    check(
        &mut world,
        agent,
        Code::Undeliverable,
        5,
        "see why it does not start",
    );
    for id in [1, 2] {
        ask(&mut world, one, to_agent(), id, 60_000);
    }
    check(
        &mut world,
        one,
        Code::Undeliverable,
        2,
        "wait for replies first",
    );
}

#[test]
fn a_request_that_ends_without_a_reply_says_why() {
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    ask(&mut world, one, to_pid(2), 7, 100);
    world.wait(Duration::from_millis(200));
    check(&mut world, one, Code::TimedOut, 7, "give it more time");
    ask(&mut world, one, to_pid(2), 8, 60_000);
    world.read(two);
    world.kill(two);
    check(
        &mut world,
        one,
        Code::Gone,
        8,
        "may have acted on the request",
    );
}

#[test]
fn what_comes_while_the_master_shuts_down_is_told_so() {
    let mut world = World::new(true, 0);
    let worker = world.start(Worker, 1);
    let now = world.now;
    world.hub.shut_down(now);
    world.send_message(
        worker,
        Message {
            id: 3,
            ..to_agent()
        },
    );
    check(&mut world, worker, Code::ShuttingDown, 3, "when it is back");
    let fatal = world.try_join(Worker, 2).unwrap_err();
    assert_eq!(fatal.code, Code::ShuttingDown);
    assert!(fatal.detail.contains("when it is back"), "{}", fatal.detail);
}

#[test]
fn who_may_not_come_in_hears_what_to_do() {
    let limits = Limits {
        connections_per_pid_max: 1,
        ..Limits::default()
    };
    let mut world = World::with_limits(false, 0, limits);
    world.join(Agent, 1);
    let refused = |world: &mut World, role, pid| {
        let fatal = world.try_join(role, pid).unwrap_err();
        (fatal.code, fatal.detail)
    };
    let (code, detail) = refused(&mut world, Worker, 1);
    assert_eq!(code, Code::Full);
    assert!(detail.contains("close one"), "{detail}");
    let (code, detail) = refused(&mut world, Agent, 2);
    assert_eq!(code, Code::RoleTaken);
    assert!(detail.contains("stop it first"), "{detail}");
    let ready = henhouse_proto::frame::encode(Body::Ready(wire::Ready {}));
    let now = world.now;
    let fatal = world
        .hub
        .hello(&ready[4..], Door::InProcess, now)
        .unwrap_err();
    assert_eq!(fatal.code, Code::NotRegistered);
    assert!(fatal.detail.contains("must be Hello"), "{}", fatal.detail);
}
