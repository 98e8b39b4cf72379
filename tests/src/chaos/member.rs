//! An agent or worker at full traffic.
//!
//! Its journal: `C connection role pid`, `S id kind want pid milliseconds` before a message is
//! sent, `R id copies` for a receipt, `F id code` for a fault, `A id` for an answer, and `G sender
//! id` for a message that it got.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Pids, Role, Route, Want};
use prost::Message as _;

use crate::journal::Journal;
use crate::talk::{hear, join, say};

/// Messages and requests that may be without an answer.
const OPEN_MAX: usize = 64;

#[derive(Default)]
struct State {
    /// What has not been answered.
    open: BTreeSet<u64>,
    peers: Vec<u32>,
    stopping: bool,
    half: bool,
    slow: bool,
}

struct Member {
    stream: UnixStream,
    state: Mutex<State>,
    changed: Condvar,
    journal: Journal,
    /// Locked for one frame, since the reader replies and the writer sends.
    writing: Mutex<()>,
}

pub(crate) fn run(socket: &str, agent: bool, seed: u64, journal: &str) {
    let journal = Journal::create(journal);
    let role = if agent { Role::Agent } else { Role::Worker };
    // The agent before may not be known to be dead yet.
    let (stream, connection) = loop {
        match join(socket, role) {
            Ok(joined) => break joined,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    let name = if agent { "agent" } else { "worker" };
    journal.note(&format!("C {connection} {name} {}", std::process::id()));
    let member = Arc::new(Member {
        stream,
        state: Mutex::default(),
        changed: Condvar::new(),
        journal,
        writing: Mutex::new(()),
    });
    let reader = Arc::clone(&member);
    let reader = thread::spawn(move || reader.read());
    let writer = Arc::clone(&member);
    thread::spawn(move || writer.write(agent, seed));
    println!("joined");
    for line in std::io::stdin().lines() {
        let mut state = member.state.lock().unwrap();
        match line.unwrap().as_str() {
            "slow" => state.slow = true,
            "half" => state.half = true,
            "stop" => {
                state.stopping = true;
                while !state.open.is_empty() {
                    state = member.changed.wait(state).unwrap();
                }
                drop(state);
                println!("idle");
            }
            "leave" => {
                drop(state);
                member.say(Body::Goodbye(wire::Goodbye {}));
                reader.join().unwrap();
                return;
            }
            other => panic!("told {other}"),
        }
    }
}

impl Member {
    fn say(&self, body: Body) {
        let _one = self.writing.lock().unwrap();
        if say(&self.stream, body).is_err() {
            std::process::exit(1);
        }
    }

    /// Reads to the end of the stream.
    fn read(&self) {
        while let Ok(frame) = hear(&self.stream) {
            match frame.body {
                Some(Body::Message(message)) => self.got(message, frame.sender.unwrap_or_default()),
                Some(Body::Receipt(receipt)) => {
                    let copies = receipt.queued + receipt.held;
                    self.ended(receipt.id, &format!("R {} {copies}", receipt.id));
                }
                Some(Body::Fault(fault)) => {
                    let line = format!("F {} {}", fault.id, fault.code().as_str_name());
                    self.ended(fault.id, &line);
                    if fault.fatal {
                        self.journal.note(&format!("fatal {}", fault.detail));
                    }
                }
                _ => {}
            }
            if std::mem::take(&mut self.state.lock().unwrap().slow) {
                thread::sleep(Duration::from_millis(1_500));
            }
        }
    }

    fn ended(&self, id: u64, line: &str) {
        self.journal.note(line);
        self.state.lock().unwrap().open.remove(&id);
        self.changed.notify_all();
    }

    fn got(&self, message: Message, sender: wire::Sender) {
        if message.action == "egg-pids" {
            let pids = Pids::decode(message.data).unwrap();
            let mut state = self.state.lock().unwrap();
            state.peers = pids.worker.iter().map(|peer| peer.pid).collect();
            return;
        }
        if message.route() == Route::Reply {
            let id = message.in_reply_to;
            return self.ended(id, &format!("A {id}"));
        }
        if message.action == "x" {
            self.journal
                .note(&format!("G {} {}", sender.connection, message.id));
        }
        if message.want() == Want::Reply {
            let reply = Message {
                route: Route::Reply.into(),
                connection: sender.connection,
                in_reply_to: message.id,
                ..Default::default()
            };
            self.say(Body::Message(reply));
        }
    }

    /// Says Ready and sends until it is told to stop.
    fn write(&self, agent: bool, seed: u64) {
        self.say(Body::Ready(wire::Ready {}));
        let mut rng = fastrand::Rng::with_seed(seed);
        for id in 1.. {
            let mut state = self.state.lock().unwrap();
            while state.open.len() >= OPEN_MAX && !state.stopping && !state.half {
                state = self
                    .changed
                    .wait_timeout(state, Duration::from_millis(50))
                    .unwrap()
                    .0;
            }
            if state.stopping {
                return;
            }
            let pid = rng.choice(&state.peers).copied().unwrap_or(0);
            let (kind, route, want) = match rng.u8(..20) {
                0 => ("many", Route::Broadcast, Want::Receipt),
                1 => ("many", Route::App, Want::Receipt),
                2..=6 if pid != 0 => ("pid", Route::Pid, Want::Receipt),
                7..=9 if pid != 0 => ("pid", Route::Pid, Want::Reply),
                10..=12 if agent => ("random", Route::Random, Want::Reply),
                13..=19 if agent => ("random", Route::Random, Want::Receipt),
                10..=12 => ("agent", Route::Agent, Want::Reply),
                _ => ("agent", Route::Agent, Want::Receipt),
            };
            let want_name = if want == Want::Reply {
                "reply"
            } else {
                "receipt"
            };
            let pid = if kind == "pid" { pid } else { 0 };
            self.journal
                .note(&format!("S {id} {kind} {want_name} {pid} {}", now()));
            state.open.insert(id);
            let half = state.half;
            drop(state);
            let size = *rng.choice([10, 100, 1_000, 5_000, 40_000].iter()).unwrap();
            let size = if rng.u8(..10) > 0 {
                size.min(1_000)
            } else {
                size
            };
            let body = Body::Message(Message {
                route: route.into(),
                pid,
                id,
                want: want.into(),
                action: "x".into(),
                timeout_ms: 20_000,
                data: vec![7; size].into(),
                ..Default::default()
            });
            if half {
                let _one = self.writing.lock().unwrap();
                let bytes = frame::encode(body);
                let _ = (&self.stream).write_all(&bytes[..bytes.len() / 2]);
                std::process::abort();
            }
            self.say(body);
        }
    }
}

/// Milliseconds of the clock that all processes share.
fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}
