//! What becomes of waiting messages at the end of all.

use henhouse_proto::wire::Role::{Agent, Worker};
use henhouse_proto::wire::{Code, Route};

use super::messages::{big, fill, narrow};
use super::world::World;

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
fn a_sender_that_died_while_it_was_held_back_is_passed_over_at_the_end() {
    let mut world = World::with_limits(true, 1, narrow());
    let worker = world.start(Worker, 2);
    fill(&mut world, worker, Route::Agent, 0);
    world.send_message(worker, big(Route::Agent, 0, 9));
    world.kill(worker);
    let now = world.now;
    world.hub.shut_down(now);
    assert_eq!(world.hub.waiting_bytes, 0);
}
