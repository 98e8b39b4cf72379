//! What a worker inherits: its listeners as systemd would pass them, and nothing else.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use crate::load::client::{Client, Outcome, Server};
use crate::stage::{Child, Config, HENHOUSE, Program, Stage};

/// The environment that a process was started with.
fn environment(child: &Child) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{}/environ", child.pid)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.split('\0').map(str::to_owned).collect()
}

#[track_caller]
fn check_has(child: &Child, variable: &str) {
    let environment = environment(child);
    assert!(
        environment.iter().any(|one| one == variable),
        "{environment:#?}"
    );
}

#[test]
fn a_worker_is_told_its_listeners_with_its_own_pid() {
    let stage = Stage::new();
    let mut config = Config::patient(2);
    let admin = ("admin".to_owned(), "127.0.0.1:0".to_owned());
    config.listen_too.push(admin);
    stage.write(&config);
    let _master = stage.begin(&["start"]);
    let agent = stage.next_child("agent");
    agent.up();
    for worker in stage.next_workers(2) {
        check_has(&worker, &format!("LISTEN_PID={}", worker.pid));
        check_has(&worker, "LISTEN_FDS=2");
        check_has(&worker, "LISTEN_FDNAMES=http:admin");
        check_has(&worker, &format!("HENHOUSE_INDEX={}", worker.index));
    }
    let agents = environment(&agent);
    assert!(
        !agents.iter().any(|one| one.starts_with("LISTEN_")),
        "{agents:#?}"
    );
}

#[test]
fn a_child_has_its_standard_streams_and_its_listener_and_nothing_else_open() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(1));
    let restarted = {
        let mut restart = stage.begin(&["restart", "worker.0"]);
        let restarted = stage.next_child("worker");
        restarted.up();
        workers[0].event("drain");
        workers[0].exit(0);
        assert_eq!(restart.wait(), 0);
        restarted
    };
    for (child, count) in [(&agent, 3), (&workers[0], 4), (&restarted, 4)] {
        let open = &child.descriptors;
        assert_eq!(open.len(), count, "{open:?}");
        assert_eq!(open[0], "0=/dev/null");
        assert!(
            open[1].starts_with("1=pipe:") && open[2].starts_with("2=pipe:"),
            "{open:?}"
        );
        assert!(count == 3 || open[3].starts_with("3=socket:"), "{open:?}");
    }
}

/// A line of a process's status.
fn status_line(child: &Child, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.pid)).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim_start_matches(':').trim().to_owned()
}

#[test]
fn a_child_blocks_no_signal_though_the_master_was_started_with_some_blocked() {
    let stage = Stage::new();
    let config = stage.write(&Config::patient(1));
    let mut command = Command::new("env");
    command
        .args([
            "--block-signal=USR1",
            "--block-signal=TERM",
            HENHOUSE,
            "start",
            "-c",
        ])
        .arg(config)
        .stdin(Stdio::null());
    let _master = Program::run(command);
    let agent = stage.next_child("agent");
    assert_eq!(status_line(&agent, "SigBlk"), "0000000000000000");
    agent.up();
    let worker = stage.next_child("worker");
    assert_eq!(status_line(&worker, "SigBlk"), "0000000000000000");
}

#[test]
fn a_child_does_not_ignore_sigpipe_as_the_master_does() {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    // A program that does nothing about it by itself.
    let script = "grep SigIgn /proc/self/status > ignored; exec sleep 1000";
    config.agent = config.agent.command(&["/bin/sh", "-c", script]);
    stage.write(&config);
    let _master = stage.begin(&["start"]);
    let ignored = stage.until_line("ignored");
    let mask = ignored.trim_start_matches("SigIgn:").trim();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    assert_eq!(mask & 1 << 12, 0, "{ignored}");
}

#[test]
fn a_child_leads_a_group_of_its_own() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(1));
    for child in workers.iter().chain([&agent]) {
        assert_eq!(status_line(child, "NSpgid"), child.pid.to_string());
    }
}

#[test]
fn workers_serve_over_tcp_at_a_port_that_the_kernel_chose() {
    let stage = Stage::new();
    let mut config = Config::serving(2);
    config.listen = "127.0.0.1:0".to_owned();
    let (_master, _agent, _workers) = stage.serve(&config);
    let status = stage.status();
    assert_eq!(status["listeners"][0][0], "http");
    let address = status["listeners"][0][1].as_str().unwrap().to_owned();
    assert_eq!(Client::to(Server::Tcp(address)).close("/"), Outcome::Ok);
}

#[track_caller]
fn check_refused(address: &str, why: &str) {
    let stage = Stage::new();
    let mut config = Config::patient(1);
    config.listen = address.to_owned();
    stage.write(&config);
    let (code, said) = stage.begin(&["start"]).finish();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("cannot listen for `http`"), "{said}");
    assert!(said.contains(why), "{said}");
    assert!(!stage.has_newborn("agent"));
    assert!(!stage.socket().exists());
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check_refused(
        &address,
        &format!("{address} is in use: another program listens there"),
    );
}

#[test]
fn a_socket_in_use_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("taken.sock");
    let _taken = UnixListener::bind(&path).unwrap();
    check_refused(&format!("unix:{}", path.display()), "is in use");
}

#[test]
fn a_place_where_this_user_may_not_listen_is_told() {
    // Not even root may create anything there.
    check_refused("unix:/sys/henhouse.sock", "is not allowed to this user");
}

#[test]
fn an_address_of_another_machine_is_told() {
    // From the range that is kept for documentation.
    check_refused("192.0.2.1:80", "is not an address of this machine");
}

#[test]
fn a_socket_that_a_killed_master_left_is_replaced() {
    let stage = Stage::new();
    drop(UnixListener::bind(stage.path("http.sock")).unwrap());
    let (_master, _agent, _workers) = stage.serve(&Config::serving(1));
    assert_eq!(
        Client::new(&stage.path("http.sock")).close("/"),
        Outcome::Ok
    );
}

#[test]
fn a_connection_that_waits_while_no_worker_is_there_is_answered_later() {
    let stage = Stage::new();
    let (_master, _agent, workers) = stage.up_with(&Config::patient(1));
    let path = stage.path("http.sock");
    let asking = std::thread::spawn(move || Client::new(&path).close("/"));
    crate::stage::send_signal(workers[0].pid, crate::stage::KILL);
    let next = stage.next_child("worker");
    next.join();
    next.act(serde_json::json!({ "do": "serve" })).unwrap();
    next.ready();
    assert_eq!(asking.join().unwrap(), Outcome::Ok);
}

#[test]
fn at_the_end_the_socket_is_gone() {
    let stage = Stage::new();
    let (mut master, ..) = stage.up_with(&Config::strict(1));
    master.signal(crate::stage::TERM);
    assert_eq!(master.wait(), 0);
    assert!(UnixStream::connect(stage.path("http.sock")).is_err());
    assert!(!stage.path("http.sock").exists());
}

/// Starts a master that systemd passed that socket.
fn activated(stage: &Stage, config: &Config, name: &str, socket: OwnedFd) -> Program {
    let config = stage.write(config);
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" start -c \"$1\" 3<&0 0</dev/null";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, HENHOUSE])
        .arg(config)
        .env("LISTEN_FDNAMES", name)
        .stdin(socket);
    Program::run(command)
}

#[test]
fn a_socket_that_systemd_opened_is_passed_on() {
    let stage = Stage::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    // A client that came before anybody was there.
    let early = TcpStream::connect(&address).unwrap();
    let mut config = Config::serving(1);
    config.listen = "systemd:web".to_owned();
    let _master = activated(&stage, &config, "web", socket.into());
    stage.next_child("agent").up();
    let worker = stage.next_child("worker");
    worker.message("egg-ready");
    check_has(&worker, "LISTEN_FDNAMES=http");
    check_has(&worker, &format!("LISTEN_PID={}", worker.pid));
    assert_eq!(worker.descriptors.len(), 4, "{:?}", worker.descriptors);
    assert_eq!(Client::to(Server::Tcp(address)).close("/"), Outcome::Ok);
    let mut early = early;
    std::io::Write::write_all(
        &mut early,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_socket_that_systemd_did_not_pass_is_told_with_those_it_did() {
    let stage = Stage::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::serving(1);
    config.listen = "systemd:web".to_owned();
    let master = activated(&stage, &config, "admin", socket.into());
    let (code, said) = master.finish();
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("no socket named `web`; it passed admin"),
        "{said}"
    );
}
