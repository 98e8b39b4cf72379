//! A process that joined from its environment, and what becomes of it without its master.
//!
//! The test starts this very program again, as a child that runs one test which is ignored
//! otherwise.

#![cfg(unix)]

use std::process::{Command, Stdio};

use henhouse_proto::wire::Role as WireRole;
use henhouse_proto::wire::frame::Body;
use henhouse_sdk::{Messenger, Role};
use tokio::net::UnixListener;

#[expect(dead_code, reason = "this test needs a part of it")]
mod script {
    include!("../src/script.rs");
}

#[tokio::test]
async fn a_child_that_loses_its_master_says_so_and_exits_with_110() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("h.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "join_and_wait"])
        .env("HENHOUSE_SOCKET", &socket)
        .env("HENHOUSE_TOKEN", "secret")
        .env("HENHOUSE_ROLE", "agent")
        .env("HENHOUSE_INDEX", "3")
        .env("HENHOUSE_INCARNATION", "17")
        .env("HENHOUSE_GENERATION", "2")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut script = script::Script::new(stream);
    let hello = script.welcome().await;
    assert_eq!(hello.role(), WireRole::Agent);
    assert_eq!((hello.token.as_str(), hello.pid), ("secret", 0));
    assert!(matches!(script.hear().await, Some(Body::Ready(_))));
    drop(script);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(110));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("henhouse: the connection to the broker is lost"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "runs in a child that has a master"]
async fn join_and_wait() {
    let role = henhouse_sdk::role().unwrap();
    assert_eq!(role, Role::Agent);
    let messenger = Messenger::join(role).await.unwrap();
    assert_eq!(messenger.index(), Some(3));
    assert_eq!(messenger.incarnation(), Some(17));
    assert_eq!(messenger.generation(), Some(2));
    messenger.ready().await.unwrap();
    std::future::pending::<()>().await;
}
