//! What the Rust SDK costs: messages from program to program through a broker, all of them
//! processes, written as a user writes them.
//!
//! `cargo bench -p henhouse-tests --bench sdk_paths -- [PART OF A NAME] [MESSAGES]`. The rate is
//! the host's; the processor time of a message in each process holds on a busy one too.
//!
//! The program is also its own broker, sender and receiver: it starts itself with a word that
//! says as what.

#![expect(
    clippy::print_stdout,
    reason = "a report on the terminal is what it is for"
)]

mod measure;
mod part;
mod process;

use std::process::ExitCode;

/// All that can go wrong ends the program, with these words.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// What is sent each time, in bytes.
const PAYLOAD: usize = 128;

/// One thing to measure.
struct Work {
    name: &'static str,
    part: &'static str,
    receivers: usize,
    /// What the processes run on: threads of Tokio's, or 0 for the one there is.
    threads: usize,
    /// Whether all share one core.
    pinned: bool,
    messages: usize,
}

const WORKS: [Work; 7] = [
    flood("flood-listen", "listen", 1, 0),
    flood("flood-on", "on", 1, 0),
    flood("flood-listen-threads", "listen", 1, 2),
    flood("flood-on-threads", "on", 1, 2),
    flood("flood-listen-4", "listen", 4, 0),
    ask("ask", 0),
    ask("ask-threads", 2),
];

const fn flood(name: &'static str, part: &'static str, receivers: usize, threads: usize) -> Work {
    Work {
        name,
        part,
        receivers,
        threads,
        pinned: false,
        messages: 2_000_000,
    }
}

const fn ask(name: &'static str, threads: usize) -> Work {
    Work {
        name,
        part: "answer",
        receivers: 1,
        threads,
        pinned: true,
        messages: 50_000,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["broker", socket, receivers] => process::broker(socket, receivers),
        ["part", part, socket, messages, threads] => part::run(part, socket, messages, threads),
        _ => measure_all(&words),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("{}: {trouble}", words.first().unwrap_or(&"sdk_paths"));
            ExitCode::FAILURE
        }
    }
}

fn measure_all(words: &[&str]) -> Result<(), Trouble> {
    let wanted = words.first().copied().unwrap_or_default();
    let messages = words.get(1).map(|number| number.parse()).transpose()?;
    println!("processor time in microseconds a message: sender, broker, each receiver");
    for work in WORKS.iter().filter(|work| work.name.contains(wanted)) {
        measure::measure(work, messages.unwrap_or(work.messages))?;
    }
    Ok(())
}
