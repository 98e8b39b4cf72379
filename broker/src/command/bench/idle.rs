//! What a connection costs that says nothing.

use std::io;

use super::{
    client::{Client, Expected, Side},
    figures::Idle,
    server::Server,
};

/// Few enough for the usual limit of 1,024 descriptors in both processes.
const CONNECTIONS: usize = 500;

/// `None` where this system does not tell what memory a process has.
pub(super) fn run(server: &Server) -> io::Result<Option<Idle>> {
    let mut agent = Client::join(server.socket(), Side::Agent)?;
    let Some(before) = server.resident_bytes() else {
        return Ok(None);
    };
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        workers.push(Client::join(server.socket(), Side::Workers)?);
    }
    // What they are told of each other is read, so that it waits for nobody: it is said before a
    // message that comes later.
    agent.ignore_news()?;
    agent.write(&Side::Agent.message(2))?;
    let last = Expected::from(Side::Agent, 1);
    for worker in &mut workers {
        while !worker.read(&last)?.is_over {}
    }
    let after = server.resident_bytes().unwrap_or(before);
    Ok(Some(Idle {
        connections: CONNECTIONS,
        bytes: after.saturating_sub(before),
    }))
}
