//! A broker that tells of itself, and members that keep a journal of all they say and hear.
#![cfg_attr(unix, expect(clippy::unwrap_used, reason = "a test may panic"))]
#![expect(clippy::print_stdout, reason = "the test reads it")]

#[cfg(unix)]
mod broker;
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
        [
            "broker",
            socket,
            outbox_bytes_max,
            waiting_bytes_max,
            manner,
        ] => broker::run(
            socket,
            outbox_bytes_max.parse().unwrap(),
            waiting_bytes_max.parse().unwrap(),
            manner,
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
