//! Who is turned away before it has registered, and what it hears.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use bytes::Bytes;
use henhouse::broker::{Broker, BrokerConfig, BrokerHandle};
use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Code, Fault, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

fn start(change: impl FnOnce(&mut BrokerConfig)) -> BrokerHandle {
    let mut config = BrokerConfig::in_process();
    change(&mut config);
    Broker::start(config).unwrap().0
}

fn hello() -> Bytes {
    frame::encode(Body::Hello(wire::Hello {
        version: 1,
        role: Role::Worker.into(),
        ..Default::default()
    }))
}

async fn hear(stream: &mut DuplexStream) -> Body {
    let length = stream.read_u32().await.unwrap();
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await.unwrap();
    frame::decode(Bytes::from(bytes)).unwrap().body.unwrap()
}

/// The one thing that is heard on a stream before its end is that fault.
async fn check(mut stream: DuplexStream, code: Code, advice: &str) {
    let Body::Fault(fault) = hear(&mut stream).await else {
        panic!("not refused");
    };
    let Fault { fatal, detail, .. } = &fault;
    assert_eq!((fault.code(), *fatal), (code, true), "{detail}");
    assert!(
        detail.contains(advice),
        "{detail:?} does not advise {advice:?}"
    );
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn who_says_no_hello_in_time_is_not_registered() {
    let broker = start(|config| config.limits.hello_timeout = Duration::from_millis(50));
    let mut slow = broker.connect();
    slow.write_all(&hello()[..3]).await.unwrap();
    let advice = "as soon as you are connected";
    check(slow, Code::NotRegistered, advice).await;
    check(broker.connect(), Code::NotRegistered, advice).await;
    let status = broker.status().await.unwrap();
    assert_eq!(status.refused["CODE_NOT_REGISTERED"], 2);
}

#[tokio::test]
async fn who_says_something_else_first_is_not_registered() {
    let broker = start(|_| {});
    let mut rude = broker.connect();
    let ping = frame::encode(Body::Ping(wire::Ping { nonce: 1 }));
    rude.write_all(&ping).await.unwrap();
    check(rude, Code::NotRegistered, "must be Hello").await;
}

#[tokio::test]
async fn a_hello_that_is_too_long_is_too_large() {
    let broker = start(|_| {});
    let mut long = broker.connect();
    long.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    check(long, Code::TooLarge, "does this program speak Henhouse").await;
}

#[tokio::test]
async fn one_connection_too_many_finds_it_full_and_the_others_go_on() {
    let broker = start(|config| config.limits.connections_max = 1);
    let mut first = broker.connect();
    first.write_all(&hello()).await.unwrap();
    assert!(matches!(hear(&mut first).await, Body::Welcome(_)));
    check(broker.connect(), Code::Full, "raise the limit").await;
    let ping = frame::encode(Body::Ping(wire::Ping { nonce: 1 }));
    first.write_all(&ping).await.unwrap();
    assert!(matches!(hear(&mut first).await, Body::Pong(_)));
    let status = broker.status().await.unwrap();
    assert_eq!(status.refused["CODE_FULL"], 1);
}

#[tokio::test]
async fn what_the_broker_is_too_new_or_too_old_for_is_said_by_version() {
    let broker = start(|_| {});
    let mut newer = broker.connect();
    let hello = |version| {
        frame::encode(Body::Hello(wire::Hello {
            version,
            role: Role::Worker.into(),
            ..Default::default()
        }))
    };
    newer.write_all(&hello(9)).await.unwrap();
    let Body::Welcome(welcome) = hear(&mut newer).await else {
        panic!("not welcome");
    };
    assert_eq!(welcome.version, 1, "the lower of both is spoken");
    let mut none = broker.connect();
    none.write_all(&hello(0)).await.unwrap();
    check(none, Code::UnsupportedVersion, "speaks 1 to 1").await;
}
