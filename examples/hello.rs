//! Two processes, one message: a program says hello to the worker that it started.
//!
//! Run `cargo run --example hello`. It ends by itself.

#![expect(clippy::print_stdout, reason = "it tells a newcomer what happens")]

use henhouse_sdk::{BoxError, Messenger, Role};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    match henhouse_sdk::role() {
        None => master().await,
        Some(_) => worker().await,
    }
}

/// The first process starts this same program once more, as its only worker, and asks it.
async fn master() -> Result<(), BoxError> {
    let house = henhouse::Master::new(henhouse::this_program())
        .no_agent()
        .workers(1)
        .start()?;
    let messenger = Messenger::over(house.connect()).as_master().await?;
    // It waits until there is a worker.
    let answer = messenger
        .send_random("hello", "Hello, worker!")
        .request()
        .await?;
    println!(
        "process {} answers: {}",
        answer.sender().pid,
        answer.text()?
    );
    house.stop().await;
    Ok(())
}

/// The second process answers, and stays until it is asked to leave.
async fn worker() -> Result<(), BoxError> {
    let messenger = Messenger::join(Role::Worker).await?;
    messenger.answer("hello", |message| async move {
        println!("process {} says: {}", message.sender().pid, message.text()?);
        Ok("Hello, master!")
    })?;
    messenger.ready().await?;
    messenger.draining().await;
    Ok(messenger.close().await?)
}
