//! What the process layer hears.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Route};

use super::world::{World, message};
use crate::hub::{BrokerEvent, Seat};
use crate::limits::Limits;
use crate::roster::Role;

fn seat(incarnation: u64) -> Seat {
    Seat {
        incarnation,
        role: Role::Worker,
        index: 0,
        generation: 1,
    }
}

fn left(world: &mut World) -> usize {
    let events = world.hub.take_events();
    events
        .iter()
        .filter(|event| matches!(event, BrokerEvent::Left { .. }))
        .count()
}

#[test]
fn a_process_has_left_when_its_last_connection_has() {
    let mut world = World::new(false, 0);
    world.hub.admit("token".into(), seat(5));
    let one = world.join_with(Worker, 1, "token").unwrap();
    let two = world.join_with(Worker, 1, "token").unwrap();
    world.kill(one);
    assert_eq!(left(&mut world), 0);
    world.kill(two);
    assert_eq!(left(&mut world), 1);
}

#[test]
fn one_that_is_asked_to_go_before_it_came_comes_no_more() {
    let mut world = World::new(false, 0);
    world.hub.admit("token".into(), seat(5));
    let (now, minute) = (world.now, Duration::from_secs(60));
    world.hub.drain(5, minute, "the end", now);
    // Here everybody of the same user may come, but not to that seat.
    world.join_with(Worker, 1, "token").unwrap();
    assert!(world.hub.seated(5).is_empty());
}

#[test]
fn an_agent_that_is_expected_no_more_is_sent_nothing_and_what_waited_for_it_comes_back() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    let to_agent = |id| Message {
        route: Route::Agent.into(),
        id,
        want: wire::Want::Receipt.into(),
        ..message("x")
    };
    let now = world.now;
    world.hub.expect_agent(true, now);
    world.send_message(worker, to_agent(1));
    let agent = world.start(Agent, 2);
    world.send_message(worker, to_agent(2));
    world.hub.expect_agent(false, now);
    // It takes the first two, or hands back what it did not take.
    let seen = world.read_some(agent, 0).len();
    assert_eq!(seen, 0);
    world.kill(agent);
    world.send_message(worker, to_agent(3));
    let codes: Vec<_> = world
        .read(worker)
        .into_iter()
        .filter_map(|frame| match frame.body {
            Some(Body::Fault(fault)) => Some((fault.id, fault.code())),
            _ => None,
        })
        .collect();
    let lost = wire::Code::Undeliverable;
    let nobody = wire::Code::NoSuchProcess;
    assert_eq!(codes, [(1, lost), (2, lost), (3, nobody)]);
    // And one that waits where there is nobody hears so at once.
    world.hub.expect_agent(true, now);
    world.send_message(worker, to_agent(4));
    world.hub.expect_agent(false, now);
    let told = world.read(worker);
    let told = told.iter().any(|frame| match &frame.body {
        Some(Body::Fault(fault)) => (fault.id, fault.code()) == (4, nobody),
        _ => false,
    });
    assert!(told);
}

#[test]
fn one_that_is_asked_to_go_before_it_is_ready_hears_so_and_its_ready_is_told() {
    let mut world = World::new(false, 0);
    world.hub.admit("token".into(), seat(5));
    let one = world.join_with(Worker, 1, "token").unwrap();
    let (now, minute) = (world.now, Duration::from_secs(60));
    world.hub.drain(5, minute, "the end", now);
    let heard = world.read(one);
    let drain = |frame: &wire::Frame| matches!(frame.body, Some(Body::Drain(_)));
    assert!(heard.iter().any(drain), "{heard:?}");
    world.hub.take_events();
    world.say(one, Body::Ready(wire::Ready {}));
    let ready = BrokerEvent::Ready { incarnation: 5 };
    assert!(world.hub.take_events().contains(&ready));
}

#[test]
fn a_process_that_beats_is_not_taken_for_silent_while_it_is_held_back() {
    let limits = Limits {
        outbox_bytes_max: 1_000,
        ..Limits::default()
    };
    let mut world = World::with_limits(false, 0, limits);
    world.hub.admit("token".into(), seat(5));
    let one = world.join_with(Worker, 1, "token").unwrap();
    world.start(Worker, 2);
    world.say(one, Body::Beat(wire::Beat { active: 3 }));
    while world.hub.may_read(one) {
        let (route, data) = (Route::Pid.into(), vec![0; 600].into());
        world.send_message(
            one,
            Message {
                route,
                pid: 2,
                data,
                ..message("x")
            },
        );
    }
    world.hub.take_events();
    world.wait(Duration::from_secs(1));
    let beat = BrokerEvent::Beat {
        incarnation: 5,
        active: 3,
    };
    assert!(world.hub.take_events().contains(&beat));
}
