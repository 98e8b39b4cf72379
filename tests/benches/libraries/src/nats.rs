//! async-nats.

use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use futures::StreamExt as _;

use crate::talk::{Order, Part, Report, Task, now, say, wait_for_word};
use crate::{BETWEEN_LOOKS, Trouble, not_for_libraries};

/// The library drops what finds no room in a subscription: 65,536 messages, where nobody says
/// otherwise, and then not all would arrive. This is for all of a round.
const SUBSCRIPTION_CAPACITY: usize = 1 << 24;

pub(crate) async fn run(order: Order) -> Result<(), Trouble> {
    let client = ConnectOptions::new()
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .connect(&order.address)
        .await?;
    let (here, there) = match order.part {
        Part::One => ("one", "many"),
        Part::Many => ("many", "one"),
    };
    let report = match order.task {
        Task::Send {
            payload, seconds, ..
        } => {
            begin(&client).await?;
            wait_for_word()?;
            send(&client, there, payload, seconds).await?
        }
        Task::Count { payload, ends } => count(&client, here, payload, ends).await?,
        Task::Handle { payload, ends } => handle(&client, here, payload, ends).await?,
        Task::Ask { payload, seconds } => {
            begin(&client).await?;
            wait_for_word()?;
            ask(&client, there, payload, seconds).await?
        }
        Task::Answer { .. } => return answer(&client, here).await,
        Task::Ignore | Task::Idle { .. } | Task::Rush { .. } => return not_for_libraries(),
    };
    client.flush().await?;
    say(&report)
}

/// Until the server knows what this client has subscribed to.
async fn begin(client: &Client) -> Result<(), Trouble> {
    client.flush().await?;
    say(&Report::Ready)
}

async fn send(
    client: &Client,
    there: &'static str,
    payload: usize,
    seconds: f64,
) -> Result<Report, Trouble> {
    let data = Bytes::from(vec![b'x'; payload]);
    let (mut messages, began) = (0, now());
    let (start, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < time {
        for _ in 0..BETWEEN_LOOKS {
            client.publish(there, data.clone()).await?;
        }
        messages += BETWEEN_LOOKS;
    }
    client
        .publish(there, vec![b'x'; payload + 1].into())
        .await?;
    Ok(Report::Sent { messages, began })
}

async fn count(
    client: &Client,
    here: &'static str,
    payload: usize,
    ends: usize,
) -> Result<Report, Trouble> {
    let mut ticks = client.subscribe(here).await?;
    begin(client).await?;
    let (mut messages, mut ended) = (0, 0);
    while ended < ends {
        let tick = ticks.next().await.ok_or("the server left")?;
        if tick.payload.len() == payload {
            messages += 1;
        } else {
            ended += 1;
        }
    }
    Ok(Report::Counted {
        messages,
        ended: now(),
        gap: 0,
    })
}

/// It has no handlers: what one would write is a task with the stream in it, which is the same.
async fn handle(
    client: &Client,
    here: &'static str,
    payload: usize,
    ends: usize,
) -> Result<Report, Trouble> {
    let client = client.clone();
    let counting = async move {
        let report = count(&client, here, payload, ends).await;
        report.map_err(|trouble| trouble.to_string())
    };
    Ok(tokio::spawn(counting).await??)
}

async fn answer(client: &Client, here: &'static str) -> Result<(), Trouble> {
    let mut ticks = client.subscribe(here).await?;
    begin(client).await?;
    while let Some(tick) = ticks.next().await {
        if let Some(reply) = tick.reply {
            client.publish(reply, tick.payload).await?;
        }
    }
    Err("the server left".into())
}

async fn ask(
    client: &Client,
    there: &'static str,
    payload: usize,
    seconds: f64,
) -> Result<Report, Trouble> {
    let data = Bytes::from(vec![b'x'; payload]);
    let mut nanoseconds = Vec::new();
    let (start, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < time {
        let asked = Instant::now();
        client.request(there, data.clone()).await?;
        nanoseconds.push(u64::try_from(asked.elapsed().as_nanos())?);
    }
    Ok(Report::asked(nanoseconds))
}
