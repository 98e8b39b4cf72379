//! The agent: it alone fetches the weather, and tells the workers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use henhouse_sdk::{BoxError, Json, Messenger, Role};

use super::fetch;
use super::report::{Report, UpdatedBy};

/// How often the weather is fetched whatever anybody says.
const FORCE_EVERY: Duration = Duration::from_secs(10);

/// How often a worker is asked to look.
const PULL_EVERY: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Agent {
    messenger: Messenger,
    source: Arc<str>,
    /// Locked for a look or a change, and never across an await.
    latest: Arc<Mutex<Option<Report>>>,
}

/// Runs the agent until it is asked to leave.
pub(crate) async fn run(source: String) -> Result<(), BoxError> {
    let messenger = Messenger::join(Role::Agent).await?;
    let drain = messenger.draining();
    let agent = Agent {
        messenger,
        source: source.into(),
        latest: Arc::default(),
    };
    // The workers are not ready yet: what is sent to them now waits for each of them.
    agent.update(UpdatedBy::Force).await;

    // A worker that has just started asks for what it missed.
    let latest = Arc::clone(&agent.latest);
    agent.messenger.answer("current", move |_| {
        let latest = latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        async move { Ok(Json(latest)) }
    })?;
    let by_pull = agent.clone();
    agent.messenger.on("changed", move |message| {
        let agent = by_pull.clone();
        async move {
            println!(
                "worker {} says that the weather has changed",
                message.sender().pid
            );
            agent.update(UpdatedBy::Pull).await;
        }
    });
    agent.messenger.ready().await?;

    tokio::select! {
        () = agent.force() => {}
        () = agent.pull() => {}
        () = agent.push() => {}
        drain = drain => println!("leaving: {}", drain.cause),
    }
    Ok(agent.messenger.close().await?)
}

impl Agent {
    async fn force(&self) {
        loop {
            tokio::time::sleep(FORCE_EVERY).await;
            self.update(UpdatedBy::Force).await;
        }
    }

    async fn pull(&self) {
        loop {
            tokio::time::sleep(PULL_EVERY).await;
            let known = self
                .latest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let version = known.map_or(0, |report| report.weather.version);
            if let Err(error) = self.messenger.send_random("look", Json(&version)).await {
                println!("no worker could be asked to look: {error}");
            }
        }
    }

    async fn push(&self) {
        loop {
            let announced = async || self.update(UpdatedBy::Push).await;
            if let Err(error) = fetch::announcements(&self.source, announced).await {
                println!("no announcements: {error}");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Fetches the weather and tells all workers. Where that fails they keep what they have.
    async fn update(&self, updated_by: UpdatedBy) {
        if let Err(error) = self.try_update(updated_by).await {
            println!("the weather stays as it is: {error}");
        }
    }

    async fn try_update(&self, updated_by: UpdatedBy) -> Result<(), BoxError> {
        let weather = fetch::weather(&self.source).await?;
        println!("fetched: {}° ({updated_by:?})", weather.temperature);
        let report = Report {
            weather,
            updated_by,
        };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(report.clone());
        Ok(self.messenger.send_to_app("weather", Json(&report)).await?)
    }
}
