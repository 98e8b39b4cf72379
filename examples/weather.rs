//! One agent fetches the weather, and two workers serve it: Egg's own example of why a
//! messenger is wanted.
//!
//! A third party's weather is fetched **once**, by the agent, and not once by each worker.
//! Three ways keep the workers' caches fresh:
//!
//! * **force**: the agent fetches when it starts, and now and then after that;
//! * **pull**: every 2 s the agent has one worker, any worker, ask the source whether something
//!   has changed, and fetches if so;
//! * **push**: the agent holds a connection on which the source announces the big changes.
//!
//! Run `cargo run --example weather`, then `curl http://127.0.0.1:7001/`, as often as you like.
//! With `--source URL` the weather comes from another source that speaks the same three
//! addresses; see `weather/source.rs`. With `--listen ADDRESS` it is served elsewhere.

#![expect(clippy::print_stdout, reason = "it tells a newcomer what happens")]

mod weather {
    pub(crate) mod agent;
    pub(crate) mod fetch;
    pub(crate) mod report;
    pub(crate) mod source;
    pub(crate) mod worker;
}

use std::process::ExitCode;

use henhouse_sdk::{BoxError, Role};

/// Where agent and workers find the source.
const SOURCE: &str = "WEATHER_SOURCE";

/// Where the weather is served, where nothing else is said.
const ADDRESS: &str = "127.0.0.1:7001";

fn main() -> ExitCode {
    match henhouse_sdk::role() {
        None => master(),
        Some(Role::Agent) => member(weather::agent::run(source_url())),
        Some(Role::Worker) => member(weather::worker::run(source_url())),
    }
}

/// The first process: it starts the others, and starts them again when they die.
fn master() -> ExitCode {
    let Options { source, address } = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            println!("weather: {error}");
            return ExitCode::from(2);
        }
    };
    // What the master itself has to say: who died, and who was started again.
    tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_target(false)
        .with_writer(std::io::stdout)
        .init();
    println!("The weather comes from {source}, and is served at {address}.");
    println!("Try `curl http://{address}/`. Ctrl-C ends it.");
    let program = henhouse::this_program().env(SOURCE, source);
    henhouse::Master::new(program)
        .workers(2)
        .listen("http", address)
        .run()
}

struct Options {
    source: String,
    address: String,
}

impl Options {
    /// What was said on the command line; without a source it is our own, which lives in this
    /// process.
    fn read() -> Result<Options, BoxError> {
        let (mut source, mut address) = (None, ADDRESS.to_owned());
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            match (name.as_str(), arguments.next()) {
                ("--source", Some(url)) => source = Some(url),
                ("--listen", Some(other)) => address = other,
                _ => return Err("say nothing, `--source URL`, or `--listen ADDRESS`".into()),
            }
        }
        let source = source.map_or_else(weather::source::start, Ok)?;
        Ok(Options { source, address })
    }
}

fn source_url() -> String {
    std::env::var(SOURCE).unwrap_or_default()
}

/// An agent or a worker, until it is asked to leave.
fn member(run: impl Future<Output = Result<(), BoxError>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime
        .map_err(BoxError::from)
        .and_then(|runtime| runtime.block_on(run))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("it cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}
