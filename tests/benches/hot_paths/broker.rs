//! Messages through a whole broker, over streams within the process.

use henhouse::broker::{Broker, BrokerConfig};
use henhouse_proto::frame;
use henhouse_proto::wire::frame::Body;
use henhouse_proto::wire::{Hello, Ready, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// One sends `times` messages of 128 bytes to `receivers`, who read them all.
pub(crate) fn pass(times: usize, receivers: usize) {
    crate::wait(async move {
        let (handle, _events) = Broker::start(BrokerConfig::in_process()).expect("a broker");
        let mut readers = Vec::new();
        for _ in 0..receivers {
            readers.push(join(handle.connect(), Role::Worker).await);
        }
        let mut sender = join(handle.connect(), Role::Agent).await;
        let batch = crate::message(128).repeat(100);
        for _ in 0..times / 100 {
            sender.write_all(&batch).await.expect("the broker reads");
            for reader in &mut readers {
                for _ in 0..100 {
                    while !is_tick(&read(reader).await) {}
                }
            }
        }
        handle.stop().await;
    });
}

async fn join(mut stream: DuplexStream, role: Role) -> DuplexStream {
    let hello = Hello {
        version: 1,
        role: role.into(),
        ..Hello::default()
    };
    for body in [Body::Hello(hello), Body::Ready(Ready {})] {
        stream
            .write_all(&frame::encode(body))
            .await
            .expect("the broker reads");
    }
    while !read(&mut stream)
        .await
        .windows(9)
        .any(|bytes| bytes == b"egg-ready")
    {}
    stream
}

fn is_tick(frame: &[u8]) -> bool {
    frame.windows(4).take(32).any(|bytes| bytes == b"tick")
}

async fn read(stream: &mut DuplexStream) -> Vec<u8> {
    let length = stream.read_u32().await.expect("the broker writes");
    let mut frame = vec![0; length as usize];
    stream
        .read_exact(&mut frame)
        .await
        .expect("the broker writes");
    frame
}
