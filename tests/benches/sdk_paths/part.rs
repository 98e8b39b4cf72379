//! What the programs do: they use the SDK as a user would.

use henhouse_sdk::{Message, Messenger, Role};
use tokio::runtime;
use tokio::sync::mpsc;

use crate::process::{now, used};
use crate::{PAYLOAD, Trouble};

pub(crate) fn run(part: &str, socket: &str, messages: &str, threads: &str) -> Result<(), Trouble> {
    let messages = messages.parse()?;
    let runtime = match threads.parse()? {
        0 => runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        threads => runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?,
    };
    runtime.block_on(async {
        let role = match part {
            "send" | "ask" => Role::Agent,
            _ => Role::Worker,
        };
        let messenger = Messenger::join(role).socket(socket).await?;
        match part {
            "send" => send(&messenger, messages).await?,
            "ask" => ask(&messenger, messages).await?,
            "listen" => listen(&messenger, messages).await?,
            "on" => on(&messenger, messages).await?,
            _ => answer(&messenger).await?,
        }
        messenger.close().await?;
        Ok(())
    })
}

/// Waits until everybody is ready.
async fn all_ready(messenger: &Messenger) -> Result<(), Trouble> {
    let mut ready = messenger.listen("egg-ready");
    messenger.ready().await?;
    ready.next().await.ok_or("the broker has gone")?;
    Ok(())
}

async fn send(messenger: &Messenger, messages: usize) -> Result<(), Trouble> {
    all_ready(messenger).await?;
    let (began, before) = (now(), used());
    let data = [b'x'; PAYLOAD];
    for _ in 0..messages {
        messenger.send_to_app("tick", &data).await?;
    }
    messenger.close().await?;
    println!("{began} {}", used() - before);
    Ok(())
}

async fn listen(messenger: &Messenger, messages: usize) -> Result<(), Trouble> {
    let mut ticks = messenger.listen("tick");
    all_ready(messenger).await?;
    let before = used();
    for _ in 0..messages {
        let tick = ticks.next().await.ok_or("the broker has gone")?;
        assert_eq!(tick.data().len(), PAYLOAD);
    }
    println!("{} {}", now(), used() - before);
    Ok(())
}

async fn on(messenger: &Messenger, messages: usize) -> Result<(), Trouble> {
    let (all, mut heard_all) = mpsc::channel(1);
    let left = std::sync::atomic::AtomicUsize::new(messages);
    messenger.on("tick", move |tick: Message| {
        assert_eq!(tick.data().len(), PAYLOAD);
        let last = left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1;
        let all = last.then(|| all.clone());
        async move {
            if let Some(all) = all {
                // Nobody listens any more where the program is at its end.
                let _ = all.send(()).await;
            }
        }
    });
    all_ready(messenger).await?;
    let before = used();
    heard_all.recv().await.ok_or("the broker has gone")?;
    println!("{} {}", now(), used() - before);
    Ok(())
}

async fn ask(messenger: &Messenger, messages: usize) -> Result<(), Trouble> {
    all_ready(messenger).await?;
    let data = [b'x'; PAYLOAD];
    let mut took = Vec::with_capacity(messages);
    let (began, before) = (now(), used());
    for _ in 0..messages {
        let asked = now();
        let reply = messenger.send_random("echo", &data).request().await?;
        took.push(now() - asked);
        assert_eq!(reply.data().len(), PAYLOAD);
    }
    let (ended, used) = (now(), used() - before);
    took.sort_unstable();
    let (p50, p99) = (took[messages / 2], took[messages * 99 / 100]);
    println!("{began} {used} {ended} {p50} {p99}");
    Ok(())
}

async fn answer(messenger: &Messenger) -> Result<(), Trouble> {
    messenger.answer("echo", |asked| async move { Ok(asked.data().clone()) })?;
    all_ready(messenger).await?;
    let before = used();
    messenger.closed().await;
    println!("{} {}", now(), used() - before);
    Ok(())
}
