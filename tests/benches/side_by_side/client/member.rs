//! A child of a house in Rust: joins, and reports when the house is complete.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use henhouse_sdk::{Messenger, Role};

use crate::Trouble;
use crate::talk::Report;

pub(crate) fn run() -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let role = henhouse_sdk::role().unwrap_or(Role::Worker);
        let messenger = Messenger::join(role).await?;
        let mut complete = messenger.listen("egg-ready");
        messenger.ready().await?;
        complete.next().await.ok_or("the master left")?;
        let desk = std::env::var("BENCH_DESK")?;
        let mut desk = UnixStream::connect(desk)?;
        desk.write_all(format!("@ {}\n", serde_json::to_string(&Report::Ready)?).as_bytes())?;
        messenger.draining().await;
        Ok(messenger.close().await?)
    })
}
