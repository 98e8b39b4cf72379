//! The one thread that starts, signals and reaps every child.
//!
//! One thread, because the kernel binds a child's parent-death signal to the *thread* that forked
//! it, so it must live as long as the master; because a reaper beside a spawn would take away the
//! status for which std waits when an exec fails; and because a group may be signalled safely only
//! while its leader is not reaped.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    sync::Arc,
    thread,
};

use rustix::{
    io::Errno,
    process::{self, Pid, Signal, WaitId, WaitIdOptions, WaitOptions},
};
use tokio::sync::mpsc;

use super::{explain::explain, launch::Launch, raw, reserve::Reserve};
use crate::master::policy::Exit;

/// Requests and replies that may wait: some for each of the most processes there can be.
const QUEUE_MAX: usize = 4_096;

/// What the spawner is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    Spawn {
        incarnation: u64,
        launch: Box<Launch>,
    },
    /// TERM to its group.
    Terminate { incarnation: u64 },
    /// KILL to its group.
    Kill { incarnation: u64 },
    /// SIGCHLD came: look who ended.
    Reap,
}

/// What the spawner tells.
#[derive(Debug)]
pub(crate) enum Reply {
    Spawned {
        incarnation: u64,
        pid: u32,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
    },
    SpawnFailed {
        incarnation: u64,
        reason: String,
    },
    Exited {
        incarnation: u64,
        exit: Exit,
    },
}

/// Whether children that this process did not start are reaped too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// As PID 1 must: orphans of others end up here.
    Reap,
    /// An embedding program may have children of its own, and waits for them itself.
    Leave,
}

impl Strangers {
    /// What an embedding program wants where it says nothing.
    pub(crate) fn as_pid_one() -> Self {
        match std::process::id() {
            1 => Self::Reap,
            _ => Self::Leave,
        }
    }
}

/// The way to that thread.
#[derive(Debug)]
pub(crate) struct Spawner {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) replies: mpsc::Receiver<Reply>,
}

impl Spawner {
    /// Starts the thread. It ends when the last sender of requests is gone.
    pub(crate) fn start(strangers: Strangers) -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::channel(QUEUE_MAX);
        let (outbox, replies) = mpsc::channel(QUEUE_MAX);
        let mut reserve = Reserve::default();
        reserve.fill()?;
        let nursery = Nursery {
            children: BTreeMap::new(),
            reserve,
            strangers,
            outbox,
        };
        thread::Builder::new()
            .name("henhouse-spawn".to_owned())
            .spawn(move || nursery.run(inbox))?;
        Ok(Self { requests, replies })
    }
}

/// The children, and what is needed to have more.
struct Nursery {
    children: BTreeMap<u64, Child>,
    reserve: Reserve,
    strangers: Strangers,
    outbox: mpsc::Sender<Reply>,
}

impl Nursery {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(request) = inbox.blocking_recv() {
            match request {
                Request::Spawn {
                    incarnation,
                    launch,
                } => self.spawn(incarnation, *launch),
                Request::Terminate { incarnation } => self.signal(incarnation, Signal::TERM),
                Request::Kill { incarnation } => self.signal(incarnation, Signal::KILL),
                // Whatever came, one looks below: where the queue is full a Reap may be left out.
                Request::Reap => {}
            }
            self.reap();
        }
    }

    fn spawn(&mut self, incarnation: u64, launch: Launch) {
        let program = Arc::clone(&launch.program);
        let reply = match self.reserve.fill().and_then(|()| launch.start()) {
            Ok(mut child) => {
                let reply = Reply::Spawned {
                    incarnation,
                    pid: child.id(),
                    stdout: child.stdout.take().map(OwnedFd::from),
                    stderr: child.stderr.take().map(OwnedFd::from),
                };
                self.children.insert(incarnation, child);
                reply
            }
            Err(error) => Reply::SpawnFailed {
                incarnation,
                reason: explain(&program, &error),
            },
        };
        self.tell(reply);
    }

    /// Signals a child's whole group: behind `sh -c` or `npm start` the program is not the leader.
    fn signal(&self, incarnation: u64, signal: Signal) {
        let Some(pid) = self.children.get(&incarnation).and_then(pid_of) else {
            return;
        };
        // The child is not reaped yet, so its pid and its group's number are still its own. It may
        // have moved to another group, and then only its pid finds it.
        let group = process::kill_process_group(pid, signal);
        if group.is_err() || signal == Signal::KILL {
            let _ = process::kill_process(pid, signal);
        }
    }

    fn reap(&mut self) {
        let ended: Vec<(u64, State)> = self
            .children
            .iter()
            .map(|(&incarnation, child)| {
                (incarnation, pid_of(child).map_or(State::Stolen, state_of))
            })
            .filter(|&(_, state)| state != State::Lives)
            .collect();
        for (incarnation, state) in ended {
            if let Some(child) = self.children.remove(&incarnation) {
                let exit = bury(child, state);
                self.tell(Reply::Exited { incarnation, exit });
            }
        }
        if self.strangers == Strangers::Reap {
            self.reap_strangers();
        }
    }

    fn reap_strangers(&self) {
        while let Some(pid) = raw::ended_child() {
            let ours = |child: &Child| pid_of(child) == Some(pid);
            // One of ours that ended just now has a SIGCHLD on its way.
            if self.children.values().any(ours) {
                break;
            }
            if process::waitpid(Some(pid), WaitOptions::NOHANG).is_err() {
                break;
            }
        }
    }

    /// The driver reads as long as it has children; where it is gone, nobody needs to know.
    fn tell(&self, reply: Reply) {
        let _ = self.outbox.blocking_send(reply);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// How far a child is, found out without reaping it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Lives,
    /// It ended, and its number is kept for it until it is reaped.
    Ended,
    /// Somebody else reaped it.
    Stolen,
}

fn state_of(pid: Pid) -> State {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match process::waitid(WaitId::Pid(pid), options) {
        Ok(Some(_)) => State::Ended,
        Err(Errno::CHILD) => State::Stolen,
        Ok(None) | Err(_) => State::Lives,
    }
}

/// Ends what is left of a child's group, and then reaps the child: until then its number cannot
/// become anybody else's.
fn bury(mut child: Child, state: State) -> Exit {
    match (state, pid_of(&child)) {
        (State::Ended, Some(pid)) => {
            let _ = process::kill_process_group(pid, Signal::KILL);
            child.wait().map_or(Exit::Unknown, exit_of)
        }
        _ => Exit::Unknown,
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}
