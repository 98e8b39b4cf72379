//! A worker: it serves the weather that the agent has told it, and fetches none itself.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use henhouse_sdk::{BoxError, Json, Message, Messenger, Role};
use serde_json::{Value, json};

use super::fetch;
use super::report::Report;

#[derive(Clone)]
struct Worker {
    messenger: Messenger,
    source: Arc<str>,
    /// Locked for a look or a change, and never across an await.
    cache: Arc<Mutex<Option<Report>>>,
}

/// Serves the weather until this worker is asked to leave.
pub(crate) async fn run(source: String) -> Result<(), BoxError> {
    let messenger = Messenger::join(Role::Worker).await?;
    let drain = messenger.draining();
    let worker = Worker {
        messenger,
        source: source.into(),
        cache: Arc::default(),
    };
    worker.listen();
    worker.catch_up().await;

    let listener = worker.messenger.listener("http")?;
    let quiet = listener.quiet_after(drain);
    let routes = axum::Router::new()
        .route("/", get(answer))
        .with_state(worker.clone());
    worker.messenger.ready().await?;
    // A drain ends accepting; what is being answered is answered.
    axum::serve(listener, routes)
        .with_graceful_shutdown(async {
            let drain = quiet.await;
            println!("leaving: {}", drain.cause);
        })
        .await?;
    Ok(worker.messenger.close().await?)
}

impl Worker {
    fn listen(&self) {
        let cache = Arc::clone(&self.cache);
        self.messenger.on("weather", move |message: Message| {
            let keep = message.json().map(|report: Report| {
                *cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
            });
            async move { keep }
        });
        let looker = self.clone();
        self.messenger.on("look", move |message: Message| {
            let worker = looker.clone();
            async move { worker.look(message.json()?).await }
        });
    }

    /// Asks the agent for what was told before this worker was there.
    async fn catch_up(&self) {
        let asked = self
            .messenger
            .send_to_agent("current", Json(()))
            .request()
            .await;
        match asked
            .map_err(BoxError::from)
            .and_then(|answer| Ok(answer.json()?))
        {
            Ok(current) => *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = current,
            Err(error) => println!("nothing to catch up with: {error}"),
        }
    }

    /// Looks whether the weather has changed, and if so tells the agent.
    async fn look(&self, version: u64) -> Result<(), BoxError> {
        if fetch::changed(&self.source, version).await? {
            self.messenger.send_to_agent("changed", Json(())).await?;
        }
        Ok(())
    }
}

async fn answer(State(worker): State<Worker>) -> (StatusCode, axum::Json<Value>) {
    let report = worker
        .cache
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(Report {
        weather,
        updated_by,
    }) = report
    else {
        let wait = json!({ "error": "no weather yet; the agent is fetching it" });
        return (StatusCode::SERVICE_UNAVAILABLE, axum::Json(wait));
    };
    let answer = json!({
        "city": weather.city,
        "temperature": weather.temperature,
        "updated_by": updated_by,
        "worker_pid": worker.messenger.pid(),
        "worker_index": worker.messenger.index(),
        "source_requests": weather.source_requests,
    });
    (StatusCode::OK, axum::Json(answer))
}
