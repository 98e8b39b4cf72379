//! Who gets what, and what waits for whom.

use std::time::Duration;

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::Route::{self, App, Broadcast, Random};
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Message, Want};

use super::world::{World, message};

#[test]
fn three_processes_that_each_broadcast_once_make_nine_receipts() {
    let mut world = World::new(false, 0);
    let all = [
        world.start(Agent, 1),
        world.start(Worker, 2),
        world.start(Worker, 3),
    ];
    for key in all {
        world.actions(key);
    }
    for key in all {
        world.send(key, Broadcast, "hi");
    }
    for key in all {
        assert_eq!(world.actions(key), ["hi"; 3]);
    }
}

#[test]
fn others_leaves_the_sender_out() {
    let mut world = World::new(false, 0);
    let (one, two) = (world.start(Worker, 1), world.start(Worker, 2));
    let others = Message {
        route: App.into(),
        others: true,
        ..message("x")
    };
    world.send_message(one, others.clone());
    world.send_message(
        one,
        Message {
            route: Broadcast.into(),
            ..others
        },
    );
    assert_eq!(world.actions(one), ["egg-ready"]);
    assert_eq!(world.actions(two), ["egg-ready", "x", "x"]);
}

#[test]
fn the_sender_is_seen_and_cannot_be_forged() {
    let mut world = World::new(false, 0);
    let (agent, worker) = (world.start(Agent, 10), world.start(Worker, 20));
    world.read(worker);
    world.send_to(agent, 20, "hi");
    let frames = world.read(worker);
    let sender = frames.iter().find_map(|frame| match &frame.body {
        Some(Body::Message(message)) if message.action == "hi" => frame.sender,
        _ => None,
    });
    let connection = world.connection(agent);
    let expected = wire::Sender {
        pid: 10,
        role: Agent.into(),
        connection,
    };
    assert_eq!(sender, Some(expected));
}

#[test]
fn a_workers_random_message_is_for_the_agent() {
    let mut world = World::new(false, 0);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.send(worker, Random, "r");
    assert_eq!(world.actions(agent), ["egg-ready", "r"]);
}

#[test]
fn the_agents_random_messages_reach_every_worker_in_the_end_and_one_each() {
    let mut world = World::new(false, 0);
    let agent = world.start(Agent, 1);
    let workers = [
        world.start(Worker, 2),
        world.start(Worker, 3),
        world.start(Worker, 4),
    ];
    for _ in 0..60 {
        world.send(agent, Random, "r");
    }
    let counts = workers.map(|key| world.actions(key).len() - 1);
    assert_eq!(counts.iter().sum::<usize>(), 60);
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

#[test]
fn of_two_workers_the_one_with_less_waiting_gets_more_of_the_random_messages() {
    let mut world = World::new(false, 0);
    let agent = world.start(Agent, 1);
    let (busy, idle) = (world.start(Worker, 2), world.start(Worker, 3));
    world.actions(idle);
    for _ in 0..100 {
        world.send(agent, Random, "r");
        world.read(idle);
    }
    // With a choice of one they would get as many; of two, it gets only what has no choice.
    let count = world.actions(busy).len() - 1;
    assert!((10..40).contains(&count), "{count}");
}

#[test]
fn what_is_for_the_agent_waits_until_there_is_one() {
    let mut world = World::new(true, 1);
    let worker = world.start(Worker, 2);
    world.send(worker, Route::Agent, "a");
    world.send(worker, Broadcast, "b");
    world.send(worker, Random, "c");
    let agent = world.join(Agent, 1);
    world.send_to(worker, 1, "d");
    assert!(world.actions(agent).is_empty());
    world.say(agent, Body::Ready(wire::Ready {}));
    assert_eq!(world.actions(agent), ["a", "b", "c", "d", "egg-ready"]);
}

#[test]
fn what_an_agent_did_not_read_goes_to_the_next_before_newer_ones() {
    let mut world = World::new(true, 1);
    let (first, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.send(worker, Route::Agent, "a");
    world.send_to(worker, 1, "its own");
    world.send(worker, Route::Agent, "b");
    world.kill(first);
    world.send(worker, Route::Agent, "c");
    let second = world.start(Agent, 3);
    assert_eq!(world.actions(second), ["a", "b", "c", "egg-ready"]);
    assert_eq!(world.faults(worker), [(Code::Undeliverable, 0)]);
}

#[test]
fn a_frame_that_was_written_in_part_counts_as_not_sent() {
    let mut world = World::new(true, 1);
    let (first, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(first);
    world.send(worker, Route::Agent, "a");
    world.send(worker, Route::Agent, "b");
    world.read_bytes(first, 7);
    world.kill(first);
    let second = world.start(Agent, 3);
    assert_eq!(world.actions(second), ["a", "b", "egg-ready"]);
}

#[test]
fn without_an_agent_to_expect_there_is_nobody_to_wait_for() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 2);
    world.send(worker, Route::Agent, "a");
    assert_eq!(world.faults(worker), [(Code::NoSuchProcess, 0)]);
}

#[test]
fn before_the_first_egg_ready_each_expected_worker_has_a_mailbox_of_its_own() {
    let mut world = World::new(true, 2);
    let agent = world.start(Agent, 1);
    world.send(agent, App, "early");
    let one = world.start(Worker, 2);
    assert_eq!(world.actions(one), ["early"]);
    world.send(agent, Broadcast, "later");
    let two = world.start(Worker, 3);
    assert_eq!(world.actions(two), ["early", "later", "egg-ready"]);
    assert_eq!(world.actions(one), ["later", "egg-ready"]);
    let three = world.start(Worker, 4);
    assert_eq!(
        world.actions(three),
        ["egg-ready"],
        "it is owed nothing from before it joined"
    );
}

#[test]
fn a_worker_that_dies_before_it_is_ready_leaves_its_mailbox_to_the_next() {
    let mut world = World::new(true, 1);
    let agent = world.start(Agent, 1);
    world.send(agent, App, "early");
    let one = world.join(Worker, 2);
    world.kill(one);
    let two = world.start(Worker, 3);
    assert_eq!(world.actions(two), ["early", "egg-ready"]);
}

#[test]
fn a_random_message_waits_for_a_worker_and_keeps_its_place() {
    let mut world = World::new(true, 0);
    let agent = world.start(Agent, 1);
    world.send(agent, Random, "a");
    let worker = world.join(Worker, 2);
    world.send_to(agent, 2, "b");
    world.send(agent, Random, "c");
    world.say(worker, Body::Ready(wire::Ready {}));
    assert_eq!(world.actions(worker), ["a", "b", "c", "egg-ready"]);
}

#[test]
fn a_random_message_goes_to_another_worker_when_its_receiver_dies() {
    let mut world = World::new(false, 0);
    let (agent, one) = (world.start(Agent, 1), world.start(Worker, 2));
    world.read(agent);
    world.send(agent, Random, "r");
    let two = world.start(Worker, 3);
    world.kill(one);
    assert_eq!(world.actions(two), ["egg-ready", "r"]);
    assert!(world.faults(agent).is_empty());
}

#[test]
fn a_draining_worker_gets_only_what_is_meant_for_it_alone() {
    let mut world = World::new(false, 0);
    let (agent, one) = (world.start(Agent, 1), world.start(Worker, 2));
    let two = world.start(Worker, 3);
    world.say(
        one,
        Body::Failing(wire::Failing {
            reason: "broken".into(),
        }),
    );
    let asked = world
        .read(one)
        .into_iter()
        .any(|frame| matches!(frame.body, Some(Body::Drain(_))));
    assert!(asked, "nobody else is there to ask it to leave");
    for route in [App, Broadcast, Random] {
        world.send(agent, route, "no");
    }
    world.send_to(agent, 2, "yes");
    assert_eq!(world.actions(one), ["yes"]);
    assert_eq!(world.actions(two), ["egg-ready", "no", "no", "no"]);
}

#[test]
fn nobody_has_that_pid() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 2);
    let want = Want::Receipt.into();
    let lost = Message {
        route: Route::Pid.into(),
        pid: 9,
        id: 5,
        want,
        ..message("x")
    };
    world.send_message(worker, lost.clone());
    // The pid is right, and its owner another one by now.
    world.send_message(
        worker,
        Message {
            pid: 2,
            connection: 77,
            id: 6,
            ..lost
        },
    );
    assert_eq!(
        world.faults(worker),
        [(Code::NoSuchProcess, 5), (Code::NoSuchProcess, 6)]
    );
}

#[test]
fn a_receipt_tells_where_a_message_has_got() {
    let mut world = World::new(true, 2);
    let one = world.start(Worker, 2);
    let want = Want::Receipt.into();
    world.send_message(
        one,
        Message {
            route: Broadcast.into(),
            id: 5,
            want,
            ..message("x")
        },
    );
    let receipt = world
        .read(one)
        .into_iter()
        .find_map(|frame| match frame.body {
            Some(Body::Receipt(receipt)) => Some(receipt),
            _ => None,
        });
    assert_eq!(
        receipt,
        Some(wire::Receipt {
            id: 5,
            queued: 1,
            held: 2
        })
    );
}

#[test]
fn a_second_agent_is_turned_away_and_the_first_is_not_disturbed() {
    let mut world = World::new(false, 0);
    let agent = world.start(Agent, 1);
    let fatal = world.try_join(Agent, 2).unwrap_err();
    assert_eq!(fatal.code, Code::RoleTaken);
    world.send(agent, Route::Agent, "me");
    assert_eq!(world.actions(agent), ["egg-ready", "me"]);
}

#[test]
fn each_incarnation_hears_egg_ready_once_and_egg_pids_before_it() {
    let mut world = World::new(true, 1);
    let agent = world.start(Agent, 1);
    assert!(world.read(agent).len() <= 1, "only Welcome");
    let one = world.start(Worker, 2);
    let two = world.start(Worker, 3);
    world.wait(Duration::from_secs(1));
    for key in [agent, one, two] {
        let told: Vec<String> = world
            .read(key)
            .into_iter()
            .filter_map(|frame| match frame.body {
                Some(Body::Message(message)) => Some(message.action),
                _ => None,
            })
            .collect();
        let ready = told
            .iter()
            .position(|action| action == "egg-ready")
            .unwrap();
        assert_eq!(
            told.iter().filter(|action| *action == "egg-ready").count(),
            1
        );
        assert!(told[..ready].contains(&"egg-pids".to_owned()), "{told:?}");
    }
}

#[test]
fn who_does_not_come_in_time_is_owed_nothing_and_the_others_go_on() {
    let mut world = World::new(true, 2);
    let agent = world.start(Agent, 1);
    let want = Want::Receipt.into();
    world.send_message(
        agent,
        Message {
            route: App.into(),
            id: 1,
            want,
            ..message("x")
        },
    );
    let one = world.start(Worker, 2);
    world.wait(Duration::from_secs(6));
    assert_eq!(world.actions(one), ["x", "egg-ready"]);
    assert_eq!(world.faults(agent), [(Code::Undeliverable, 1)]);
}

#[test]
fn a_reserved_action_is_refused_and_nothing_ends() {
    let mut world = World::new(false, 0);
    let worker = world.start(Worker, 2);
    world.send(worker, App, "egg-ready");
    assert_eq!(world.faults(worker), [(Code::Forbidden, 0)]);
    world.send(worker, App, "on");
    assert_eq!(world.actions(worker), ["on"]);
}

#[test]
fn goodbye_is_answered_by_goodbye_and_what_waited_goes_elsewhere() {
    let mut world = World::new(true, 1);
    let (agent, worker) = (world.start(Agent, 1), world.start(Worker, 2));
    world.send(worker, Route::Agent, "a");
    world.say(agent, Body::Goodbye(wire::Goodbye {}));
    let last = world.read(agent).pop().and_then(|frame| frame.body);
    assert_eq!(last, Some(Body::Goodbye(wire::Goodbye {})));
    let now = world.now;
    assert!(world.hub.is_over(agent, now));
    let next = world.start(Agent, 3);
    assert_eq!(world.actions(next), ["a", "egg-ready"]);
}
