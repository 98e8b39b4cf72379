//! A connection's turns, over streams within this process.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use henhouse::broker::{Broker, BrokerConfig, BrokerHandle};
use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Message, Role, Route, Want};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};

type Halves = (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>);

async fn join(broker: &BrokerHandle, role: Role) -> Halves {
    let (mut reader, mut writer) = tokio::io::split(broker.connect());
    let hello = wire::Hello {
        version: 1,
        role: role.into(),
        ..Default::default()
    };
    writer
        .write_all(&frame::encode(Body::Hello(hello)))
        .await
        .unwrap();
    let welcome = next(&mut reader).await;
    assert!(matches!(welcome, Body::Welcome(_)), "{welcome:?}");
    (reader, writer)
}

async fn next(reader: &mut ReadHalf<DuplexStream>) -> Body {
    let length = reader.read_u32().await.unwrap();
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes).await.unwrap();
    frame::decode(Bytes::from(bytes)).unwrap().body.unwrap()
}

/// Says `said` so many times as fast as it is taken, and gives as many answers.
async fn say_many(halves: Halves, said: Body, count: usize) -> Vec<Body> {
    let (mut reader, mut writer) = halves;
    let talk = tokio::spawn(async move {
        let frames = frame::encode(said).repeat(count);
        writer.write_all(&frames).await.unwrap();
        writer
    });
    let mut answers = Vec::new();
    while answers.len() < count {
        answers.push(next(&mut reader).await);
    }
    drop(talk.await.unwrap());
    answers
}

#[tokio::test]
async fn who_fills_the_brokers_reserve_and_reads_it_is_read_again() {
    let (broker, _events) = Broker::start(BrokerConfig::in_process()).unwrap();
    let halves = join(&broker, Role::Worker).await;
    let pongs = say_many(halves, Body::Ping(wire::Ping { nonce: 1 }), 50_000).await;
    assert!(pongs.iter().all(|pong| matches!(pong, Body::Pong(_))));
}

#[tokio::test]
async fn the_masters_pid_is_the_embedding_program() {
    let (broker, _events) = Broker::start(BrokerConfig::in_process()).unwrap();
    let (mut reader, mut writer) = join(&broker, Role::Master).await;
    let ready = frame::encode(Body::Ready(wire::Ready {}));
    writer.write_all(&ready).await.unwrap();
    let (_worker, mut said) = join(&broker, Role::Worker).await;
    let message = Message {
        route: Route::Pid.into(),
        // As Welcome says.
        pid: std::process::id(),
        action: "to the master".into(),
        ..Default::default()
    };
    let message = frame::encode(Body::Message(message));
    said.write_all(&message).await.unwrap();
    loop {
        if let Body::Message(message) = next(&mut reader).await
            && message.action == "to the master"
        {
            return;
        }
    }
}

#[tokio::test]
async fn every_one_of_many_confirmed_messages_is_answered() {
    let (broker, _events) = Broker::start(BrokerConfig::in_process()).unwrap();
    let halves = join(&broker, Role::Worker).await;
    let message = Message {
        route: Route::Broadcast.into(),
        others: true,
        id: 1,
        want: Want::Receipt.into(),
        ..Default::default()
    };
    let receipts = say_many(halves, Body::Message(message), 50_000).await;
    assert!(receipts.iter().all(|said| matches!(said, Body::Receipt(_))));
}
