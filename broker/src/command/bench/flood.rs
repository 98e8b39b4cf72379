//! As many messages as the broker takes, counted where they arrive.

use std::{io, thread, time::Instant};

use super::{
    client::{Client, Expected, Side},
    figures::{Flood, Flooded},
    server::Server,
};

/// A sender that gathers what it says, as the SDK does, writes as much at a time.
const WRITE_BYTES: usize = 64 << 10;

pub(super) fn run(server: &Server, flood: &Flood) -> io::Result<Flooded> {
    let mut receivers = Vec::new();
    for _ in 0..flood.receivers {
        receivers.push(Client::join(server.socket(), Side::Workers)?);
    }
    let mut sender = Client::join(server.socket(), Side::Agent)?;
    sender.ignore_news()?;
    let cpu_before = server.cpu_seconds();
    let began = Instant::now();
    let counting: Vec<_> = receivers
        .into_iter()
        .map(|receiver| {
            let payload_bytes = flood.payload_bytes;
            thread::spawn(move || count(receiver, payload_bytes))
        })
        .collect();
    let sent = send(&mut sender, flood)?;
    let (mut arrived, mut ended) = (0, began);
    for receiver in counting {
        let (messages, at) = receiver
            .join()
            .map_err(|_| io::Error::other("a receiver panicked"))??;
        arrived += messages;
        ended = ended.max(at);
    }
    let wanted = sent * flood.receivers as u64;
    if arrived != wanted {
        return Err(io::Error::other(format!("{arrived} of {wanted} arrived")));
    }
    let cpu = server.cpu_seconds().zip(cpu_before);
    Ok(Flooded {
        flood: *flood,
        deliveries: arrived,
        seconds: (ended - began).as_secs_f64(),
        cpu_seconds: cpu.map(|(after, before)| after - before),
    })
}

fn send(sender: &mut Client, flood: &Flood) -> io::Result<u64> {
    let message = Side::Agent.message(flood.payload_bytes);
    let at_once = (WRITE_BYTES / message.len()).max(1);
    let messages = message.repeat(at_once);
    let start = Instant::now();
    let mut sent = 0;
    loop {
        sender.write(&messages)?;
        sent += at_once as u64;
        if start.elapsed() >= flood.time {
            break;
        }
    }
    sender.write(&Side::Agent.message(flood.payload_bytes + 1))?;
    Ok(sent)
}

fn count(mut receiver: Client, payload_bytes: usize) -> io::Result<(u64, Instant)> {
    let expected = Expected::from(Side::Agent, payload_bytes);
    let mut messages = 0;
    loop {
        let seen = receiver.read(&expected)?;
        messages += seen.messages;
        if seen.is_over {
            return Ok((messages, Instant::now()));
        }
    }
}
