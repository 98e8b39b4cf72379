//! Whatever one connection says, the broker goes on and another one is served.
#![no_main]

use std::sync::OnceLock;

use henhouse::broker::{Broker, BrokerConfig, BrokerHandle};
use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Hello, Ping, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn broker() -> &'static BrokerHandle {
    static BROKER: OnceLock<BrokerHandle> = OnceLock::new();
    BROKER.get_or_init(|| {
        let mut config = BrokerConfig::in_process();
        config.limits.connections_per_pid_max = 1024;
        let (broker, events) = Broker::start(config).expect("a broker without a socket starts");
        drop(events);
        broker
    })
}

fn hello() -> bytes::Bytes {
    frame::encode(Body::Hello(Hello { version: 1, role: Role::Worker.into(), ..Default::default() }))
}

/// What one connection hears until its end.
async fn talk(bytes: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(broker().connect());
    let said = async {
        // It may be ended in the middle.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let mut heard = Vec::new();
    let (_, _) = tokio::join!(said, reader.read_to_end(&mut heard));
    heard
}

libfuzzer_sys::fuzz_target!(|input: (bool, &[u8])| {
    let (joins, bytes) = input;
    let bytes = if joins { [&hello()[..], bytes].concat() } else { bytes.to_vec() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("an event loop can be had").block_on(async {
        let mut heard = &talk(&bytes).await[..];
        while let Some((prefix, rest)) = heard.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*prefix) as usize;
            let Some((said, behind)) = rest.split_at_checked(length) else {
                break;
            };
            frame::decode(said.to_vec().into()).expect("the broker says frames");
            heard = behind;
        }
        let good = [hello(), frame::encode(Body::Ping(Ping { nonce: 7 }))].concat();
        assert!(!talk(&good).await.is_empty(), "the broker serves nobody any more");
    });
});
