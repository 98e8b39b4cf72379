//! A worker for `henhouse start`: it serves HTTP on the port that all workers share, and counts
//! its requests with the others.
//!
//! Beside `examples/worker.toml`: `cargo build --example worker`, then
//! `cargo run --bin henhouse -- start -c examples/worker.toml`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::routing::get;
use henhouse_sdk::{BoxError, Messenger, Role};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let messenger = Messenger::join(Role::Worker).await?;
    let drain = messenger.draining();

    // Every request to any worker is told to all of them, this one too.
    let total = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&total);
    messenger.on("served", move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async {}
    });

    let listener = messenger.listener("http")?;
    let quiet = listener.quiet_after(drain);
    let teller = messenger.clone();
    let answer = move || async move {
        let told = teller.send_to_app("served", "").await;
        let served = total.load(Ordering::Relaxed);
        match told {
            Ok(()) => format!(
                "worker {} knows of {served} requests before\n",
                teller.pid()
            ),
            Err(error) => format!("worker {} is alone: {error}\n", teller.pid()),
        }
    };
    messenger.ready().await?;
    axum::serve(listener, axum::Router::new().route("/", get(answer)))
        .with_graceful_shutdown(async { drop(quiet.await) })
        .await?;
    Ok(messenger.close().await?)
}
