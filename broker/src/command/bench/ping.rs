//! One message there and one back, again and again.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::{
    client::{Client, Expected, Side},
    figures::Pinged,
    server::Server,
};

const PAYLOAD_BYTES: usize = 64;

/// So many of the first are for warming up.
const WARM_UP: usize = 50;

/// So many are always measured, however short the time.
const ROUND_TRIPS_MIN: usize = 1000;

pub(super) fn run(server: &Server, time: Duration) -> io::Result<Pinged> {
    let answerer = Client::join(server.socket(), Side::Workers)?;
    let mut asker = Client::join(server.socket(), Side::Agent)?;
    let answering = thread::spawn(move || answer(answerer));
    let question = Side::Agent.message(PAYLOAD_BYTES);
    let expected = Expected::from(Side::Workers, PAYLOAD_BYTES);
    let mut round_trips = Vec::new();
    let start = Instant::now();
    while round_trips.len() < WARM_UP + ROUND_TRIPS_MIN || start.elapsed() < time {
        let asked = Instant::now();
        asker.write(&question)?;
        while asker.read(&expected)?.messages == 0 {}
        round_trips.push(asked.elapsed());
    }
    asker.write(&Side::Agent.message(PAYLOAD_BYTES + 1))?;
    answering
        .join()
        .map_err(|_| io::Error::other("the one who answers panicked"))??;
    round_trips.drain(..WARM_UP);
    round_trips.sort_unstable();
    Ok(Pinged { round_trips })
}

fn answer(mut answerer: Client) -> io::Result<()> {
    let answer = Side::Workers.message(PAYLOAD_BYTES);
    let expected = Expected::from(Side::Agent, PAYLOAD_BYTES);
    loop {
        let seen = answerer.read(&expected)?;
        for _ in 0..seen.messages {
            answerer.write(&answer)?;
        }
        if seen.is_over {
            return Ok(());
        }
    }
}
