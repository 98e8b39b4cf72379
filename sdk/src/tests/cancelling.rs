//! Futures that are dropped, at every point at which they can be.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::Messenger;
use crate::script::house_of_one;

type Step = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls what `step` makes once, then twice, and so on, and drops it each time: whatever it
/// was doing, the messenger goes on, and nobody waits any more.
async fn check(step: impl Fn(Messenger) -> Step) {
    let messenger = Messenger::over(house_of_one()).await.unwrap();
    messenger
        .answer("answered", |_| async { Ok("yes") })
        .unwrap();
    messenger.ready().await.unwrap();
    let mut echoes = messenger.listen("echo");
    for polls in 0..100_u32 {
        let mut future = step(messenger.clone());
        let done = poll_at_most(&mut future, polls).await;
        drop(future);
        {
            let state = messenger.shared().outgoing.state();
            assert!(state.open.is_empty(), "after {polls} polls somebody waits");
            assert!(
                !state.somebody_is_held(),
                "after {polls} polls somebody is held"
            );
        }
        if messenger.shared().is_closing() {
            assert_eq!(messenger.close().await, Ok(()));
            return;
        }
        messenger
            .send_to_app("echo", polls.to_string())
            .await
            .unwrap();
        let echo = echoes.next().await.unwrap();
        assert_eq!(
            echo.text().unwrap(),
            polls.to_string(),
            "messages are lost or doubled"
        );
        if done {
            return;
        }
    }
    panic!("it is never done");
}

/// Whether `future` is done after so many polls.
async fn poll_at_most(future: &mut Step, polls: u32) -> bool {
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn every_public_future_can_be_dropped_at_every_poll() {
    check(|m| Box::pin(async move { m.send_to_app("a", "1").await.unwrap() })).await;
    check(|m| {
        Box::pin(async move {
            {
                m.send_to_app("a", "1").confirm().await.unwrap();
            }
        })
    })
    .await;
    check(|m| {
        Box::pin(async move {
            m.send_to_agent("answered", "1").request().await.unwrap();
        })
    })
    .await;
    check(|m| Box::pin(async move { m.ready().await.unwrap() })).await;
    check(|m| Box::pin(async move { m.failing("it").await.unwrap() })).await;
    check(|m| Box::pin(async move { m.close().await.unwrap() })).await;
    check(|m| {
        Box::pin(async move {
            let mut messages = m.listen("a");
            m.send_to_app("a", "1").await.unwrap();
            messages.next().await.unwrap();
        })
    })
    .await;
    check(|m| {
        Box::pin(async move {
            let (_close, closed) = (m.shared().begin_close(), m.closed());
            closed.await;
        })
    })
    .await;
    check(|m| {
        Box::pin(async move {
            m.shared().begin_close();
            m.draining().await;
        })
    })
    .await;
    check(|_| {
        Box::pin(async {
            Messenger::over(house_of_one()).await.unwrap();
        })
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_dropped_half_read_loses_nothing_for_the_others() {
    let messenger = Messenger::over(house_of_one()).await.unwrap();
    messenger.ready().await.unwrap();
    let mut kept = messenger.listen("a");
    let mut dropped = messenger.listen("a");
    for n in ["1", "2", "3"] {
        messenger.send_to_app("a", n).await.unwrap();
    }
    assert_eq!(dropped.next().await.unwrap().text(), Ok("1"));
    drop(dropped);
    for n in ["1", "2", "3"] {
        assert_eq!(kept.next().await.unwrap().text(), Ok(n));
    }
}
