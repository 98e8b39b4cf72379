//! One agent and eight workers at full traffic, and a killer among them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::check::check;
use crate::journal::Journal;
use crate::stage::{Process, Stage};

const WORKERS: usize = 8;
const OUTBOX_BYTES_MAX: usize = 1 << 20;
const WAITING_BYTES_MAX: usize = 8 << 20;

/// All that waits, twice for what the allocator keeps; the reserve and a buffer for each of
/// the connections; and the program itself.
const MEMORY_BYTES_MAX: usize = 2 * WAITING_BYTES_MAX + 16 * (128 << 10) + (24 << 20);

struct Member {
    process: Process,
    journal: PathBuf,
}

struct Play {
    stage: Stage,
    rng: fastrand::Rng,
    members: Vec<Member>,
    /// The journals of those who were killed, and when they were dead for certain.
    dead: Vec<(PathBuf, u64)>,
    started: usize,
}

impl Play {
    fn start(&mut self, place: usize) -> Member {
        self.started += 1;
        let journal = self.stage.path(&format!("journal-{}", self.started));
        let role = if place == 0 { "agent" } else { "worker" };
        let socket = self.stage.socket();
        let seed = self.rng.u64(..).to_string();
        let arguments = [
            "member",
            socket.to_str().unwrap(),
            role,
            &seed,
            journal.to_str().unwrap(),
        ];
        Member {
            process: Process::start(&arguments),
            journal,
        }
    }

    fn replace(&mut self, place: usize) {
        self.members[place].process.kill();
        let killed_at = milliseconds();
        let new = self.start(place);
        let old = std::mem::replace(&mut self.members[place], new);
        self.dead.push((old.journal, killed_at));
    }

    fn harm(&mut self) {
        let place = self.rng.usize(..=WORKERS);
        match self.rng.u8(..10) {
            0..=3 => self.replace(place),
            4 | 5 => {
                self.members[place].process.signal(Signal::STOP);
                let pause = self.rng.u64(50..800);
                std::thread::sleep(Duration::from_millis(pause));
                self.members[place].process.signal(Signal::CONT);
            }
            6 | 7 => self.members[place].process.tell("slow"),
            _ => {
                self.members[place].process.tell("half");
                let _ = self.members[place].process.child.wait();
                self.replace(place);
            }
        }
    }
}

/// As the members count it, too.
fn milliseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

/// How long it goes on, and from which seed.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn every_confirmed_message_comes_or_is_accounted_for_while_processes_are_killed() {
    let mut play = Play {
        stage: Stage::lenient(OUTBOX_BYTES_MAX, WAITING_BYTES_MAX),
        rng: fastrand::Rng::with_seed(setting("CHAOS_SEED", 1)),
        members: Vec::new(),
        dead: Vec::new(),
        started: 0,
    };
    let descriptors = play.stage.descriptors();
    for place in 0..=WORKERS {
        let member = play.start(place);
        play.members.push(member);
    }
    let end = Instant::now() + Duration::from_secs(setting("CHAOS_SECONDS", 8));
    while Instant::now() < end {
        let pause = play.rng.u64(20..300);
        std::thread::sleep(Duration::from_millis(pause));
        play.harm();
    }
    for member in &mut play.members {
        assert_eq!(member.process.line(), "joined");
        member.process.tell("stop");
    }
    for member in &mut play.members {
        assert_eq!(
            member.process.line(),
            "idle",
            "a member did not live to its end"
        );
    }
    let status = play.stage.wait_for(|status| status["waiting_bytes"] == 0);
    assert_eq!(status["open_requests"], 0);
    for member in &mut play.members {
        member.process.tell("leave");
        assert!(member.process.child.wait().unwrap().success());
    }
    let alive = play.members.iter().map(|member| (&member.journal, None));
    let dead = play.dead.iter().map(|(journal, at)| (journal, Some(*at)));
    let journals: Vec<Journal> = alive
        .chain(dead)
        .filter_map(|(path, killed_at)| Journal::read(path, killed_at))
        .collect();
    // Of a killed one the broker tells when it has seen its end.
    let status = play.stage.wait_for(|status| {
        status["connections"] == serde_json::json!([])
            && lost(status).values().sum::<u64>() == status["written_to_lost"]
    });
    let totals = check(&journals, &lost(&status));
    let memory = play.stage.memory_bytes_max();
    let report = format!(
        "{totals:?}, {} processes were killed, and the master had at most {} MiB",
        play.dead.len(),
        memory >> 20
    );
    assert!(totals.missing as u64 <= totals.unread, "{report}");
    assert!(totals.received > 1_000, "{report}");
    assert!(memory < MEMORY_BYTES_MAX, "{report}");
    play.stage.wait_for_descriptors(descriptors);
    // Shown where somebody asks for the test's output.
    let mut out = std::io::stderr();
    std::io::Write::write_all(&mut out, format!("{report}\n").as_bytes()).unwrap();
}

/// How many messages were written to each connection that ended without Goodbye.
fn lost(status: &serde_json::Value) -> BTreeMap<u64, u64> {
    serde_json::from_value(status["lost"].clone()).unwrap()
}
