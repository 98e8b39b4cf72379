//! Clients ask all the time, and nobody of them notices what happens in the house.

pub(crate) mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use self::client::{Client, Outcome, Server};
use crate::stage::{Child, Config, HUP, KILL, PATIENCE, Program, Stage, send_signal};

/// Clients of each kind: one connection per request, and connections that are kept.
const CLIENTS: usize = 3;

/// More requests than this by one client would only be more of the same.
const REQUESTS_MAX: u64 = 20_000;

/// Clients that ask until they are told to stop.
struct Load {
    over: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    clients: Vec<JoinHandle<BTreeMap<Outcome, u64>>>,
}

impl Load {
    fn start(server: &Server) -> Load {
        let (over, asked) = (
            Arc::new(AtomicBool::new(false)),
            Arc::<AtomicU64>::default(),
        );
        let clients = (0..2 * CLIENTS).map(|number| {
            let (over, asked) = (Arc::clone(&over), Arc::clone(&asked));
            let mut client = Client::to(server.clone());
            thread::spawn(move || {
                let mut outcomes = BTreeMap::new();
                for _ in 0..REQUESTS_MAX {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = match number % 2 {
                        0 => client.close("/"),
                        _ => client.keep_alive("/"),
                    };
                    *outcomes.entry(outcome).or_default() += 1;
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                outcomes
            })
        });
        Load {
            clients: clients.collect(),
            over,
            asked,
        }
    }

    /// Waits until so many more requests have ended: what comes next comes under load.
    #[track_caller]
    fn goes_on(&self, count: u64) {
        let wanted = self.asked.load(Ordering::Relaxed) + count;
        let start = Instant::now();
        while self.asked.load(Ordering::Relaxed) < wanted {
            if self.clients.iter().all(JoinHandle::is_finished) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "requests do not end");
            thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Stops the clients: how each request has ended.
    fn stop(self) -> BTreeMap<Outcome, u64> {
        self.over.store(true, Ordering::Relaxed);
        let mut all = BTreeMap::new();
        for client in self.clients {
            for (outcome, count) in client.join().unwrap() {
                *all.entry(outcome).or_default() += count;
            }
        }
        all
    }
}

/// A house under load.
struct House {
    load: Load,
    workers: Vec<Child>,
    agent: Child,
    master: Program,
    stage: Stage,
}

impl House {
    fn start(workers: u32) -> House {
        let stage = Stage::new();
        let (master, agent, workers) = stage.serve(&Config::serving(workers));
        let load = Load::start(&Server::Unix(stage.path("http.sock")));
        load.goes_on(200);
        House {
            load,
            workers,
            agent,
            master,
            stage,
        }
    }

    /// Every request was answered.
    #[track_caller]
    fn check_nothing_is_lost(self) {
        self.load.goes_on(200);
        let outcomes = self.load.stop();
        let lost: u64 = lost(&outcomes);
        assert_eq!(lost, 0, "{outcomes:?}");
        assert!(outcomes[&Outcome::Ok] > 400);
    }
}

fn lost(outcomes: &BTreeMap<Outcome, u64>) -> u64 {
    let lost = outcomes
        .iter()
        .filter(|(outcome, _)| **outcome != Outcome::Ok);
    lost.map(|(_, count)| count).sum()
}

#[test]
fn nothing_is_lost_during_reloads() {
    let house = House::start(3);
    for _ in 0..5 {
        let (code, said) = house.stage.command(&["reload"]);
        assert_eq!(code, 0, "{said}");
    }
    house.check_nothing_is_lost();
}

#[test]
fn nothing_is_lost_over_tcp_either() {
    let stage = Stage::new();
    let mut config = Config::serving(2);
    config.listen = "127.0.0.1:0".to_owned();
    let (_master, _agent, _workers) = stage.serve(&config);
    let address = stage.status()["listeners"][0][1]
        .as_str()
        .unwrap()
        .to_owned();
    let load = Load::start(&Server::Tcp(address));
    load.goes_on(200);
    for _ in 0..5 {
        let (code, said) = stage.command(&["reload"]);
        assert_eq!(code, 0, "{said}");
    }
    load.goes_on(200);
    let outcomes = load.stop();
    assert_eq!(lost(&outcomes), 0, "{outcomes:?}");
}

#[test]
fn nothing_is_lost_while_workers_fail() {
    let mut house = House::start(3);
    for turn in 0..9 {
        let failing = house.workers.remove(0);
        failing.order(serde_json::json!({ "do": "failing", "text": format!("the {turn}th") }));
        let next = house.stage.next_child("worker");
        assert_eq!(next.index, failing.index);
        next.message("egg-ready");
        failing.event("gone");
        house.workers.push(next);
    }
    house.check_nothing_is_lost();
}

#[test]
fn nothing_is_lost_while_all_workers_fail_at_once() {
    let house = House::start(2);
    for worker in &house.workers {
        worker.order(serde_json::json!({ "do": "failing", "text": "poison" }));
    }
    for next in house.stage.next_workers(2) {
        next.message("egg-ready");
    }
    house.check_nothing_is_lost();
}

#[test]
fn nothing_is_lost_while_workers_are_scaled() {
    let house = House::start(2);
    for count in ["4", "1", "3", "+1", "-2"] {
        let (code, said) = house.stage.command(&["scale", count]);
        assert_eq!(code, 0, "{said}");
        house.load.goes_on(50);
    }
    house.check_nothing_is_lost();
}

#[test]
fn nothing_is_lost_while_the_agent_dies() {
    let mut house = House::start(2);
    for _ in 0..5 {
        send_signal(house.agent.pid, KILL);
        house.agent = house.stage.next_child("agent");
        house.agent.up();
        house.load.goes_on(50);
    }
    house.check_nothing_is_lost();
}

#[test]
fn nothing_is_lost_by_a_broken_reload() {
    let house = House::start(2);
    let mut config = Config::serving(2);
    config.worker.command = ["/bin/sh", "-c", "exit 9"].map(str::to_owned).to_vec();
    house.stage.write(&config);
    for _ in 0..3 {
        assert_eq!(house.stage.command(&["reload"]).0, 1);
        house.master.signal(HUP);
        house.master.says("reload failed");
    }
    house.check_nothing_is_lost();
}

#[test]
fn a_killed_worker_costs_no_more_than_what_it_held() {
    let mut house = House::start(3);
    const KILLS: u64 = 5;
    for _ in 0..KILLS {
        let killed = house.workers.remove(0);
        send_signal(killed.pid, KILL);
        let next = house.stage.next_child("worker");
        next.message("egg-ready");
        house.workers.push(next);
        house.load.goes_on(50);
    }
    let outcomes = house.load.stop();
    // Each client has one request under way, so each kill can cost each client one.
    let held_max = KILLS * 2 * CLIENTS as u64;
    assert!(lost(&outcomes) <= held_max, "{outcomes:?}");
    for outcome in [Outcome::Refused, Outcome::TimedOut, Outcome::Wrong] {
        assert!(!outcomes.contains_key(&outcome), "{outcomes:?}");
    }
}
