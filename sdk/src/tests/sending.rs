//! What leaves, and what does not.

use bytes::Bytes;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Route, Want};

use super::{joined, soon, stays_pending};
use crate::limits::OUTBOX_BYTES_MAX;
use crate::{Draft, IntoData, Messenger, SendError};

/// What the broker hears of `send`.
async fn heard(send: impl for<'a> Fn(&'a Messenger) -> Draft<'a>) -> wire::Message {
    let (mut script, messenger) = joined().await;
    send(&messenger).await.unwrap();
    script.hear_message().await
}

#[track_caller]
fn check_route(message: &wire::Message, route: Route, others: bool, pid: u32, connection: u64) {
    assert_eq!(message.route(), route);
    assert_eq!(
        (message.others, message.pid, message.connection),
        (others, pid, connection)
    );
    assert_eq!((message.id, message.want()), (0, Want::Unspecified));
    assert_eq!(
        (message.action.as_str(), &message.data[..]),
        ("a", &b"1"[..])
    );
}

#[tokio::test]
async fn each_verb_names_its_receivers() {
    let sent = heard(|m| m.broadcast("a", "1")).await;
    check_route(&sent, Route::Broadcast, false, 0, 0);
    let sent = heard(|m| m.send_to_app("a", "1")).await;
    check_route(&sent, Route::App, false, 0, 0);
    let sent = heard(|m| m.send_to_agent("a", "1")).await;
    check_route(&sent, Route::Agent, false, 0, 0);
    let sent = heard(|m| m.send_random("a", "1")).await;
    check_route(&sent, Route::Random, false, 0, 0);
    let sent = heard(|m| m.send_to(12, "a", "1")).await;
    check_route(&sent, Route::Pid, false, 12, 0);
}

#[tokio::test]
async fn a_sender_can_leave_itself_out_and_name_a_connection() {
    let sent = heard(|m| m.broadcast("a", "1").others()).await;
    check_route(&sent, Route::Broadcast, true, 0, 0);
    let sent = heard(|m| m.send_to_app("a", "1").others()).await;
    check_route(&sent, Route::App, true, 0, 0);
    let sent = heard(|m| m.send_to(12, "a", "1").to_connection(300)).await;
    check_route(&sent, Route::Pid, false, 12, 300);
}

async fn check_data(data: impl IntoData<'static>, encoding: wire::Encoding, bytes: &[u8]) {
    let (mut script, messenger) = joined().await;
    messenger.send_to_app("a", data).await.unwrap();
    let message = script.hear_message().await;
    assert_eq!(message.encoding(), encoding);
    assert_eq!(message.data, bytes);
}

#[tokio::test]
async fn data_leaves_as_what_it_is() {
    check_data("text", wire::Encoding::Text, b"text").await;
    check_data(String::from("text"), wire::Encoding::Text, b"text").await;
    check_data(b"bytes", wire::Encoding::Unspecified, b"bytes").await;
    check_data(vec![1, 2], wire::Encoding::Unspecified, &[1, 2]).await;
    check_data((), wire::Encoding::Unspecified, &[]).await;
    let long = Bytes::from(vec![7; 100_000]);
    check_data(long.clone(), wire::Encoding::Unspecified, &long).await;
    check_data(long.to_vec(), wire::Encoding::Unspecified, &long).await;
}

#[cfg(feature = "json")]
#[tokio::test]
async fn a_value_leaves_as_json_and_one_that_cannot_be_is_refused() {
    check_data(crate::Json([1, 2]), wire::Encoding::Json, b"[1,2]").await;
    let (_script, messenger) = joined().await;
    let no_text_for_keys = std::collections::BTreeMap::from([([1, 2], 3)]);
    let sent = messenger
        .send_to_app("a", crate::Json(no_text_for_keys))
        .await;
    assert!(matches!(sent, Err(SendError::Encode(_))), "{sent:?}");
}

#[cfg(feature = "prost")]
#[tokio::test]
async fn a_message_of_prost_leaves_as_protobuf() {
    let beat = wire::Beat { active: 3 };
    check_data(crate::Proto(beat), wire::Encoding::Protobuf, &[8, 3]).await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_the_call() {
    let (mut script, messenger) = joined().await;
    let long = "x".repeat(256);
    let refused = |action: &'static str| async { messenger.send_to_app(action, ()).await };
    assert_eq!(refused("").await, Err(SendError::ActionEmpty));
    let reserved = SendError::ActionReserved {
        action: "egg-ready".into(),
    };
    assert_eq!(refused("egg-ready").await, Err(reserved));
    assert_eq!(
        messenger.send_to_app(&long, ()).await,
        Err(SendError::ActionTooLong { bytes: 256 })
    );
    assert_eq!(
        messenger.send_to_agent("a", ()).others().await,
        Err(SendError::NotToMany)
    );
    assert_eq!(
        messenger.send_to_agent("a", ()).to_connection(1).await,
        Err(SendError::NotToAPid)
    );
    let request = messenger.broadcast("a", ()).request().await;
    assert_eq!(request.unwrap_err(), SendError::ManyCannotReply.into());
    // Nothing of all that has left.
    messenger.send_to_app(&long[1..], ()).await.unwrap();
    assert_eq!(script.hear_message().await.action.len(), 255);
}

#[tokio::test]
async fn a_message_as_long_as_the_broker_takes_passes_and_one_byte_more_does_not() {
    let (mut script, messenger) = joined().await;
    // The script's Welcome said 1 MiB, and a head takes less than 16 bytes.
    let bytes_max = 1 << 20;
    let over = messenger.send_to_app("a", vec![0; bytes_max]).await;
    let Err(SendError::TooLarge { bytes, .. }) = over else {
        panic!("{over:?}");
    };
    let fits = bytes_max - (bytes - bytes_max);
    let over = messenger.send_to_app("a", vec![0; fits + 1]).await;
    assert!(matches!(over, Err(SendError::TooLarge { .. })), "{over:?}");
    let (sent, heard) = tokio::join!(
        messenger.send_to_app("a", vec![0; fits]).into_future(),
        script.hear_message()
    );
    sent.unwrap();
    assert_eq!(heard.data.len(), fits);
}

#[tokio::test]
async fn short_and_long_messages_arrive_in_the_order_sent() {
    let (mut script, messenger) = joined().await;
    let lengths: Vec<usize> = (0..200).map(|n| (n * n * 7) % 9_000).collect();
    let send = async {
        for length in &lengths {
            messenger.send_to_app("a", vec![1; *length]).await.unwrap();
        }
    };
    let hear = async {
        for length in &lengths {
            assert_eq!(script.hear_message().await.data.len(), *length);
        }
    };
    tokio::join!(send, hear);
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_while_the_broker_reads_nothing_and_goes_on_when_it_does() {
    let (mut script, messenger) = joined().await;
    let data = Bytes::from(vec![0; 64 << 10]);
    let mut sent = 0;
    while !stays_pending(messenger.send_to_app("a", data.clone()).into_future()).await {
        sent += 1;
        assert!(sent * data.len() < 2 * OUTBOX_BYTES_MAX, "it never waits");
    }
    assert!(sent * data.len() > OUTBOX_BYTES_MAX / 2);
    let more = tokio::spawn({
        let messenger = messenger.clone();
        async move { messenger.send_to_app("last", ()).await }
    });
    // The one that was given up is not among them.
    for _ in 0..sent {
        assert_eq!(soon(script.hear_message()).await.action, "a");
    }
    assert_eq!(soon(script.hear_message()).await.action, "last");
    more.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_awaited_is_not_sent() {
    let (mut script, messenger) = joined().await;
    drop(messenger.send_to_app("a", ()).into_future());
    assert!(stays_pending(script.hear()).await);
}

#[tokio::test]
async fn ready_failing_and_beat_are_said() {
    let (mut script, messenger) = joined().await;
    assert!(!messenger.is_ready());
    messenger.ready().await.unwrap();
    messenger.ready().await.unwrap();
    assert!(messenger.is_ready());
    assert_eq!(script.hear().await, Some(Body::Ready(wire::Ready {})));
    messenger.failing("out of luck").await.unwrap();
    let reason = "out of luck".to_owned();
    assert_eq!(
        script.hear().await,
        Some(Body::Failing(wire::Failing { reason }))
    );
    // Only the newest beat counts.
    messenger.beat(2);
    messenger.beat(3);
    assert_eq!(
        script.hear().await,
        Some(Body::Beat(wire::Beat { active: 3 }))
    );
}

#[tokio::test]
async fn a_loop_that_only_sends_lets_others_run() {
    let (mut script, messenger) = joined().await;
    let sender = tokio::spawn(async move {
        loop {
            messenger.send_to_app("a", ()).await.unwrap();
        }
    });
    for _ in 0..1_000 {
        script.hear_message().await;
    }
    sender.abort();
}
