//! Real children of `/bin/sh`, started by a real spawner.

use std::{
    io::Read,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

use super::{
    Launch, Orphan, Reply, Request, Spawner, Strangers,
    listener::{Address, Listener},
};
use crate::master::{policy::Exit, program::Program};

/// Nothing here takes long; a loaded machine may.
const PATIENCE: Duration = Duration::from_secs(20);

/// A spawner, driven as the driver does it.
struct Ward {
    spawner: Spawner,
    ended: Signal,
    incarnation: u64,
}

type Named = (String, Arc<Listener>);

/// A child that was started.
struct Started {
    incarnation: u64,
    pid: u32,
    stdout: Option<OwnedFd>,
}

impl Ward {
    fn new() -> Self {
        Self {
            ended: signal(SignalKind::child()).unwrap(),
            spawner: Spawner::start(Strangers::Leave).unwrap(),
            incarnation: 0,
        }
    }

    async fn reply(&mut self) -> Reply {
        let next = async {
            loop {
                tokio::select! {
                    reply = self.spawner.replies.recv() => return reply.unwrap(),
                    _ = self.ended.recv() => {
                        self.spawner.requests.send(Request::Reap).await.unwrap();
                    }
                }
            }
        };
        timeout(PATIENCE, next).await.expect("no reply in time")
    }

    async fn launch(&mut self, program: Program, listeners: &[Named]) -> Reply {
        self.incarnation += 1;
        let launch = Box::new(Launch {
            program: Arc::new(program),
            told: vec![("HENHOUSE_ROLE", "worker".to_owned())],
            listeners: listeners.to_vec(),
            orphan: Orphan::Kill,
        });
        let request = Request::Spawn {
            incarnation: self.incarnation,
            launch,
        };
        self.spawner.requests.send(request).await.unwrap();
        self.reply().await
    }

    async fn start(&mut self, script: &str, listeners: &[Named]) -> Started {
        match self.launch(shell(script), listeners).await {
            Reply::Spawned {
                incarnation,
                pid,
                stdout,
                ..
            } => Started {
                incarnation,
                pid,
                stdout,
            },
            other => panic!("not started: {other:?}"),
        }
    }

    async fn exit(&mut self) -> Exit {
        match self.reply().await {
            Reply::Exited { exit, .. } => exit,
            other => panic!("not an exit: {other:?}"),
        }
    }

    /// What the script writes until its end.
    async fn output(&mut self, script: &str, listeners: &[Named]) -> String {
        let mut child = self.start(script, listeners).await;
        let text = read_all(child.stdout.take().unwrap()).await;
        assert_eq!(self.exit().await, Exit::Code(0), "{text}");
        text.replace("PID", &child.pid.to_string())
    }
}

fn shell(script: &str) -> Program {
    Program::new("sh").args(["-c", script]).resolve().unwrap()
}

async fn read_all(pipe: OwnedFd) -> String {
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        std::fs::File::from(pipe)
            .read_to_string(&mut text)
            .map(|_| text)
    });
    timeout(PATIENCE, read).await.unwrap().unwrap().unwrap()
}

fn listener(name: &str) -> Named {
    let address = Address::parse("127.0.0.1:0").unwrap();
    (name.to_owned(), Arc::new(Listener::open(&address).unwrap()))
}

fn is_alive(pid: u32) -> bool {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

#[tokio::test]
async fn an_exit_is_told_with_its_code_or_its_signal() {
    let mut ward = Ward::new();
    ward.start("exit 3", &[]).await;
    assert_eq!(ward.exit().await, Exit::Code(3));
    ward.start("kill -SEGV $$", &[]).await;
    assert_eq!(ward.exit().await, Exit::Signal(11));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_told_even_with_listeners() {
    let mut ward = Ward::new();
    let (one, two) = (listener("one"), listener("two"));
    let mut program = shell("");
    program.command = "/no/such/program".into();
    let reply = ward.launch(program, &[one, two]).await;
    let Reply::SpawnFailed { reason, .. } = reply else {
        panic!("it was started: {reply:?}");
    };
    assert!(
        reason.starts_with("/no/such/program: No such file"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_worker_finds_its_listeners_as_systemd_passes_them() {
    let mut ward = Ward::new();
    let (one, two) = (listener("one"), listener("two"));
    let script = "echo $LISTEN_FDS $LISTEN_FDNAMES $HENHOUSE_ROLE; \
                  [ $LISTEN_PID = $$ ] && echo mine; \
                  for fd in /proc/$$/fd/*; do echo ${fd##*/} $(readlink $fd | cut -d: -f1); done";
    let text = ward.output(script, &[one, two]).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["2 one:two worker", "mine"], "{text}");
    let sockets: Vec<_> = lines
        .iter()
        .filter(|line| line.ends_with("socket"))
        .collect();
    assert_eq!(sockets, [&"3 socket", &"4 socket"], "{text}");
}

#[tokio::test]
async fn nothing_of_the_master_leaks_into_a_child() {
    let mut ward = Ward::new();
    // The last one by exec: a shell that waits for another program may block signals meanwhile.
    let script = "for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done; \
                  readlink /proc/$$/fd/0; [ $(ps -o pgid= -p $$) = $$ ] && echo own group; \
                  exec grep -E 'SigBlk|SigIgn' /proc/self/status";
    let text = ward.output(script, &[]).await;
    let lines: Vec<_> = text.lines().collect();
    let end = lines.iter().position(|line| *line == "/dev/null").unwrap();
    // The shell itself may hold one more, above 9, and it closes at exec.
    let low: Vec<_> = lines[..end].iter().filter(|line| line.len() == 1).collect();
    assert_eq!(low, [&"0", &"1", &"2"], "{text}");
    assert_eq!(
        lines[end + 1..end + 3],
        ["own group", "SigBlk:\t0000000000000000"]
    );
    let ignored = lines[end + 3].strip_prefix("SigIgn:\t").unwrap();
    let pipe = 1 << 12;
    assert_eq!(
        u64::from_str_radix(ignored, 16).unwrap() & pipe,
        0,
        "SIGPIPE"
    );
}

#[tokio::test]
async fn a_grandchild_dies_with_the_child() {
    let mut ward = Ward::new();
    let mut child = ward.start("sleep 1000 & echo $!; exit 0", &[]).await;
    assert_eq!(ward.exit().await, Exit::Code(0));
    // The grandchild holds the pipe, so its end is the grandchild's.
    let text = read_all(child.stdout.take().unwrap()).await;
    let grandchild: u32 = text.trim().parse().unwrap();
    let until = Instant::now() + PATIENCE;
    while is_alive(grandchild)
        && std::fs::read_to_string(format!("/proc/{grandchild}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    {
        assert!(Instant::now() < until, "{grandchild} lives on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn term_reaches_a_program_behind_a_shell_and_kill_ends_one_that_ignores_it() {
    let mut ward = Ward::new();
    let child = ward.start("sh -c 'sleep 1000'; exit 9", &[]).await;
    let incarnation = child.incarnation;
    let term = Request::Terminate { incarnation };
    ward.spawner.requests.send(term).await.unwrap();
    assert_eq!(ward.exit().await, Exit::Signal(15));

    let mut child = ward
        .start("trap '' TERM; echo up; while :; do sleep 1000; done", &[])
        .await;
    let incarnation = child.incarnation;
    let mut up = [0; 3];
    let mut pipe = std::fs::File::from(child.stdout.take().unwrap());
    pipe.read_exact(&mut up).unwrap();
    for request in [
        Request::Terminate { incarnation },
        Request::Kill { incarnation },
    ] {
        ward.spawner.requests.send(request).await.unwrap();
    }
    assert_eq!(ward.exit().await, Exit::Signal(9));
}

#[tokio::test]
async fn children_die_with_the_thread_that_started_them() {
    let mut ward = Ward::new();
    let mut child = ward.start("exec sleep 1000", &[]).await;
    let pipe = child.stdout.take().unwrap();
    assert!(is_alive(child.pid));
    drop(ward.spawner.requests);
    // Its output ends when it does.
    read_all(pipe).await;
}
