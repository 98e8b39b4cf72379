//! The weather example does what its page says.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use crate::stage::{CONT, KILL, PATIENCE, Program, STOP, TERM, send_signal};
use serde_json::Value;

const WEATHER: &str = env!("CARGO_BIN_EXE_weather-under-test");

struct House {
    master: Program,
    http: PathBuf,
    _directory: tempfile::TempDir,
}

impl House {
    fn start() -> House {
        let directory = tempfile::tempdir().unwrap();
        let http = directory.path().join("http.sock");
        let address = format!("unix:{}", http.display());
        let master = Program::start(WEATHER, &["--listen", &address]);
        let house = House {
            master,
            http,
            _directory: directory,
        };
        // Before that, one that is killed ends the start.
        house.master.says("all are ready");
        house.until("an answer", |_| true);
        house
    }

    /// One `GET /`; `None` where there is no weather yet.
    fn get(&self) -> Option<Value> {
        let mut stream = UnixStream::connect(&self.http).ok()?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200")
            .then(|| serde_json::from_str(body).unwrap())
    }

    /// Asks until an answer is as wanted.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        let mut last = None;
        while start.elapsed() < PATIENCE {
            last = self.get().or(last);
            if let Some(answer) = last.take_if(|answer| wanted(answer)) {
                return answer;
            }
        }
        panic!("{what} did not come; the last answer was {last:?}");
    }

    fn pid(answer: &Value) -> u32 {
        u32::try_from(answer["worker_pid"].as_u64().unwrap()).unwrap()
    }
}

#[test]
fn both_workers_answer_and_the_caches_are_kept_fresh_in_more_than_one_way() {
    let house = House::start();
    let one = house.until("an answer", |_| true);
    // The kernel is free to give every connection to one of them, as long as that one takes it.
    send_signal(House::pid(&one), STOP);
    house.until("the other worker", |answer| {
        answer["worker_pid"] != one["worker_pid"]
    });
    send_signal(House::pid(&one), CONT);
    house.until("another way", |answer| {
        answer["updated_by"] != one["updated_by"]
    });
    for field in ["city", "temperature", "worker_index", "source_requests"] {
        assert!(!one[field].is_null(), "{one}");
    }
}

#[test]
fn the_weather_is_fetched_once_and_not_once_per_worker() {
    let house = House::start();
    let mut counts = BTreeSet::new();
    for way in ["force", "pull"] {
        let answer = house.until(way, |answer| answer["updated_by"] == way);
        counts.insert(answer["source_requests"].as_u64().unwrap());
    }
    // Each way fetched once, and nobody fetched in between.
    assert!(
        counts.contains(&1) && counts.iter().all(|count| *count <= 3),
        "{counts:?}"
    );
}

#[test]
fn a_killed_worker_and_a_killed_agent_come_back_and_the_service_goes_on() {
    let house = House::start();
    let first = house.until("an answer", |_| true);
    send_signal(House::pid(&first), KILL);
    let same_slot = |answer: &Value| {
        answer["worker_index"] == first["worker_index"]
            && answer["worker_pid"] != first["worker_pid"]
    };
    house.until("a new worker in the same slot", same_slot);

    let line = house.master.says("agent is ready");
    let agent: u32 = line
        .split("pid ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let before = house.until("an answer", |_| true)["source_requests"].as_u64();
    send_signal(agent, KILL);
    // It fetches when it starts.
    house.until("a fetch by the new agent", |answer| {
        answer["updated_by"] == "force" && answer["source_requests"].as_u64() > before
    });
}

#[test]
fn term_ends_it_with_0() {
    let mut house = House::start();
    house.master.signal(TERM);
    assert_eq!(house.master.wait(), 0);
    assert!(UnixStream::connect(&house.http).is_err());
}
