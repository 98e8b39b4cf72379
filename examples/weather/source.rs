//! A small weather source: the third party of this example.
//!
//! It speaks HTTP at three addresses: `GET /weather` is the weather, `GET /changed?since=N`
//! says cheaply whether there is newer weather than that, and `GET /announcements` says a line
//! for each big change, for as long as it is open.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::routing::get;
use futures::stream;
use henhouse_sdk::BoxError;
use serde::Deserialize;
use tokio::sync::watch;

use super::report::Weather;

/// The weather changes this often.
const CHANGES_EVERY: Duration = Duration::from_secs(3);

/// Every so many changes there is a big one, which is announced. The others are there for who
/// asks.
const BIG_ONE_IN: u64 = 3;

#[derive(Clone)]
struct Source {
    version: watch::Receiver<u64>,
    requests: Arc<AtomicU64>,
}

/// Starts the source on a thread of its own, and gives its address. It ends with the process.
pub(crate) fn start() -> Result<String, BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("weather-source".into())
        .spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener)) {
                println!("[source] it cannot go on: {error}");
            }
        })?;
    Ok(url)
}

async fn serve(listener: TcpListener) -> Result<(), BoxError> {
    let (change, version) = watch::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(CHANGES_EVERY).await;
            change.send_modify(|version| *version += 1);
        }
    });
    let source = Source {
        version,
        requests: Arc::default(),
    };
    let routes = axum::Router::new()
        .route("/weather", get(weather))
        .route("/changed", get(changed))
        .route("/announcements", get(announcements))
        .with_state(source);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(axum::serve(listener, routes).await?)
}

async fn weather(State(source): State<Source>) -> Json<Weather> {
    let version = *source.version.borrow();
    let source_requests = source.requests.fetch_add(1, Ordering::Relaxed) + 1;
    // As good as any other weather, and never the same twice in a row.
    let swing = u32::try_from(version * 7 % 40).map_or(0.0, f64::from);
    let temperature = 15.0 + swing / 4.0;
    Json(Weather {
        city: "Hangzhou".into(),
        temperature,
        version,
        source_requests,
    })
}

#[derive(Deserialize)]
struct Since {
    since: u64,
}

async fn changed(State(source): State<Source>, Query(since): Query<Since>) -> Json<bool> {
    Json(*source.version.borrow() > since.since)
}

async fn announcements(State(source): State<Source>) -> Body {
    let lines = stream::unfold(source.version, |mut version| async {
        loop {
            version.changed().await.ok()?;
            let now = *version.borrow_and_update();
            if now % BIG_ONE_IN == 0 {
                return Some((
                    Ok::<_, Infallible>(Bytes::from_static(b"changed\n")),
                    version,
                ));
            }
        }
    });
    Body::from_stream(lines)
}
