//! Our SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use henhouse_sdk::{Messenger, Role};
use tokio::sync::Notify;

use crate::talk::{Order, Part, Report, Task, now, say, wait_for_word};
use crate::{BETWEEN_LOOKS, Trouble, not_for_libraries};

pub(crate) async fn run(order: Order) -> Result<(), Trouble> {
    let role = match order.part {
        Part::One => Role::Agent,
        Part::Many => Role::Worker,
    };
    let messenger = Messenger::join(role).socket(&order.address).await?;
    let report = match order.task {
        Task::Send {
            payload, seconds, ..
        } => {
            begin(&messenger).await?;
            wait_for_word()?;
            send(&messenger, payload, seconds).await?
        }
        Task::Count { payload, ends } => count(&messenger, payload, ends).await?,
        Task::Handle { payload, ends } => handle(&messenger, payload, ends).await?,
        Task::Ask { payload, seconds } => {
            begin(&messenger).await?;
            wait_for_word()?;
            ask(&messenger, payload, seconds).await?
        }
        Task::Answer { .. } => {
            messenger.answer("tick", |m| async move { Ok(m.data().clone()) })?;
            begin(&messenger).await?;
            return Err(messenger.closed().await.into());
        }
        Task::Ignore | Task::Idle { .. } | Task::Rush { .. } => return not_for_libraries(),
    };
    messenger.close().await?;
    say(&report)
}

/// Until the house is complete.
async fn begin(messenger: &Messenger) -> Result<(), Trouble> {
    let mut complete = messenger.listen("egg-ready");
    messenger.ready().await?;
    complete.next().await.ok_or("the broker left")?;
    say(&Report::Ready)
}

async fn send(messenger: &Messenger, payload: usize, seconds: f64) -> Result<Report, Trouble> {
    let data = Bytes::from(vec![b'x'; payload]);
    let (mut messages, began) = (0, now());
    let (start, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < time {
        for _ in 0..BETWEEN_LOOKS {
            messenger.send_to_app("tick", data.clone()).await?;
        }
        messages += BETWEEN_LOOKS;
    }
    messenger
        .send_to_app("tick", vec![b'x'; payload + 1])
        .await?;
    Ok(Report::Sent { messages, began })
}

async fn count(messenger: &Messenger, payload: usize, ends: usize) -> Result<Report, Trouble> {
    let mut ticks = messenger.listen("tick");
    begin(messenger).await?;
    let (mut messages, mut ended) = (0, 0);
    while ended < ends {
        let tick = ticks.next().await.ok_or("the broker left")?;
        if tick.data().len() == payload {
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

async fn handle(messenger: &Messenger, payload: usize, ends: usize) -> Result<Report, Trouble> {
    let messages = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(Notify::new());
    let seen = (Arc::clone(&messages), Arc::clone(&ended));
    messenger.on("tick", move |tick| {
        let (messages, ended) = (Arc::clone(&seen.0), Arc::clone(&seen.1));
        async move {
            if tick.data().len() == payload {
                messages.fetch_add(1, Ordering::Relaxed);
            } else {
                ended.notify_one();
            }
        }
    });
    begin(messenger).await?;
    for _ in 0..ends {
        ended.notified().await;
    }
    Ok(Report::Counted {
        messages: messages.load(Ordering::Relaxed),
        ended: now(),
        gap: 0,
    })
}

async fn ask(messenger: &Messenger, payload: usize, seconds: f64) -> Result<Report, Trouble> {
    let data = Bytes::from(vec![b'x'; payload]);
    let mut nanoseconds = Vec::new();
    let (start, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < time {
        let asked = Instant::now();
        messenger
            .send_random("tick", data.clone())
            .request()
            .await?;
        nanoseconds.push(u64::try_from(asked.elapsed().as_nanos())?);
    }
    Ok(Report::asked(nanoseconds))
}
