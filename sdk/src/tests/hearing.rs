//! What handlers hear, and what they do to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Role};
use tokio::sync::{Semaphore, mpsc};

use super::{joined, joined_as, message, reply, soon, stays_pending};
use crate::{BoxError, Encoding, Message, Messenger, Sender, SenderRole};

/// A handler's word to its test.
fn told() -> (mpsc::Sender<Message>, mpsc::Receiver<Message>) {
    mpsc::channel(100)
}

fn tell(messenger: &Messenger, action: &str) -> mpsc::Receiver<Message> {
    let (tell, told) = told();
    messenger.on(action, move |message| {
        let tell = tell.clone();
        async move { tell.send(message).await }
    });
    told
}

#[tokio::test]
async fn a_handler_hears_all_that_is_known_of_a_message() {
    let (mut script, messenger) = joined().await;
    let mut heard = tell(&messenger, "a");
    let mut sent = message("a", "text");
    sent.set_encoding(wire::Encoding::Text);
    script.pass(sent, Role::Operator, 9).await;
    let message = heard.recv().await.unwrap();
    assert_eq!((message.action(), message.text()), ("a", Ok("text")));
    assert_eq!(message.encoding(), Encoding::Text);
    assert!(!message.is_request());
    let sender = Sender {
        pid: 100,
        role: SenderRole::Operator,
        connection: 9,
    };
    assert_eq!(message.sender(), sender);
}

#[cfg(feature = "json")]
#[tokio::test]
async fn data_that_is_not_what_it_is_read_as_is_an_error_that_names_the_action() {
    let (mut script, messenger) = joined().await;
    let mut heard = tell(&messenger, "price");
    script.pass_on(message("price", "\"no number")).await;
    let error = heard.recv().await.unwrap().json::<u32>().unwrap_err();
    assert!(error.to_string().contains("\"price\" as JSON"), "{error}");
}

#[tokio::test]
async fn a_listener_hears_messages_in_their_order() {
    let (mut script, messenger) = joined().await;
    let mut heard = tell(&messenger, "a");
    for n in 0..500 {
        script.pass_on(message("a", &n.to_string())).await;
        if n % 90 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for n in 0..500 {
        assert_eq!(heard.recv().await.unwrap().text().unwrap(), n.to_string());
    }
}

#[tokio::test]
async fn every_listener_of_an_action_hears_it_and_one_that_is_stuck_holds_up_no_other() {
    let (mut script, messenger) = joined().await;
    messenger.on("a", |_| std::future::pending::<()>());
    let mut second = tell(&messenger, "a");
    let mut third = messenger.listen("a");
    for n in ["1", "2"] {
        script.pass_on(message("a", n)).await;
        assert_eq!(second.recv().await.unwrap().text(), Ok(n));
        assert_eq!(third.next().await.unwrap().text(), Ok(n));
    }
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_hears_the_next_message() {
    let (mut script, messenger) = joined().await;
    let (tell, mut heard) = told();
    messenger.on("a", move |message| {
        let tell = tell.clone();
        // Before there is a future, and in it.
        assert_ne!(message.text(), Ok("panic at once"));
        async move {
            match message.text()? {
                "fail" => return Err(BoxError::from("it fails")),
                "panic" => panic!("it panics"),
                _ => {}
            }
            Ok(tell.send(message).await?)
        }
    });
    for data in ["fail", "panic", "panic at once", "fine"] {
        script.pass_on(message("a", data)).await;
    }
    assert_eq!(heard.recv().await.unwrap().text(), Ok("fine"));
}

#[tokio::test]
async fn once_is_once_even_where_two_come_together() {
    let (mut script, messenger) = joined().await;
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    messenger.once("a", move |_| {
        counted.fetch_add(1, SeqCst);
        std::future::ready(())
    });
    let mut all = messenger.listen("a");
    script.pass_on(message("a", "1")).await;
    script.pass_on(message("a", "2")).await;
    all.next().await.unwrap();
    all.next().await.unwrap();
    messenger.begin_close_and_wait(&mut script).await;
    assert_eq!(count.load(SeqCst), 1);
}

#[tokio::test]
async fn a_listener_that_was_ended_hears_nothing_more() {
    let (mut script, messenger) = joined().await;
    let (tell, mut heard) = told();
    let listener = messenger.on("a", move |message| {
        let tell = tell.clone();
        async move { tell.send(message).await }
    });
    script.pass_on(message("a", "1")).await;
    assert_eq!(heard.recv().await.unwrap().text(), Ok("1"));
    messenger.off(listener.clone());
    messenger.off(listener);
    script.pass_on(message("a", "2")).await;
    // Its handler is dropped, and with it the other end of this.
    assert!(heard.recv().await.is_none());
}

#[tokio::test]
async fn the_roster_is_known_and_gives_the_index() {
    let (mut script, messenger) = joined().await;
    let mut news = messenger.listen("egg-pids");
    assert_eq!(messenger.index(), None);
    let member = |pid, connection, index| wire::Member {
        pid,
        connection,
        index,
    };
    let pids = wire::Pids {
        worker: vec![member(90, 6, 0), member(100, 7, 1)],
        agent: Some(member(80, 2, 0)),
    };
    let pids = wire::Message {
        action: "egg-pids".into(),
        data: prost::Message::encode_to_vec(&pids).into(),
        ..Default::default()
    };
    script.pass(pids, Role::Master, 0).await;
    news.next().await.unwrap();
    let peers = messenger.peers();
    assert_eq!(peers.agent.unwrap().pid, 80);
    assert_eq!(
        peers.workers.iter().map(|p| p.pid).collect::<Vec<_>>(),
        [90, 100]
    );
    assert_eq!(messenger.index(), Some(1));
    assert_eq!(
        (
            messenger.pid(),
            messenger.connection(),
            messenger.master_pid()
        ),
        (100, 7, 50)
    );
}

#[tokio::test]
async fn a_ping_is_answered_whatever_handlers_do() {
    let (mut script, messenger) = joined().await;
    messenger.on("a", |_| std::future::pending::<()>());
    script.pass_on(message("a", "1")).await;
    script.say(Body::Ping(wire::Ping { nonce: 5 })).await;
    assert_eq!(
        script.hear().await,
        Some(Body::Pong(wire::Pong { nonce: 5 }))
    );
}

/// Passes messages on until the messenger reads no more, and gives how many it took.
async fn fill(script: &mut crate::script::Script<tokio::io::DuplexStream>) -> usize {
    let data = "x".repeat(10_000);
    let mut passed = 0;
    while !stays_pending(script.pass_on(message("a", &data))).await {
        passed += 1;
        assert!(passed < 10_000, "it never stops");
    }
    passed
}

#[tokio::test(start_paused = true)]
async fn the_messenger_reads_no_more_at_its_bound_and_goes_on_when_messages_are_taken() {
    let (mut script, messenger) = joined_as(|join| join.queued_bytes_max(1_000_000)).await;
    let mut slow = messenger.listen("a");
    // Some hundred in the queue, and some in the stream between.
    let passed = fill(&mut script).await;
    assert!((100..200).contains(&passed), "{passed}");
    for _ in 0..passed {
        soon(slow.next()).await.unwrap();
    }
    assert!(stays_pending(slow.next()).await);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_hears_its_reply_through_full_queues() {
    let (mut script, messenger) = joined_as(|join| join.queued_bytes_max(100_000)).await;
    let gate = Arc::new(Semaphore::new(0));
    let (tell, mut heard) = told();
    let (asker, opened) = (messenger.clone(), gate.clone());
    messenger.on("a", move |_| {
        let (asker, opened, tell) = (asker.clone(), opened.clone(), tell.clone());
        async move {
            opened.acquire().await?.forget();
            let reply = asker.send_to_agent("b", ()).request().await?;
            Ok::<_, BoxError>(tell.send(reply).await?)
        }
    });
    let data = "x".repeat(10_000);
    for _ in 0..15 {
        script.pass_on(message("a", &data)).await;
    }
    // More than the bound waits, in the queue and in the stream; the reply is behind it.
    gate.add_permits(1);
    let asked = soon(script.hear_message()).await;
    script.pass_on(reply(asked.id, "at last")).await;
    assert_eq!(soon(heard.recv()).await.unwrap().text(), Ok("at last"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_is_heard_while_the_broker_reads_nothing_either() {
    let (mut script, messenger) = joined_as(|join| join.queued_bytes_max(100_000)).await;
    let gate = Arc::new(Semaphore::new(0));
    let (tell, mut heard) = told();
    let (asker, opened) = (messenger.clone(), gate.clone());
    messenger.on("a", move |_| {
        let (asker, opened, tell) = (asker.clone(), opened.clone(), tell.clone());
        async move {
            opened.acquire().await?.forget();
            let reply = asker.send_to_agent("b", ()).request().await?;
            Ok::<_, BoxError>(tell.send(reply).await?)
        }
    });
    // The session is in the middle of a write, and reads no more.
    messenger.send_to_app("c", vec![0; 900_000]).await.unwrap();
    let data = "x".repeat(10_000);
    for _ in 0..12 {
        script.pass_on(message("a", &data)).await;
    }
    assert!(stays_pending(heard.recv()).await);
    // The first id there is: a broker that had read it would reply so.
    script.pass_on(reply(1, "at last")).await;
    assert!(stays_pending(heard.recv()).await);
    gate.add_permits(1);
    assert_eq!(soon(heard.recv()).await.unwrap().text(), Ok("at last"));
}

impl Messenger {
    /// Closes, with a broker that says goodbye.
    async fn begin_close_and_wait(
        &self,
        script: &mut crate::script::Script<tokio::io::DuplexStream>,
    ) {
        let (closed, ()) = tokio::join!(self.close(), script.echo());
        closed.unwrap();
    }
}
