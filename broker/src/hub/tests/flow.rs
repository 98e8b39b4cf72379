//! Who is held back, for whom, and until when.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Route, Want};

use super::world::{World, message};
use crate::hub::BrokerEvent;
use crate::limits::Limits;
use crate::roster::Key;

fn narrow() -> Limits {
    Limits {
        outbox_bytes_max: 10_000,
        waiting_bytes_max: 100_000,
        ..Limits::default()
    }
}

fn big(pid: u32, id: u64) -> Message {
    Message {
        route: Route::Pid.into(),
        pid,
        id,
        want: Want::Receipt.into(),
        data: vec![1; 4_000].into(),
        ..message("big")
    }
}

/// Sends until the sender is held back, and gives the number of messages that were taken.
fn fill(world: &mut World, from: Key, pid: u32) -> u64 {
    for id in 1.. {
        if !world.hub.may_read(from) {
            return id - 1;
        }
        world.send_message(from, big(pid, id));
    }
    unreachable!("an outbox is bounded")
}

#[test]
fn a_sender_is_held_back_until_there_is_room_and_nobody_else_is() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let three = world.start(Worker, 3);
    let sent = fill(&mut world, one, 2);
    assert_eq!(sent, 3, "two fit, and the third waits");
    world.send_to(three, 1, "hello");
    assert!(world.hub.may_read(three));
    assert_eq!(world.actions(two).len(), 1 + 3);
    assert!(world.hub.may_read(one));
    assert_eq!(world.actions(two).len(), 0);
    assert!(world.faults(one).is_empty());
}

#[test]
fn a_message_to_one_that_takes_nothing_is_refused_in_time_and_further_ones_at_once() {
    let mut world = World::with_limits(
        false,
        0,
        Limits {
            stall: Duration::MAX / 8,
            ..narrow()
        },
    );
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    fill(&mut world, one, 2);
    world.wait(Duration::from_millis(4_900));
    assert!(!world.hub.may_read(one));
    world.wait(Duration::from_millis(400));
    assert!(world.hub.may_read(one));
    world.send_message(one, big(2, 4));
    assert_eq!(
        world.faults(one),
        [(Code::Undeliverable, 3), (Code::Undeliverable, 4)]
    );
    world.read(two);
    world.send_message(one, big(2, 5));
    assert!(world.faults(one).is_empty(), "there is room again");
}

#[test]
fn a_receiver_that_goes_on_taking_keeps_its_senders_waiting_and_loses_nothing() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let sent = fill(&mut world, one, 2);
    for _ in 0..8 {
        world.wait(Duration::from_secs(3));
        world.read_bytes(two, 100);
    }
    world.read_bytes(two, 8_000);
    assert!(world.hub.may_read(one));
    assert!(world.faults(one).is_empty());
    assert_eq!(world.actions(two).len() as u64, sent + 1);
}

#[test]
fn a_receiver_that_takes_nothing_is_cut() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(two);
    world.hub.take_events();
    world.send_to(one, 2, "x");
    world.wait(Duration::from_millis(9_900));
    assert!(
        !world
            .hub
            .take_events()
            .contains(&BrokerEvent::Stuck { incarnation: 0 })
    );
    world.wait(Duration::from_millis(300));
    assert!(
        world
            .hub
            .take_events()
            .contains(&BrokerEvent::Stuck { incarnation: 0 })
    );
    assert_eq!(world.faults(one), [(Code::Undeliverable, 0)]);
    assert_eq!(
        world.faults(two),
        [(Code::Undeliverable, 0)],
        "and hears why"
    );
}

#[test]
fn a_sender_to_many_goes_on_in_time_and_those_who_read_lose_nothing_by_one_who_does_not() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let sleeper = world.start(Worker, 3);
    world.read(two);
    let step = Duration::from_millis(100);
    let longest = narrow().stall + Duration::from_secs(2);
    for id in 1..=50 {
        let mut held = Duration::ZERO;
        while !world.hub.may_read(one) {
            world.wait(step);
            world.read(one);
            held += step;
            assert!(
                held <= longest,
                "held back for {held:?} before message {id}"
            );
        }
        world.send_message(
            one,
            Message {
                route: Route::App.into(),
                others: true,
                ..big(0, id)
            },
        );
        assert_eq!(world.actions(two), ["big"], "message {id}");
        world.read(one);
        world.wait(Duration::from_millis(300));
    }
    let last = world.read(sleeper).pop().and_then(|frame| frame.body);
    assert!(
        matches!(&last, Some(Body::Fault(fault)) if fault.fatal),
        "{last:?}"
    );
}

#[test]
fn a_receiver_that_trickles_is_cut_in_the_end() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(two);
    fill(&mut world, one, 2);
    for _ in 0..31 {
        world.read_bytes(two, 1);
        world.wait(Duration::from_secs(1));
    }
    let events = world.hub.take_events();
    assert!(events.contains(&BrokerEvent::Stuck { incarnation: 0 }));
}

#[test]
fn two_that_flood_each_other_both_live_and_go_on() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(one);
    world.read(two);
    fill(&mut world, one, 2);
    fill(&mut world, two, 1);
    world.wait(Duration::from_millis(5_400));
    assert!(world.hub.may_read(one) && world.hub.may_read(two));
    // Now that their sends are answered they read again.
    assert!(!world.actions(one).is_empty());
    assert!(!world.actions(two).is_empty());
    world.wait(Duration::from_secs(9));
    assert!(
        !world
            .hub
            .take_events()
            .contains(&BrokerEvent::Stuck { incarnation: 0 })
    );
}

#[test]
fn a_full_mailbox_holds_its_senders_back_and_then_refuses() {
    let mut world = World::with_limits(true, 0, narrow());
    let worker = world.start(Worker, 1);
    let message = |id| Message {
        route: Route::Agent.into(),
        ..big(0, id)
    };
    for id in 1..=3 {
        world.send_message(worker, message(id));
    }
    assert!(!world.hub.may_read(worker));
    world.wait(Duration::from_millis(5_300));
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 3)]);
    let agent = world.start(Agent, 2);
    assert_eq!(world.actions(agent).len(), 2 + 1);
}

#[test]
fn who_waits_for_the_mailbox_gets_its_turn_when_the_agent_comes() {
    let mut world = World::with_limits(true, 0, narrow());
    let worker = world.start(Worker, 1);
    for id in 1..=3 {
        world.send_message(
            worker,
            Message {
                route: Route::Agent.into(),
                ..big(0, id)
            },
        );
    }
    let agent = world.start(Agent, 2);
    assert_eq!(world.actions(agent), ["big", "big", "egg-ready", "big"]);
    assert!(world.hub.may_read(worker));
}

#[test]
fn who_waits_for_a_receiver_that_dies_goes_on() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    fill(&mut world, one, 2);
    world.kill(two);
    assert!(world.hub.may_read(one));
    let mut faults = world.faults(one);
    faults.sort_by_key(|(_, id)| *id);
    let lost = Code::Undeliverable;
    assert_eq!(faults, [(lost, 1), (lost, 2), (lost, 3)]);
}

#[test]
fn an_empty_outbox_takes_any_one_frame() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(two);
    world.send_message(
        one,
        Message {
            data: vec![1; 50_000].into(),
            ..big(2, 1)
        },
    );
    assert!(world.hub.may_read(one));
    assert_eq!(world.actions(two), ["big"]);
}

#[test]
fn the_limit_over_all_holds_back_and_is_let_go() {
    let limits = Limits {
        outbox_bytes_max: 60_000,
        waiting_bytes_max: 70_000,
        ..narrow()
    };
    let mut world = World::with_limits(false, 0, limits);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let three = world.start(Worker, 3);
    fill(&mut world, one, 2);
    let four = world.start(Worker, 4);
    fill(&mut world, four, 3);
    world.check();
    world.read(two);
    assert!(world.hub.may_read(one));
    world.read(three);
    assert_eq!(world.hub.blocked.len(), 0);
}

#[test]
fn what_a_process_makes_the_broker_say_has_a_bound() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    let mut asked = 0;
    while world.hub.may_read(worker) {
        world.say(worker, Body::Ping(wire::Ping { nonce: 1 }));
        asked += 1;
    }
    assert!(asked > 100 && asked < 10_000, "{asked}");
    let pongs = world
        .read(worker)
        .into_iter()
        .filter(|frame| matches!(frame.body, Some(Body::Pong(_))));
    assert_eq!(pongs.count(), asked);
    assert!(world.hub.may_read(worker));
}

#[test]
fn of_many_refusals_none_is_forgotten() {
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(two);
    for id in 1..=5_000 {
        world.send_message(
            one,
            Message {
                data: "x".into(),
                want: 0,
                ..big(2, id)
            },
        );
    }
    world.kill(two);
    let mut told = Vec::new();
    while told.len() < 5_000 {
        let faults = world.faults(one);
        assert!(!faults.is_empty(), "only {} were told", told.len());
        told.extend(faults.into_iter().map(|(_, id)| id));
    }
    assert_eq!(told, (1..=5_000).collect::<Vec<_>>());
    assert_eq!(world.hub.waiting_bytes, 0);
}

#[test]
fn at_most_one_egg_pids_waits_per_receiver() {
    let mut world = World::new(false, 0);
    let one = world.start(Worker, 1);
    world.read(one);
    for pid in 2..100 {
        world.start(Worker, pid);
        world.wait(Duration::from_millis(60));
    }
    let frames = world.read(one);
    let pids: Vec<_> = frames
        .iter()
        .filter_map(|frame| match &frame.body {
            Some(Body::Message(message)) if message.action == "egg-pids" => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(pids.len(), 1);
    let told: wire::Pids = prost::Message::decode(pids[0].data.clone()).unwrap();
    assert_eq!(told.worker.len(), 99);
}

#[test]
fn those_who_get_ready_together_are_told_of_together() {
    let mut world = World::new(false, 0);
    let one = world.start(Worker, 1);
    world.wait(Duration::from_millis(60));
    world.read(one);
    for pid in 2..=50 {
        world.start(Worker, pid);
        world.wait(Duration::from_millis(1));
        let told = world.read(one);
        assert!(
            told.is_empty(),
            "told of {pid} before all are there: {told:?}"
        );
    }
    world.wait(Duration::from_millis(1));
    let told = world.read(one);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn one_that_is_silent_is_asked_once_whether_it_is_there_and_may_go_on_being_silent() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 1);
    let pings = |world: &mut World| {
        let frames = world.read(worker).into_iter();
        frames
            .filter(|frame| matches!(frame.body, Some(Body::Ping(_))))
            .count()
    };
    world.wait(Duration::from_secs(1));
    assert_eq!(pings(&mut world), 0);
    world.wait(Duration::from_secs(13));
    assert_eq!(pings(&mut world), 0);
    world.wait(Duration::from_secs(3));
    assert_eq!(pings(&mut world), 1);
    world.wait(Duration::from_secs(3_600));
    assert_eq!(pings(&mut world), 0);
    let now = world.now;
    world.hub.heard(worker, now);
    world.wait(Duration::from_secs(18));
    assert_eq!(pings(&mut world), 1);
    assert_eq!(world.hub.status().connections.len(), 1);
}

#[test]
fn who_was_not_read_for_want_of_memory_is_woken_when_there_is_some() {
    let mut world = World::with_limits(false, 0, narrow());
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.hub.receiving(one, 40_000);
    world.hub.receiving(two, 10_000);
    assert!(!world.hub.may_read(one) && !world.hub.may_read(two));
    let mut marked = Vec::new();
    world.hub.take_marked(&mut marked);
    marked.clear();
    world.hub.receiving(two, 0);
    world.hub.take_marked(&mut marked);
    assert!(marked.contains(&one) && world.hub.may_read(one));
}

#[test]
fn who_is_held_back_in_the_middle_of_a_frame_is_not_ended_for_that() {
    let limits = Limits {
        send_timeout: Duration::from_secs(60),
        stall: Duration::from_secs(20),
        ..narrow()
    };
    let mut world = World::with_limits(false, 0, limits);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    world.read(one);
    fill(&mut world, one, 2);
    world.hub.receiving(one, 50_000);
    for _ in 0..40 {
        world.read_bytes(two, 100);
        world.wait(Duration::from_secs(1));
    }
    assert_eq!(world.faults(one), []);
    world.hub.receiving(one, 0);
}
