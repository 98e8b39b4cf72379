//! A broker that tells of itself, and members that keep a journal of all they say and hear.
#![cfg_attr(unix, expect(clippy::unwrap_used, reason = "a test may panic"))]
#![expect(clippy::print_stdout, reason = "the test reads it")]

#[cfg(unix)]
mod crowd;
#[cfg(unix)]
mod journal;
#[cfg(unix)]
mod member;
#[cfg(unix)]
mod talk;

#[cfg(unix)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["broker", socket, outbox_bytes_max, waiting_bytes_max] => broker(
            socket,
            outbox_bytes_max.parse().unwrap(),
            waiting_bytes_max.parse().unwrap(),
        ),
        ["member", socket, role, seed, journal] => {
            member::run(socket, role == "agent", seed.parse().unwrap(), journal);
        }
        ["crowd", socket, count] => crowd::run(socket, count.parse().unwrap()),
        _ => panic!("unknown arguments: {arguments:?}"),
    }
}

#[cfg(not(unix))]
fn main() {
    println!("chaos is played on Unix");
}

/// Runs a broker; each line that comes is answered by its status.
#[cfg(unix)]
fn broker(socket: &str, outbox_bytes_max: usize, waiting_bytes_max: usize) {
    use henhouse::broker::{Broker, BrokerConfig};

    let endpoint = henhouse_proto::Endpoint::new(socket).unwrap();
    let mut config = BrokerConfig::new(endpoint);
    config.agent = true;
    config.limits.outbox_bytes_max = outbox_bytes_max;
    config.limits.waiting_bytes_max = waiting_bytes_max;
    config.limits.connections_per_pid_max = 1024;
    config.limits.connections_max = 2048;
    let (broker, events) = Broker::start(config).unwrap();
    drop(events);
    println!("listening");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for _ in std::io::stdin().lines() {
        let status = runtime.block_on(broker.status()).unwrap();
        println!("{}", serde_json::to_string(&status).unwrap());
    }
}
