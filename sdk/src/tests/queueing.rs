//! What waits for listeners: its order, and what becomes of it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::{Semaphore, mpsc};

use super::{joined, joined_as, message, poll_once, reply, soon, stays_pending};

#[tokio::test]
async fn messages_that_take_turns_come_to_each_of_their_listeners_in_order() {
    let (mut script, messenger) = joined().await;
    let mut listeners = [messenger.listen("a"), messenger.listen("a")];
    let mut other = messenger.listen("b");
    for n in 0..500 {
        let action = if n % 3 == 0 { "b" } else { "a" };
        script.pass_on(message(action, &n.to_string())).await;
    }
    for n in 0..500 {
        if n % 3 == 0 {
            assert_eq!(other.next().await.unwrap().text().unwrap(), n.to_string());
            continue;
        }
        for listener in &mut listeners {
            let heard = listener.next().await.unwrap();
            assert_eq!(heard.text().unwrap(), n.to_string());
        }
    }
}

#[tokio::test]
async fn what_came_before_a_reply_is_there_with_it() {
    let (mut script, messenger) = joined().await;
    let mut news = messenger.listen("news");
    let answered = async {
        let asked = script.hear_message().await;
        script.pass_on(message("news", "it rains")).await;
        script.pass_on(reply(asked.id, "yes")).await;
    };
    let request = messenger.send_to_agent("ask", ()).request();
    let (reply, ()) = tokio::join!(request.into_future(), answered);
    assert_eq!(reply.unwrap().text(), Ok("yes"));
    let next = poll_once(news.next()).await;
    assert_eq!(next.unwrap().unwrap().text(), Ok("it rains"));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_ended_amid_what_waits_for_it_hears_no_more() {
    let (mut script, messenger) = joined().await;
    let gate = Arc::new(Semaphore::new(0));
    let (tell, mut heard) = mpsc::channel(100);
    let opened = gate.clone();
    let listener = messenger.on("a", move |message| {
        let (tell, opened) = (tell.clone(), opened.clone());
        async move {
            // Nobody listens any more where the test has failed.
            let _ = tell.send(message).await;
            let _ = opened.acquire().await.map(|permit| permit.forget());
        }
    });
    for n in 0..50 {
        script.pass_on(message("a", &n.to_string())).await;
    }
    assert_eq!(soon(heard.recv()).await.unwrap().text(), Ok("0"));
    assert!(stays_pending(heard.recv()).await);
    messenger.off(listener);
    gate.add_permits(50);
    assert!(soon(heard.recv()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stuck_listener_that_is_ended_holds_the_messenger_up_no_more() {
    let (mut script, messenger) = joined_as(|join| join.queued_bytes_max(1_000_000)).await;
    let stuck = messenger.on("a", |_| std::future::pending::<()>());
    let data = "x".repeat(10_000);
    let mut passed = 0;
    while !stays_pending(script.pass_on(message("a", &data))).await {
        passed += 1;
        assert!(passed < 1_000, "it never stops");
    }
    let backlog = &messenger.shared().backlog;
    let may_read = || poll_once(poll_fn(|cx| backlog.poll_room(cx, |_| false)));
    assert!(may_read().await.is_none());
    messenger.off(stuck);
    assert!(may_read().await.is_some());
}

#[tokio::test]
async fn a_loop_that_only_hears_lets_others_run() {
    let (mut script, messenger) = joined().await;
    let mut listener = messenger.listen("a");
    let mut last = messenger.listen("last");
    let data = "x".repeat(100_000);
    for _ in 0..500 {
        script.pass_on(message("a", &data)).await;
    }
    script.pass_on(message("last", "")).await;
    last.next().await.unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let all = tokio::spawn(async move {
        for _ in 0..500 {
            listener.next().await.unwrap();
            counter.fetch_add(1, SeqCst);
        }
    });
    while count.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(count.load(SeqCst) < 500, "nobody else ran meanwhile");
    all.await.unwrap();
}
