//! Requests, replies and receipts: each ends in exactly one way.

use std::time::Duration;

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Route, Want};

use super::{joined, message, reply, request, soon, stays_pending};
use crate::limits::REQUESTS_OPEN_MAX;
use crate::{BoxError, ConfirmError, FaultCode, Receipt, Refused, RequestError, SendError};

fn fault(code: Code, id: u64) -> Body {
    Body::Fault(wire::Fault {
        code: code.into(),
        id,
        detail: "why".into(),
        fatal: false,
    })
}

#[tokio::test]
async fn a_request_is_replied_to_before_ready() {
    let (mut script, messenger) = joined().await;
    let ask = messenger.send_to_agent("config", "which");
    let ask = ask.request().timeout(Duration::from_secs(2));
    let answer = async {
        let asked = script.hear_message().await;
        assert_eq!((asked.route(), asked.want()), (Route::Agent, Want::Reply));
        assert_eq!((asked.timeout_ms, asked.action.as_str()), (2_000, "config"));
        assert_ne!(asked.id, 0);
        let mut given = reply(asked.id, "{}");
        given.set_encoding(wire::Encoding::Json);
        script.pass_on(given).await;
    };
    let (reply, ()) = tokio::join!(ask.into_future(), answer);
    let reply = reply.unwrap();
    assert_eq!(reply.text(), Ok("{}"));
    assert_eq!(reply.encoding(), crate::Encoding::Json);
    assert_eq!(reply.sender().connection, 9);
}

/// What becomes of a request that the broker answers with `answer`.
async fn requested(answer: impl FnOnce(u64) -> Body) -> RequestError {
    let (mut script, messenger) = joined().await;
    let ask = messenger.send_to_agent("a", ()).request().into_future();
    let answer = async {
        let id = script.hear_message().await.id;
        script.say(answer(id)).await;
    };
    tokio::join!(ask, answer).0.unwrap_err()
}

#[tokio::test]
async fn what_the_broker_says_of_a_request_is_its_error() {
    let why = || "why".to_owned();
    let error = requested(|id| fault(Code::Gone, id)).await;
    assert_eq!(error, RequestError::Gone(why()));
    let error = requested(|id| fault(Code::TimedOut, id)).await;
    assert_eq!(error, RequestError::TimedOut);
    let error = requested(|id| fault(Code::Undeliverable, id)).await;
    assert_eq!(error, RequestError::Undeliverable(why()));
    let error = requested(|id| fault(Code::NoSuchProcess, id)).await;
    assert_eq!(error, RequestError::NoSuchProcess(why()));
    let error = requested(|id| fault(Code::ShuttingDown, id)).await;
    assert_eq!(error, RequestError::ShuttingDown(why()));
    let error = requested(|id| fault(Code::Forbidden, id)).await;
    let refused = Refused {
        code: FaultCode::Forbidden,
        detail: why(),
    };
    assert_eq!(error, RequestError::Refused(refused));
}

#[tokio::test]
async fn a_reply_that_says_why_there_is_none_is_an_error() {
    let says = |error: &'static str| {
        move |id| {
            Body::Message(wire::Message {
                error: error.into(),
                ..reply(id, "")
            })
        }
    };
    let error = requested(says("it is broken")).await;
    assert_eq!(error, RequestError::Failed("it is broken".into()));
    let error = requested(says("no handler")).await;
    assert_eq!(error, RequestError::NoHandler);
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_even_where_the_broker_hangs_and_its_late_reply_disturbs_nobody() {
    let (mut script, messenger) = joined().await;
    let ask = messenger.send_to_agent("a", ()).request();
    let error = ask.timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error, RequestError::TimedOut);
    let id = script.hear_message().await.id;
    script.pass_on(reply(id, "late")).await;
    let mut heard = messenger.listen("a");
    script.pass_on(message("a", "next")).await;
    assert_eq!(soon(heard.next()).await.unwrap().text(), Ok("next"));
}

#[tokio::test]
async fn one_request_more_than_may_be_open_is_refused_at_the_call() {
    let (_script, messenger) = joined().await;
    let ask = || Box::pin(messenger.send_to_agent("a", ()).request().into_future());
    let mut open: Vec<_> = (0..REQUESTS_OPEN_MAX).map(|_| ask()).collect();
    for request in &mut open {
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(
                request.as_mut().poll(cx).is_pending()
            ))
            .await
        );
        // Each takes its turn in Tokio's budget.
        tokio::task::yield_now().await;
    }
    assert_eq!(ask().await.unwrap_err(), SendError::TooManyOpen.into());
    drop(open);
    assert!(messenger.shared().outgoing.state().open.is_empty());
}

#[tokio::test]
async fn a_confirmed_message_gives_its_receipt() {
    let (mut script, messenger) = joined().await;
    let send = messenger.send_to_app("a", ()).confirm().into_future();
    let answer = async {
        let sent = script.hear_message().await;
        assert_eq!(sent.want(), Want::Receipt);
        let (id, queued, held) = (sent.id, 3, 1);
        script
            .say(Body::Receipt(wire::Receipt { id, queued, held }))
            .await;
    };
    let (receipt, ()) = tokio::join!(send, answer);
    assert_eq!(receipt.unwrap(), Receipt { queued: 3, held: 1 });
}

#[tokio::test]
async fn a_confirmed_message_that_is_refused_says_why() {
    let (mut script, messenger) = joined().await;
    for (code, error) in [
        (
            Code::NoSuchProcess,
            ConfirmError::NoSuchProcess("why".into()),
        ),
        (
            Code::Undeliverable,
            ConfirmError::Undeliverable("why".into()),
        ),
        (Code::ShuttingDown, ConfirmError::ShuttingDown("why".into())),
    ] {
        let send = messenger.send_to(1, "a", ()).confirm().into_future();
        let answer = async {
            let id = script.hear_message().await.id;
            script.say(fault(code, id)).await;
        };
        assert_eq!(tokio::join!(send, answer).0, Err(error));
    }
}

#[tokio::test]
async fn a_refusal_that_nobody_waits_for_reaches_its_handler() {
    let (mut script, messenger) = joined().await;
    let (tell, mut told) = tokio::sync::mpsc::channel(10);
    messenger.on_refused(move |refused| {
        let tell = tell.clone();
        async move { tell.send(refused).await }
    });
    script.say(fault(Code::Undeliverable, 0)).await;
    // Confirmed long ago, and lost in the broker later.
    script.say(fault(Code::NoSuchProcess, 77)).await;
    assert_eq!(told.recv().await.unwrap().code, FaultCode::Undeliverable);
    assert_eq!(told.recv().await.unwrap().code, FaultCode::NoSuchProcess);
}

#[tokio::test]
async fn a_request_is_answered_to_the_one_who_asked() {
    let (mut script, messenger) = joined().await;
    let answered = messenger.answer("double", |message| async move {
        let number: u32 = message.text()?.parse()?;
        Ok((number * 2).to_string())
    });
    answered.unwrap();
    script.pass_on(request(40, "double", "21")).await;
    let reply = script.hear_message().await;
    assert_eq!(reply.route(), Route::Reply);
    assert_eq!((reply.connection, reply.in_reply_to), (9, 40));
    assert_eq!((&reply.data[..], reply.error.as_str()), (&b"42"[..], ""));
    assert_eq!(reply.encoding(), wire::Encoding::Text);
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_replies_so() {
    let (mut script, messenger) = joined().await;
    let answered = messenger.answer("a", |message| async move {
        match message.text()? {
            "panic" => panic!("it panics"),
            "long" => Err(BoxError::from("ä".repeat(2_000))),
            "empty" => Err(BoxError::from("")),
            _ => Ok(vec![0; 2 << 20]),
        }
    });
    answered.unwrap();
    let mut error_of = async |data| {
        script.pass_on(request(1, "a", data)).await;
        script.hear_message().await.error
    };
    assert_eq!(error_of("panic").await, "the handler panicked: it panics");
    assert_eq!(error_of("long").await.len(), 1_024);
    assert_eq!(error_of("empty").await, "an error without words");
    let too_large = error_of("too large").await;
    assert!(too_large.starts_with("a reply of 2097"), "{too_large}");
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_told_so_at_once() {
    let (mut script, messenger) = joined().await;
    let mut heard = messenger.listen("observed");
    for action in ["unknown", "observed"] {
        script.pass_on(request(3, action, "")).await;
        let reply = script.hear_message().await;
        assert_eq!((reply.connection, reply.in_reply_to), (9, 3));
        assert_eq!(reply.error, "no handler");
    }
    assert!(heard.next().await.unwrap().is_request());
}

#[tokio::test]
async fn a_listener_hears_requests_too_and_the_answerer_only_requests() {
    let (mut script, messenger) = joined().await;
    let answered = messenger.answer("a", |_| async { Ok("answered") });
    answered.unwrap();
    let mut heard = messenger.listen("a");
    script.pass_on(message("a", "news")).await;
    script.pass_on(request(1, "a", "question")).await;
    assert_eq!(script.hear_message().await.data, "answered");
    assert_eq!(heard.next().await.unwrap().text(), Ok("news"));
    assert_eq!(heard.next().await.unwrap().text(), Ok("question"));
}

#[tokio::test(start_paused = true)]
async fn an_action_has_one_who_answers_it_and_another_once_that_one_has_ended() {
    let (mut script, messenger) = joined().await;
    let first = messenger.answer("a", |_| async { Ok("first") }).unwrap();
    let second = messenger.answer("a", |_| async { Ok("second") });
    assert!(second.unwrap_err().to_string().contains("\"a\""));
    messenger.off(first);
    messenger.answer("a", |_| async { Ok("third") }).unwrap();
    script.pass_on(request(1, "a", "")).await;
    assert_eq!(script.hear_message().await.data, "third");
    assert!(stays_pending(script.hear()).await);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_answered_at_once_hold_up_none_of_the_others_up_to_their_number() {
    let (mut script, messenger) = joined().await;
    let answered = messenger.answer_at_once("a", 2, |message| async move {
        match message.text()? {
            "slow" => std::future::pending().await,
            _ => Ok("answered"),
        }
    });
    answered.unwrap();
    script.pass_on(request(1, "a", "slow")).await;
    script.pass_on(request(2, "a", "")).await;
    assert_eq!(soon(script.hear_message()).await.in_reply_to, 2);
    script.pass_on(request(3, "a", "slow")).await;
    script.pass_on(request(4, "a", "")).await;
    assert!(stays_pending(script.hear()).await);
}
