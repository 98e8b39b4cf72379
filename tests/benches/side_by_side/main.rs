//! Henhouse beside what its users would pick instead: the same work through each, in turns.
//!
//! `cargo bench -p henhouse-tests --bench side_by_side`; `tests/install-peers` brings the others.
//! A peer that is not there is left out. What can be set:
//!
//! * `HENHOUSE_BENCH=quick`: one short round, to try the harness;
//! * `HENHOUSE_BENCH_PEERS`, `HENHOUSE_BENCH_WORK`: parts of names, with semicolons between;
//! * `HENHOUSE_BENCH_ROUNDS`, `HENHOUSE_BENCH_SECONDS`: how many, and how long each;
//! * `HENHOUSE_BENCH_RESULTS`: the directory for the figures and the picture.
//!
//! The program is also each of its own clients and small brokers, and `henhouse start`: it starts
//! itself with a word that says as what.

#![expect(
    clippy::print_stdout,
    reason = "a report on the terminal is what it is for"
)]

mod broker;
mod client;
mod library;
mod peer;
mod process;
mod results;
mod rounds;
mod scenario;
mod settings;
mod statistics;
mod svg;
mod table;
mod talk;
mod targets;
mod wire;
mod works;

use std::process::ExitCode;

/// All that can go wrong ends the part that it happens in, with these words.
type Trouble = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["start", ..] => return henhouse::command::main(),
        ["client", order] => client::run(order),
        ["visitors", order] => client::visitors::run(order),
        ["member"] => client::member::run(),
        ["henhouse", order] => broker::henhouse::run(order),
        ["copy-loop", order] => broker::copy_loop::run(order),
        ["naive", order] => broker::naive::run(order),
        ["pinned", cpu, program, ref rest @ ..] => process::become_pinned(cpu, program, rest),
        _ => rounds::run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("{}: {trouble}", words.first().unwrap_or(&"side_by_side"));
            ExitCode::FAILURE
        }
    }
}
