//! Each verb reaches exactly those it is for, between real processes.

use crate::stage::{Child, Stage};

/// A house of one agent and two workers, all listening to `x`.
struct House {
    all: Vec<Child>,
    _stage: Stage,
    _master: crate::stage::Program,
}

impl House {
    fn new(workers: u32) -> House {
        let stage = Stage::new();
        let (master, agent, workers) = stage.up(workers, "");
        let all = [agent].into_iter().chain(workers).collect();
        House {
            all,
            _stage: stage,
            _master: master,
        }
    }

    /// Everybody has received all that was sent so far by any of them: what each sends to each
    /// comes behind what it sent before.
    fn settle(&self) {
        for from in &self.all {
            for to in &self.all {
                to.on("settled");
                from.send(to.pid, "settled", "").unwrap();
                to.message("settled");
            }
        }
    }

    /// What each has received, by pid.
    fn received(&self) -> Vec<Vec<String>> {
        self.settle();
        self.all.iter().map(|child| child.messages("x")).collect()
    }
}

#[test]
fn three_processes_that_each_broadcast_once_make_nine_receipts() {
    let house = House::new(2);
    for child in &house.all {
        child.send("broadcast", "x", "hi").unwrap();
    }
    assert_eq!(house.received(), vec![vec!["hi"; 3]; 3]);
}

#[test]
fn send_to_app_reaches_every_worker_and_its_sender_if_that_is_one() {
    let house = House::new(2);
    house.all[0].send("app", "x", "from the agent").unwrap();
    house.all[1].send("app", "x", "from a worker").unwrap();
    let received = house.received();
    assert!(received[0].is_empty());
    for worker in &received[1..] {
        assert_eq!(worker.len(), 2, "{worker:?}");
    }
}

#[test]
fn send_to_agent_reaches_the_agent_from_everybody() {
    let house = House::new(2);
    for child in &house.all {
        child.send("agent", "x", "hi").unwrap();
    }
    let received = house.received();
    assert_eq!(received, [vec!["hi"; 3], vec![], vec![]]);
}

#[test]
fn send_to_reaches_one_process_for_every_pair() {
    let house = House::new(2);
    for from in &house.all {
        for to in &house.all {
            from.send(to.pid, "x", &from.pid.to_string()).unwrap();
        }
    }
    let senders: Vec<String> = house
        .all
        .iter()
        .map(|child| child.pid.to_string())
        .collect();
    for mut received in house.received() {
        received.sort();
        let mut expected = senders.clone();
        expected.sort();
        assert_eq!(received, expected);
    }
}

#[test]
fn send_random_from_the_agent_reaches_one_worker_each_time_and_all_in_the_end() {
    let house = House::new(3);
    for _ in 0..90 {
        house.all[0].send("random", "x", "hi").unwrap();
    }
    let counts: Vec<usize> = house.received().iter().map(Vec::len).collect();
    assert_eq!(counts[0], 0);
    assert_eq!(counts[1..].iter().sum::<usize>(), 90);
    assert!(counts[1..].iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn send_random_from_a_worker_reaches_the_agent() {
    let house = House::new(1);
    house.all[1].send("random", "x", "hi").unwrap();
    assert_eq!(house.received(), [vec!["hi".to_owned()], vec![]]);
}

#[test]
fn a_handler_sees_who_sent_a_message() {
    let house = House::new(1);
    let (agent, worker) = (&house.all[0], &house.all[1]);
    worker.send("agent", "x", "hi").unwrap();
    let message = agent.message("x");
    assert_eq!(message["from"], worker.pid);
    assert_eq!(message["role"], "Worker");
}

#[test]
fn a_message_to_nobody_is_refused() {
    let house = House::new(1);
    // Pid 1 is never one of ours.
    let refused = house.all[0].confirm(1, "x", "hi").unwrap_err();
    assert!(refused.contains("no process with pid 1"), "{refused}");
}

#[test]
fn a_request_is_answered() {
    let house = House::new(1);
    let (agent, worker) = (&house.all[0], &house.all[1]);
    agent
        .act(serde_json::json!({ "do": "answer", "action": "name", "text": "the agent" }))
        .unwrap();
    assert_eq!(worker.request("agent", "name", "").unwrap(), "the agent");
    let nobody = worker.request("agent", "age", "").unwrap_err();
    assert!(nobody.contains("does not answer"), "{nobody}");
}

#[test]
fn a_handler_that_panics_or_fails_ends_nothing() {
    let house = House::new(1);
    let (agent, worker) = (&house.all[0], &house.all[1]);
    for how in ["panic", "fail"] {
        let on = serde_json::json!({ "do": "on", "action": "y", "how": how });
        worker.act(on).unwrap();
        agent.send("app", "y", "").unwrap();
        worker.message("y");
        agent.send("app", "x", how).unwrap();
        assert_eq!(worker.message("x")["text"], how);
    }
}
