//! Ends, asked for and not.

use std::time::Duration;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code};
use tokio::sync::oneshot;

use super::{joined, joined_as, message, poll_once, soon, stays_pending};
use crate::script::script;
use crate::{Closed, FaultCode, JoinError, Messenger, Refused, Role, SendError};

#[tokio::test]
async fn hello_says_who_comes() {
    let (mut script, stream) = script();
    let join = Messenger::over(stream).role(Role::Agent);
    let join = join.token("secret").name("weather").into_future();
    let (hello, messenger) = tokio::join!(script.welcome(), join);
    messenger.unwrap();
    assert_eq!(hello.role(), wire::Role::Agent);
    assert_eq!(
        (hello.token.as_str(), hello.name.as_str()),
        ("secret", "weather")
    );
    assert_eq!((hello.pid, hello.version), (std::process::id(), 1));
}

#[tokio::test]
async fn one_who_is_refused_hears_why() {
    let (mut script, stream) = script();
    let answer = async {
        script.hear().await;
        script.say(fatal(Code::RoleTaken)).await;
    };
    let (joined, ()) = tokio::join!(Messenger::over(stream).into_future(), answer);
    let Err(JoinError::Refused(refused)) = joined else {
        panic!("{joined:?}");
    };
    assert_eq!(refused.code, FaultCode::RoleTaken);
}

#[tokio::test(start_paused = true)]
async fn joining_ends_where_nobody_answers() {
    let (script, stream) = script();
    let joined = soon(Messenger::over(stream).into_future()).await;
    assert!(matches!(joined, Err(JoinError::Handshake(_))), "{joined:?}");
    drop(script);
    let joined = Messenger::over(tokio::io::empty()).await;
    assert!(matches!(joined, Err(JoinError::Handshake(_))), "{joined:?}");
    let joined = Messenger::over(tokio::io::empty()).outlive_broker().await;
    assert!(
        matches!(joined, Err(JoinError::NothingToReconnect)),
        "{joined:?}"
    );
}

fn fatal(code: Code) -> Body {
    Body::Fault(wire::Fault {
        code: code.into(),
        id: 0,
        detail: "why".into(),
        fatal: true,
    })
}

#[tokio::test]
async fn closing_sends_what_was_queued_and_hears_what_still_comes() {
    let (mut script, messenger) = joined().await;
    let mut heard = messenger.listen("a");
    for _ in 0..1_000 {
        messenger.send_to_app("a", "1").await.unwrap();
    }
    let broker = async {
        for _ in 0..1_000 {
            script.hear_message().await;
        }
        assert_eq!(script.hear().await, Some(Body::Goodbye(wire::Goodbye {})));
        script.pass_on(message("a", "the last one")).await;
        script.say(Body::Goodbye(wire::Goodbye {})).await;
    };
    let (closed, ()) = tokio::join!(messenger.close(), broker);
    closed.unwrap();
    assert_eq!(heard.next().await.unwrap().text(), Ok("the last one"));
    assert!(heard.next().await.is_none());
    let sent = messenger.send_to_app("a", ()).await;
    assert_eq!(sent, Err(SendError::Closed(Closed::ByUs)));
    assert_eq!(messenger.ready().await, Err(Closed::ByUs));
    assert!(messenger.listen("a").next().await.is_none());
    messenger.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_ends_where_the_broker_says_no_goodbye() {
    let (mut script, messenger) = joined().await;
    let before = tokio::time::Instant::now();
    let closed = messenger.close().await;
    assert!(matches!(closed, Err(Closed::Lost(_))), "{closed:?}");
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!(script.hear().await, Some(Body::Goodbye(wire::Goodbye {})));
    assert_eq!(script.hear().await, None);
}

#[tokio::test]
async fn a_sender_that_waits_for_room_hears_that_the_messenger_closes() {
    let (_script, messenger) = joined().await;
    let flood = async {
        loop {
            let sent = messenger.send_to_app("a", vec![0; 100_000]).await;
            if let Err(error) = sent {
                return error;
            }
        }
    };
    let close = async {
        tokio::task::yield_now().await;
        let _ = poll_once(messenger.close()).await;
    };
    let (error, ()) = tokio::join!(flood, close);
    assert_eq!(error, SendError::Closed(Closed::ByUs));
}

#[tokio::test]
async fn the_last_clone_closes_the_messenger_behind_it() {
    let (mut script, messenger) = joined().await;
    let clone = messenger.clone();
    let closed = messenger.closed();
    clone.send_to_app("a", ()).await.unwrap();
    drop(messenger);
    drop(clone);
    assert_eq!(script.hear_message().await.action, "a");
    assert_eq!(script.hear().await, Some(Body::Goodbye(wire::Goodbye {})));
    script.say(Body::Goodbye(wire::Goodbye {})).await;
    assert_eq!(closed.await, Closed::ByUs);
}

#[tokio::test]
async fn the_end_of_a_connection_says_what_ended_it() {
    let (mut script, messenger) = joined().await;
    script.say(Body::Goodbye(wire::Goodbye {})).await;
    assert_eq!(messenger.closed().await, Closed::ByBroker);

    let (mut script, messenger) = joined().await;
    script.say(fatal(Code::Undeliverable)).await;
    let refused = Refused {
        code: FaultCode::Undeliverable,
        detail: "why".into(),
    };
    assert_eq!(messenger.closed().await, Closed::Refused(refused.clone()));
    assert_eq!(messenger.close().await, Err(Closed::Refused(refused)));

    let (script, messenger) = joined().await;
    drop(script);
    assert!(matches!(messenger.closed().await, Closed::Lost(_)));
    let sent = messenger.send_to_app("a", ()).await;
    assert!(matches!(sent, Err(SendError::Closed(Closed::Lost(_)))));
}

#[tokio::test]
async fn the_brokers_last_words_are_heard_where_writing_fails_first() {
    let (mut script, messenger) = joined().await;
    script.say(fatal(Code::Undeliverable)).await;
    drop(script);
    // Both the fault and a broken stream are there when the session looks next.
    let _ = messenger.send_to_app("a", ()).await;
    assert!(matches!(messenger.closed().await, Closed::Refused(_)));
}

#[tokio::test]
async fn an_open_request_ends_with_its_connection() {
    let (mut script, messenger) = joined().await;
    let ask = messenger.send_to_agent("a", ()).request().into_future();
    let end = async {
        script.hear_message().await;
        drop(script);
    };
    let (asked, ()) = tokio::join!(ask, end);
    assert_eq!(asked.unwrap_err(), crate::RequestError::Lost);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_told_to_all_who_ask_and_its_deadline_stands() {
    let (mut script, messenger) = joined().await;
    let early = messenger.draining();
    assert!(stays_pending(messenger.draining()).await);
    let cause = "reload".to_owned();
    let deadline_ms = 10_000;
    script
        .say(Body::Drain(wire::Drain { deadline_ms, cause }))
        .await;
    let drain = early.await;
    assert_eq!(
        (drain.deadline, drain.cause.as_str()),
        (Duration::from_secs(10), "reload")
    );
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!(messenger.draining().await.deadline, Duration::from_secs(6));
    // Messages can still be sent.
    messenger.send_to_app("a", ()).await.unwrap();
}

#[tokio::test]
async fn the_end_is_a_drain_too() {
    let (script, messenger) = joined().await;
    let draining = messenger.draining();
    drop(script);
    assert!(draining.await.cause.contains("lost"));
}

/// How a process that joined from its environment ends.
async fn exit_code(end: impl AsyncFnOnce(&mut Script, &Messenger)) -> Option<i32> {
    let (tell, told) = oneshot::channel();
    let exit = move |code| tell.send(code).unwrap_or_default();
    let (mut script, messenger) = joined_as(|join| join.like_a_child().exit(exit)).await;
    end(&mut script, &messenger).await;
    drop(script);
    drop(messenger);
    told.await.ok()
}

type Script = crate::script::Script<tokio::io::DuplexStream>;

#[tokio::test]
async fn a_child_that_loses_its_master_exits_with_110() {
    assert_eq!(exit_code(async |_, _| {}).await, Some(110));
    let goodbye = async |script: &mut Script, messenger: &Messenger| {
        script.say(Body::Goodbye(wire::Goodbye {})).await;
        messenger.closed().await;
    };
    assert_eq!(exit_code(goodbye).await, Some(110));
}

#[tokio::test]
async fn a_child_that_leaves_does_not_exit() {
    let leave = async |script: &mut Script, messenger: &Messenger| {
        let (closed, ()) = tokio::join!(messenger.close(), script.echo());
        closed.unwrap();
    };
    assert_eq!(exit_code(leave).await, None);
}

#[tokio::test]
async fn a_messenger_whose_runtime_is_shut_down_says_so_on_another() {
    let (sender, messenger) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (_script, messenger) = runtime.block_on(joined());
        sender.send(messenger).unwrap();
    });
    let messenger = messenger.await.unwrap();
    assert!(matches!(soon(messenger.closed()).await, Closed::Lost(_)));
}
