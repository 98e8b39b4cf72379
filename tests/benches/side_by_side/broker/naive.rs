//! The control: the broker that one writes first with tokio. A task per connection, two reads
//! and an allocation per message, a channel and a write per receiver.

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::mpsc;

use super::Order;
use crate::Trouble;

/// Messages that wait for one receiver.
const WAITING_MAX: usize = 1024;

/// Serves `clients` clients until it is killed.
pub(crate) fn run(order: &str) -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(order)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(order))
}

async fn serve(order: Order) -> Result<(), Trouble> {
    let listener = UnixListener::bind(&order.socket)?;
    let mut clients: Vec<(u8, mpsc::Sender<Bytes>)> = Vec::new();
    let mut readers = Vec::new();
    while clients.len() < order.clients {
        let (stream, _) = listener.accept().await?;
        let (mut reader, mut writer) = stream.into_split();
        let side = reader.read_u8().await?;
        let (sender, mut waiting) = mpsc::channel::<Bytes>(WAITING_MAX);
        tokio::spawn(async move {
            while let Some(message) = waiting.recv().await {
                if writer.write_all(&message).await.is_err() {
                    return;
                }
            }
        });
        clients.push((side, sender));
        readers.push((side, reader));
    }
    for (_, client) in &clients {
        client.send(Bytes::from_static(&[0])).await?;
    }
    let mut tasks = Vec::new();
    for (side, reader) in readers {
        let others = clients.iter().filter(|(other, _)| *other != side);
        let to = others.map(|(_, sender)| sender.clone()).collect();
        tasks.push(tokio::spawn(pass_on(reader, to)));
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
}

async fn pass_on(mut from: OwnedReadHalf, to: Vec<mpsc::Sender<Bytes>>) {
    while let Ok(length) = from.read_u32().await {
        let mut message = vec![0; 4 + length as usize];
        message[..4].copy_from_slice(&length.to_be_bytes());
        if from.read_exact(&mut message[4..]).await.is_err() {
            return;
        }
        let message = Bytes::from(message);
        for receiver in &to {
            if receiver.send(message.clone()).await.is_err() {
                return;
            }
        }
    }
}
