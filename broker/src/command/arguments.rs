//! What can be said on the command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

/// One master, one agent, many workers, and the messages between them.
#[derive(Debug, Parser)]
#[command(name = "henhouse", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 the command failed, 2 usage, 3 the start failed, \
    4 no worker was ready for too long, 6 something had to be killed, 75 another master holds the \
    socket, 78 the configuration is wrong.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start the agent and the workers, and keep them, in the foreground
    #[cfg(unix)]
    Start(ConfigFile),
    /// Read the config file, look for the programs, and print what holds
    #[cfg(unix)]
    Check(ConfigFile),
    /// Tell who runs, and how they are
    #[cfg(unix)]
    Status(StatusArguments),
    /// Replace every worker without dropping a request, and tell how it went
    #[cfg(unix)]
    Reload(ReloadArguments),
    /// Replace one process
    #[cfg(unix)]
    Restart(RestartArguments),
    /// Have another number of workers, until the next start
    #[cfg(unix)]
    Scale(ScaleArguments),
    /// Drain the workers, then the agent, and end the master
    #[cfg(unix)]
    Stop(StopArguments),
    /// Show the last lines that the agent and the workers wrote
    #[cfg(unix)]
    Logs(LogsArguments),
    /// Send one message, and tell what became of it
    #[cfg(unix)]
    Send(SendArguments),
    /// Run the broker alone, for processes that somebody else starts
    Broker(BrokerArguments),
    /// Measure what messages cost on this host, with a broker of its own
    #[cfg(unix)]
    Bench(BenchArguments),
    /// Be that broker
    #[cfg(unix)]
    #[command(hide = true)]
    BenchBroker,
}

/// Which configuration.
#[cfg(unix)]
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigFile {
    /// The config file
    #[arg(short, long, value_name = "FILE", default_value = "henhouse.toml")]
    pub(crate) config: PathBuf,
}

/// Which master.
#[cfg(unix)]
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The master's socket, instead of the one that the config file names
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    pub(crate) socket: Option<PathBuf>,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// For programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct ReloadArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The agent too, even where its section did not change
    #[arg(long)]
    pub(crate) agent: bool,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct RestartArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// `agent`, or `worker.N`
    #[arg(value_parser = who)]
    pub(crate) who: Who,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// How many workers there should be, or `+N` more, or `-N` fewer
    #[arg(value_parser = change, allow_hyphen_values = true)]
    pub(crate) count: Change,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct StopArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Kill everything at once
    #[arg(long)]
    pub(crate) now: bool,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Go on with lines as they come
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines
    #[arg(short = 'n', long, default_value_t = 200)]
    pub(crate) lines: u32,
    /// `agent`, `worker` or `worker.N`; without it all
    #[arg(value_parser = whose)]
    pub(crate) whose: Option<Who>,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// `broadcast`, `app` (every worker), `agent`, `random` (one worker), or a pid
    #[arg(value_parser = receiver)]
    pub(crate) to: Receiver,
    /// Which handlers it is for
    pub(crate) action: String,
    /// What it says; `-`: what stdin says
    #[arg(default_value = "")]
    pub(crate) data: String,
    /// The data is JSON, and not text
    #[arg(long)]
    pub(crate) json: bool,
    /// Wait for the reply, and print it
    #[arg(long)]
    pub(crate) request: bool,
    /// How long the reply may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

/// Whom a message is for.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    Broadcast,
    App,
    Agent,
    Random,
    Process(u32),
}

#[cfg(unix)]
fn receiver(text: &str) -> Result<Receiver, &'static str> {
    match text {
        "broadcast" => Ok(Receiver::Broadcast),
        "app" => Ok(Receiver::App),
        "agent" => Ok(Receiver::Agent),
        "random" => Ok(Receiver::Random),
        pid => pid
            .parse()
            .map(Receiver::Process)
            .map_err(|_| "it must be broadcast, app, agent, random or a pid"),
    }
}

/// How the broker is to run.
#[derive(Debug, Args)]
pub(crate) struct BrokerArguments {
    /// Where it listens
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: PathBuf,
    /// An agent is expected
    #[arg(long)]
    pub(crate) agent: bool,
    /// How many workers are expected
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) workers: u32,
    /// How long they are waited for; `0s`: for ever
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) expect_timeout: Duration,
}

#[cfg(unix)]
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// About how long it may take
    #[arg(long, value_name = "N", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// For programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// One process, or all of a role.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Agent,
    Worker(u32),
    Workers,
}

/// An hour is long enough for a measurement that nobody repeats.
#[cfg(unix)]
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let wrong = "it must be a number of seconds, such as 10 or 0.5, and at most 3600";
    let seconds = text.parse::<f64>().map_err(|_| wrong)?;
    match seconds > 0.0 && seconds <= 3600.0 {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(wrong),
    }
}

#[cfg(unix)]
fn who(text: &str) -> Result<Who, &'static str> {
    match whose(text)? {
        Who::Workers => Err("which one? `worker.0` is the first; `reload` replaces all"),
        one => Ok(one),
    }
}

#[cfg(unix)]
fn whose(text: &str) -> Result<Who, &'static str> {
    let wrong = "it must be `agent`, or `worker.N` such as `worker.0`";
    match text.split_once('.') {
        None if text == "agent" => Ok(Who::Agent),
        None if text == "worker" => Ok(Who::Workers),
        Some(("worker", index)) => index.parse().map(Who::Worker).map_err(|_| wrong),
        _ => Err(wrong),
    }
}

/// Another number of workers.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    To(i32),
    By(i32),
}

#[cfg(unix)]
fn change(text: &str) -> Result<Change, &'static str> {
    let number = text
        .parse::<i32>()
        .map_err(|_| "it must be a number such as 4, +1 or -1")?;
    Ok(match text.starts_with(['+', '-']) {
        true => Change::By(number),
        false => Change::To(number),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_count_with_a_sign_is_relative() {
        let count = |text| match Arguments::try_parse_from(["henhouse", "scale", text]) {
            Ok(Arguments {
                verb: Verb::Scale(scale),
            }) => Ok(scale.count),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(count("4"), Ok(Change::To(4)));
        assert_eq!(count("+1"), Ok(Change::By(1)));
        assert_eq!(count("-2"), Ok(Change::By(-2)));
        assert!(count("many").unwrap_err().contains("such as 4, +1 or -1"));
    }

    #[test]
    fn a_receiver_is_a_verb_of_the_messenger_or_a_pid() {
        assert_eq!(receiver("app"), Ok(Receiver::App));
        assert_eq!(receiver("4711"), Ok(Receiver::Process(4711)));
        assert!(receiver("worker.0").is_err());
    }

    #[test]
    fn one_process_is_named_by_its_role_and_index() {
        assert_eq!(who("agent"), Ok(Who::Agent));
        assert_eq!(who("worker.3"), Ok(Who::Worker(3)));
        assert!(who("worker").is_err());
        assert_eq!(whose("worker"), Ok(Who::Workers));
        assert!(whose("worker.x").is_err());
    }
}
