//! Asking the source, over HTTP.

use bytes::Bytes;
use henhouse_sdk::BoxError;
use http_body_util::{BodyExt as _, Empty};
use hyper::Response;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::report::Weather;

/// The whole weather: what is dear, and done by the agent alone.
pub(crate) async fn weather(source: &str) -> Result<Weather, BoxError> {
    let body = get(&format!("{source}/weather"))
        .await?
        .into_body()
        .collect()
        .await?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

/// Whether something has changed since `version`: what is cheap, and done by any worker.
pub(crate) async fn changed(source: &str, version: u64) -> Result<bool, BoxError> {
    let response = get(&format!("{source}/changed?since={version}")).await?;
    Ok(serde_json::from_slice(
        &response.into_body().collect().await?.to_bytes(),
    )?)
}

/// Waits until the source announces something, and calls `announced`. Returns when the source
/// ends the connection.
pub(crate) async fn announcements(source: &str, announced: impl AsyncFn()) -> Result<(), BoxError> {
    let mut body = get(&format!("{source}/announcements")).await?.into_body();
    while let Some(frame) = body.frame().await {
        if frame?.is_data() {
            announced().await;
        }
    }
    Ok(())
}

async fn get(url: &str) -> Result<Response<Incoming>, BoxError> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.get(url.parse()?).await?;
    if !response.status().is_success() {
        return Err(format!("{url} answered {}", response.status()).into());
    }
    Ok(response)
}
