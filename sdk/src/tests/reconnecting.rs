//! A messenger that outlives its broker.

use std::path::PathBuf;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::soon;
use crate::script::Script;
use crate::{Closed, JoinError, Messenger, RequestError};

/// A socket in a directory of its own.
struct Broker {
    _directory: tempfile::TempDir,
    socket: PathBuf,
    listener: UnixListener,
}

impl Broker {
    fn new() -> Broker {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("h.sock");
        Broker {
            listener: UnixListener::bind(&socket).unwrap(),
            socket,
            _directory: directory,
        }
    }

    /// The next process that comes, not yet welcome.
    async fn accept(&self) -> Script<UnixStream> {
        Script::new(soon(self.listener.accept()).await.unwrap().0)
    }

    async fn joined(&self) -> (Script<UnixStream>, Messenger) {
        let join = Messenger::over(tokio::io::empty()).socket(&self.socket);
        let welcome = async {
            let mut script = self.accept().await;
            assert_eq!(script.welcome().await.pid, 0, "the kernel knows better");
            script
        };
        let (script, messenger) = tokio::join!(welcome, join.outlive_broker().into_future());
        (script, messenger.unwrap())
    }
}

#[tokio::test]
async fn what_had_not_left_goes_to_the_next_broker_and_the_program_is_told() {
    let broker = Broker::new();
    let (mut script, messenger) = broker.joined().await;
    let (tell, mut told) = mpsc::channel(10);
    let tell_again = tell.clone();
    messenger.on_disconnect(move |why| {
        let tell = tell.clone();
        async move { tell.send(format!("lost: {why}")).await }
    });
    messenger.on_reconnect(move || {
        let tell = tell_again.clone();
        async move { tell.send("found".to_owned()).await }
    });
    messenger.ready().await.unwrap();
    assert!(matches!(script.hear().await, Some(Body::Ready(_))));
    // It has left, and nobody will ever reply.
    let asked = tokio::spawn({
        let messenger = messenger.clone();
        async move { messenger.send_to_agent("a", ()).request().await }
    });
    script.hear_message().await;
    // It is far longer than what a socket takes, so half of it leaves at most.
    let long = vec![7; 900_000];
    messenger.send_to_app("long", long).await.unwrap();
    messenger.send_to_app("b", "1").await.unwrap();
    let confirmed = tokio::spawn({
        let messenger = messenger.clone();
        async move { messenger.send_to_app("c", ()).confirm().await }
    });
    tokio::task::yield_now().await;
    drop(script);
    assert_eq!(asked.await.unwrap().unwrap_err(), RequestError::Lost);
    assert!(soon(told.recv()).await.unwrap().starts_with("lost: "));
    messenger.send_to_app("d", ()).await.unwrap();

    let mut script = broker.accept().await;
    script.welcome().await;
    let mut heard = Vec::new();
    while heard.len() < 5 {
        match soon(script.hear()).await.unwrap() {
            Body::Ready(_) => heard.push("ready".to_owned()),
            Body::Message(message) => {
                if message.id != 0 {
                    let (id, queued, held) = (message.id, 1, 0);
                    script
                        .say(Body::Receipt(wire::Receipt { id, queued, held }))
                        .await;
                }
                heard.push(message.action);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, ["long", "b", "c", "d", "ready"]);
    assert_eq!(confirmed.await.unwrap().unwrap().queued, 1);
    assert_eq!(soon(told.recv()).await.unwrap(), "found");
    drop(messenger);
    script.echo().await;
}

#[tokio::test]
async fn it_tries_again_where_a_broker_does_not_want_it_yet() {
    let broker = Broker::new();
    let (script, messenger) = broker.joined().await;
    drop(script);
    let fault = |code: wire::Code| {
        Body::Fault(wire::Fault {
            code: code.into(),
            fatal: true,
            ..Default::default()
        })
    };
    let mut script = broker.accept().await;
    script.hear().await;
    script.say(fault(wire::Code::RoleTaken)).await;
    // But not where it never will.
    let mut script = broker.accept().await;
    script.hear().await;
    script.say(fault(wire::Code::Forbidden)).await;
    assert!(matches!(soon(messenger.closed()).await, Closed::Refused(_)));
}

#[tokio::test]
async fn it_can_be_closed_while_there_is_no_broker() {
    let broker = Broker::new();
    let (script, messenger) = broker.joined().await;
    let (tell, mut told) = mpsc::channel(10);
    messenger.on_disconnect(move |_| {
        let tell = tell.clone();
        async move { tell.send(()).await }
    });
    drop(broker);
    drop(script);
    soon(told.recv()).await.unwrap();
    soon(messenger.close()).await.unwrap();
    assert_eq!(messenger.closed().await, Closed::ByUs);
}

#[tokio::test]
async fn a_reply_to_one_who_asked_over_the_old_connection_is_not_sent_over_the_new_one() {
    let broker = Broker::new();
    let (mut script, messenger) = broker.joined().await;
    let (go_on, wait) = tokio::sync::watch::channel(false);
    let (tell, mut told) = mpsc::channel(10);
    messenger
        .answer("a", move |_| {
            let (mut wait, tell) = (wait.clone(), tell.clone());
            async move {
                tell.send(()).await?;
                wait.wait_for(|go_on| *go_on).await?;
                Ok("late")
            }
        })
        .unwrap();
    script
        .pass(super::request(1, "a", ""), wire::Role::Worker, 9)
        .await;
    soon(told.recv()).await.unwrap();
    drop(script);
    let mut script = broker.accept().await;
    script.welcome().await;
    go_on.send_replace(true);
    script
        .pass(super::request(2, "a", ""), wire::Role::Worker, 9)
        .await;
    let reply = soon(script.hear_message()).await;
    assert_eq!((reply.in_reply_to, reply.data), (2, "late".into()));
}

#[tokio::test]
async fn what_is_too_long_for_the_next_broker_does_not_end_its_connection() {
    let broker = Broker::new();
    let (script, messenger) = broker.joined().await;
    drop(script);
    let mut script = broker.accept().await;
    let long = messenger.send_to_app("long", vec![7; 900_000]).confirm();
    let short = messenger.send_to_app("short", ()).into_future();
    let welcome = async {
        // Both are queued while there is no Welcome yet.
        tokio::task::yield_now().await;
        script.welcome_with(1_000).await;
        assert_eq!(soon(script.hear_message()).await.action, "short");
    };
    let (long, short, ()) = tokio::join!(long.into_future(), short, welcome);
    assert_eq!(long, Err(crate::ConfirmError::Lost));
    short.unwrap();
}

#[tokio::test]
async fn a_socket_that_nobody_listens_at_is_named() {
    let joined = Messenger::over(tokio::io::empty())
        .socket("/nowhere/h.sock")
        .await;
    let Err(error @ JoinError::Connect { .. }) = joined else {
        panic!("{joined:?}");
    };
    assert!(error.to_string().contains("/nowhere/h.sock"), "{error}");
}
