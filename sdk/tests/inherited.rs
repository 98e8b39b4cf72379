//! The listening socket that a process inherits, in a process that inherits one.
//!
//! Each test starts this very program again, as a child that runs one test which is ignored
//! otherwise. A shell sets `LISTEN_PID`, since a child's pid is not known before it runs.

#![cfg(unix)]

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Output, Stdio};

use henhouse_sdk::{ListenerError, WorkerAddress, listener};
use tokio::io::AsyncWriteExt as _;

/// Runs the ignored test `name` in a child that inherits `socket` as descriptor 3.
fn child(name: &str, socket: OwnedFd, names: &str, pid: &str) -> Command {
    let script = format!("LISTEN_PID={pid} exec \"$0\" \"$@\" 3<&0 0</dev/null");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .arg(std::env::current_exe().expect("this test runs"))
        .args(["--exact", "--ignored", "--nocapture", name])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", names)
        .stdin(Stdio::from(socket));
    command
}

#[track_caller]
fn check_succeeds(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    // A test that was not found succeeds as well.
    assert!(text(&output.stdout).contains("1 passed"));
}

#[test]
fn a_worker_accepts_on_the_tcp_socket_that_it_inherited() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let worker = child("serve_one", socket.into(), "http", "$$")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = String::new();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, address.to_string());
    check_succeeds(&worker.wait_with_output().unwrap());
}

#[test]
fn a_worker_accepts_on_the_unix_socket_that_it_inherited() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let worker = child("serve_one", socket.into(), "http", "$$")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = String::new();
    let mut client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, format!("unix:{}", path.display()));
    check_succeeds(&worker.wait_with_output().unwrap());
}

/// The child of the two tests above: tells one client where it listens.
#[tokio::test]
#[ignore = "runs in a child that inherits a socket"]
async fn serve_one() {
    let listener = listener("http").unwrap();
    assert!(
        std::env::var_os("LISTEN_FDS").is_none(),
        "children of ours would take it"
    );
    let (mut stream, _) = listener.accept().await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    stream.write_all(address.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[test]
fn a_name_that_there_is_not_is_refused_with_those_that_there_are_and_each_is_taken_once() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = child("take_names", socket.into(), "http", "$$").output();
    check_succeeds(&output.unwrap());
}

#[tokio::test]
#[ignore = "runs in a child that inherits a socket"]
async fn take_names() {
    let error = listener("admin").unwrap_err().to_string();
    assert_eq!(
        error,
        "no listening socket is called \"admin\"; there are: http"
    );
    let http = listener("http").unwrap();
    assert!(matches!(http.local_addr().unwrap(), WorkerAddress::Tcp(_)));
    assert!(matches!(listener("http"), Err(ListenerError::Taken { .. })));
    let http = http.into_std().unwrap();
    // Nobody connects: an answer at once shows that it does not block.
    assert_eq!(
        http.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
}

#[test]
fn a_socket_that_was_meant_for_another_process_is_left_alone() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = child("take_none", socket.into(), "http", "1").output();
    check_succeeds(&output.unwrap());
}

#[tokio::test]
#[ignore = "runs in a child that inherits a socket"]
async fn take_none() {
    assert!(matches!(
        listener("http"),
        Err(ListenerError::NoneInherited)
    ));
}
