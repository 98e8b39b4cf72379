//! HTTP on the socket that all workers share.

use std::time::Duration;

use axum::extract::Query;
use axum::routing::get;
use henhouse_sdk::{Drain, WorkerListener};
use serde_json::json;

use crate::control::Control;

/// Answers every request with this process's pid, after as many milliseconds as `?ms=` says
/// (then the test is told that it came), until a drain; then finishes what it has.
pub(crate) fn start(
    listener: WorkerListener,
    drain: impl Future<Output = Drain> + Send + 'static,
    control: Control,
) {
    let teller = control.clone();
    let answer = move |Query(asked): Query<Vec<(String, u64)>>| async move {
        if let Some((_, ms)) = asked.iter().find(|(name, _)| name == "ms") {
            teller.say(json!({ "event": "asked", "ms": ms }));
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
        std::process::id().to_string()
    };
    let quiet = listener.quiet_after(drain);
    tokio::spawn(async move {
        let served = axum::serve(listener, axum::Router::new().route("/", get(answer)))
            .with_graceful_shutdown(async { drop(quiet.await) })
            .await;
        control.say(json!({ "event": "served", "error": served.err().map(|e| e.to_string()) }));
        // What was being answered is answered: this process has nothing more to do.
        std::process::exit(0);
    });
}
