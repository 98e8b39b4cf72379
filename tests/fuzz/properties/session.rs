//! Whatever one connection says, the broker goes on, serves others, and keeps nothing of it.

use std::sync::OnceLock;

use bytes::Bytes;
use henhouse::broker::{Broker, BrokerConfig, BrokerHandle};
use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{self, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Runtime;

/// The first byte is who speaks: a worker, an agent, an operator or nobody, and from 128 on what
/// follows is said as it stands. Below, each frame is its length in one byte and that much.
pub(crate) fn check(input: &[u8]) {
    let Some((who, script)) = input.split_first() else {
        return;
    };
    let hello = match who % 4 {
        0 => Bytes::new(),
        1 => hello(Role::Worker),
        2 => hello(Role::Agent),
        _ => hello(Role::Operator),
    };
    let said = if *who >= 128 {
        script.to_vec()
    } else {
        framed(script)
    };
    let (runtime, broker) = world();
    runtime.block_on(async {
        talk(broker, &[&hello[..], &said].concat()).await;
        // What it left to the next ones goes to them.
        serve(broker, Role::Agent).await;
        serve(broker, Role::Worker).await;
        let status = broker.status().await.expect("the broker runs");
        assert_eq!(status.connections, []);
        assert_eq!((status.waiting_bytes, status.open_requests), (0, 0));
    });
}

fn world() -> &'static (Runtime, BrokerHandle) {
    static WORLD: OnceLock<(Runtime, BrokerHandle)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (broker, events) =
            Broker::start(BrokerConfig::in_process()).expect("a broker without a socket starts");
        drop(events);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        (runtime.expect("an event loop can be had"), broker)
    })
}

fn hello(role: Role) -> Bytes {
    frame::encode(Body::Hello(wire::Hello {
        version: 1,
        role: role.into(),
        ..Default::default()
    }))
}

fn framed(mut script: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    while let Some((length, rest)) = script.split_first() {
        let (frame, behind) = rest.split_at(rest.len().min(usize::from(*length)));
        said.extend((frame.len() as u32).to_be_bytes());
        said.extend(frame);
        script = behind;
    }
    said
}

/// Says that and hears all there is to hear, until the end of both.
async fn talk(broker: &BrokerHandle, said: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(broker.connect());
    let say = async {
        // It may be ended in the middle.
        let _ = writer.write_all(said).await;
        let _ = writer.shutdown().await;
    };
    let mut heard = Vec::new();
    let (_, read) = tokio::join!(say, reader.read_to_end(&mut heard));
    read.expect("a stream within the process ends well");
    let mut heard = &heard[..];
    while let Some((prefix, rest)) = heard.split_first_chunk::<4>() {
        // The last one may be cut where the other end left first.
        let length = u32::from_be_bytes(*prefix) as usize;
        let Some((said, behind)) = rest.split_at_checked(length) else {
            break;
        };
        frame::decode(Bytes::copy_from_slice(said)).expect("the broker says frames");
        heard = behind;
    }
}

/// A good one comes, takes what is there for it, and leaves as it should.
async fn serve(broker: &BrokerHandle, role: Role) {
    let mut stream = broker.connect();
    let ready = frame::encode(Body::Ready(wire::Ready {}));
    let ping = frame::encode(Body::Ping(wire::Ping { nonce: 7 }));
    let said = [&hello(role)[..], &ready, &ping].concat();
    stream.write_all(&said).await.expect("it is served");
    while !matches!(hear(&mut stream).await, Body::Pong(_)) {}
    let goodbye = frame::encode(Body::Goodbye(wire::Goodbye {}));
    stream.write_all(&goodbye).await.expect("it is served");
    while !matches!(hear(&mut stream).await, Body::Goodbye(_)) {}
    let end = stream.read(&mut [0]).await;
    assert!(matches!(end, Ok(0)), "{end:?} behind the last frame");
}

async fn hear(stream: &mut DuplexStream) -> Body {
    let length = stream.read_u32().await.expect("it is served");
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await.expect("it is served");
    let frame = frame::decode(Bytes::from(bytes)).expect("the broker says frames");
    frame.body.expect("a frame has a body")
}
