//! The tasks that run a program's handlers, one per listener.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::data::{Data, Encoding, IntoData};
use crate::envelope::{Asker, Envelope, To};
use crate::events::Events;
use crate::guard::guarded;
use crate::listeners::{AnswerTaken, Listener, Times};
use crate::message::Message;
use crate::outcome::{BoxError, Outcome};
use crate::outgoing::Refusal;
use crate::shared::Shared;

/// Calls `handler` for each message about `action`.
pub(crate) fn spawn<F, Fut>(
    shared: &Arc<Shared>,
    action: &str,
    times: Times,
    handler: F,
) -> Listener
where
    F: Fn(Message) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    let (listener, mut taker) = shared.listeners.listen(action, times);
    let name = listener.clone();
    shared.runtime.spawn(async move {
        while let Some(message) = taker.next().await {
            run(name.action(), &handler, message).await;
        }
    });
    listener
}

/// Calls `handler` for each event.
pub(crate) fn spawn_for_events<T, F, Fut>(
    shared: &Shared,
    name: &'static str,
    events: &Events<T>,
    handler: F,
) where
    T: Send + 'static,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    let events = events.subscribe();
    shared.runtime.spawn(async move {
        while let Some(event) = events.next().await {
            run(name, &handler, event).await;
        }
    });
}

/// Calls `handler` for each request about `action`, and replies with what it gives.
pub(crate) fn spawn_answerer<F, Fut, T>(
    shared: &Arc<Shared>,
    action: &str,
    handler: F,
) -> Result<Listener, AnswerTaken>
where
    F: Fn(Message) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
    T: IntoData<'static>,
{
    let (listener, mut taker) = shared.listeners.answer(action)?;
    let name = listener.clone();
    let shared = shared.clone();
    shared.clone().runtime.spawn(async move {
        while let Some(message) = taker.next().await {
            let asker = Asker::of(&message);
            let answer = answer(&handler, message).await;
            reply(&shared, name.action(), asker, answer).await;
        }
    });
    Ok(listener)
}

/// Calls `handler` for each request about `action`, for up to `at_once_max` of them at a time.
pub(crate) fn spawn_answerers<F, Fut, T>(
    shared: &Arc<Shared>,
    action: &str,
    at_once_max: usize,
    handler: F,
) -> Result<Listener, AnswerTaken>
where
    F: Fn(Message) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
    T: IntoData<'static> + 'static,
{
    let (listener, mut taker) = shared.listeners.answer(action)?;
    let name = listener.clone();
    let shared = shared.clone();
    let handler = Arc::new(handler);
    shared.clone().runtime.spawn(async move {
        let mut at_work = JoinSet::new();
        while let Some(message) = taker.next().await {
            let (shared, handler, name) = (shared.clone(), handler.clone(), name.clone());
            at_work.spawn(async move {
                let asker = Asker::of(&message);
                let answer = answer(&*handler, message).await;
                reply(&shared, name.action(), asker, answer).await;
            });
            while at_work.len() >= at_once_max.max(1) {
                at_work.join_next().await;
            }
            while at_work.try_join_next().is_some() {}
        }
        // Those at work finish, as a single one would.
        while at_work.join_next().await.is_some() {}
    });
    Ok(listener)
}

/// Runs a handler once, and logs what goes wrong.
async fn run<T, F, Fut>(action: &str, handler: &F, input: T)
where
    F: Fn(T) -> Fut,
    Fut: Future,
    Fut::Output: Outcome,
{
    // The call is inside too: a handler may panic before it gives its future.
    match guarded(async { handler(input).await }).await {
        Ok(outcome) => {
            if let Some(error) = outcome.failure() {
                tracing::error!(action, error, "a handler failed");
            }
        }
        Err(panic) => tracing::error!(action, panic, "a handler panicked"),
    }
}

async fn answer<F, Fut, T>(handler: &F, message: Message) -> Result<Data<'static>, String>
where
    F: Fn(Message) -> Fut,
    Fut: Future<Output = Result<T, BoxError>>,
    T: IntoData<'static>,
{
    let outcome = guarded(async { Ok::<_, BoxError>(handler(message).await?.into_data()?) });
    match outcome.await {
        Ok(Ok(data)) => Ok(data),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(format!("the handler panicked: {panic}")),
    }
}

async fn reply(
    shared: &Shared,
    action: &str,
    mut asker: Asker,
    answer: Result<Data<'static>, String>,
) {
    let data = answer.unwrap_or_else(|error| {
        tracing::error!(action, error, "a request's handler failed");
        asker.fail(error);
        Data::borrowed(Encoding::Bytes, &[])
    });
    let sent = send(shared, action, &asker, data).await;
    if let Err(Refusal::TooLarge { bytes, bytes_max }) = sent {
        // The one who asked is better off with a reason than with a time-out.
        let error = format!("a reply of {bytes} bytes; at most {bytes_max} are allowed");
        tracing::error!(action, error, "a reply cannot be sent");
        asker.fail(error);
        let nothing = Data::borrowed(Encoding::Bytes, &[]);
        let _ = send(shared, action, &asker, nothing).await;
    } else if let Err(refusal) = sent {
        tracing::debug!(action, ?refusal, "nobody hears this reply");
    }
}

async fn send(
    shared: &Shared,
    action: &str,
    asker: &Asker,
    data: Data<'static>,
) -> Result<(), Refusal> {
    let mut envelope = Some(Envelope {
        to: To::Asker(asker),
        action,
        data,
        wanted: None,
        timeout_ms: 0,
    });
    let mut ticket = None;
    // A listener's task is never cancelled but with its runtime, so the ticket needs no guard.
    std::future::poll_fn(|cx| shared.outgoing.poll_queue(cx, &mut envelope, &mut ticket))
        .await
        .map(|_| ())
}
