//! The messenger over a scripted stream.

mod cancelling;
mod hearing;
mod leaving;
mod queueing;
#[cfg(unix)]
mod reconnecting;
mod requesting;
mod sending;

use std::time::Duration;

use henhouse_proto::wire::{self, Role, Route, Want};
use tokio::io::DuplexStream;

use crate::script::{Script, script};
use crate::{Join, Messenger};

/// A messenger that has joined, and its broker.
async fn joined() -> (Script<DuplexStream>, Messenger) {
    joined_as(|join| join).await
}

async fn joined_as(options: impl FnOnce(Join) -> Join) -> (Script<DuplexStream>, Messenger) {
    let (mut script, stream) = script();
    let join = options(Messenger::over(stream));
    let (_, messenger) = tokio::join!(script.welcome(), join.into_future());
    (script, messenger.unwrap())
}

/// A message as the broker passes it on.
fn message(action: &str, data: &str) -> wire::Message {
    wire::Message {
        route: Route::App.into(),
        action: action.into(),
        data: data.to_owned().into(),
        ..Default::default()
    }
}

/// A request as the broker passes it on.
fn request(id: u64, action: &str, data: &str) -> wire::Message {
    wire::Message {
        route: Route::Agent.into(),
        want: Want::Reply.into(),
        id,
        ..message(action, data)
    }
}

/// A reply as the broker passes it on.
fn reply(in_reply_to: u64, data: &str) -> wire::Message {
    wire::Message {
        route: Route::Reply.into(),
        in_reply_to,
        ..message("", data)
    }
}

impl Script<DuplexStream> {
    /// Passes `message` on from a worker.
    async fn pass_on(&mut self, message: wire::Message) {
        self.pass(message, Role::Worker, 9).await;
    }
}

/// What comes in time; with the clock paused, "in time" costs none.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it does not come")
}

/// Whether nothing comes for a while. Only with the clock paused.
async fn stays_pending<F: Future>(future: F) -> bool {
    tokio::time::timeout(Duration::from_millis(100), future)
        .await
        .is_err()
}

/// Polls a future once, and drops it.
async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
