//! The broker that is measured, in a process and a directory of its own.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{fs::DirBuilderExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use henhouse_proto::Endpoint;

use crate::broker::{Broker, BrokerConfig};
use crate::command::{FAILED, out};

/// The word, hidden among the command's verbs, by which it starts itself as this broker.
const WORD: &str = "bench-broker";

/// The default, 64, would need a process for every 64 idle connections.
const CONNECTIONS_PER_PID_MAX: usize = 1024;

/// The idle do not read while others join, and a busy host may be slow.
const STALL: Duration = Duration::from_secs(3600);

/// A broker in a process of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// Starts it; it listens when this returns.
    pub(super) fn start() -> io::Result<Server> {
        let mut child = Command::new(env::current_exe()?)
            .arg(WORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for who asked for the figures; this one clears up behind it.
            .process_group(0)
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let server = Server {
            child,
            socket: PathBuf::from(line.trim_end()),
        };
        if server.socket.as_os_str().is_empty() {
            return Err(io::Error::other("its broker did not start"));
        }
        Ok(server)
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Seconds of processor that it has used, where this system tells.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // Behind the name, which may contain anything, utime and stime are the twelfth and next.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Its memory in use, where this system tells.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let mut lines = status.lines();
        let kib = lines.find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
        Some(kib.parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.child.stdin.take();
        // Nothing is to be done about one that cannot be waited for.
        let _ = self.child.wait();
    }
}

/// Is that broker, until nobody holds the other end of its standard input.
pub(crate) fn serve() -> u8 {
    match try_to_serve() {
        Ok(()) => 0,
        Err(error) => {
            out::complain(error);
            FAILED
        }
    }
}

fn try_to_serve() -> Result<(), Box<dyn std::error::Error>> {
    let directory = OwnDirectory::make()?;
    let socket = directory.0.join("socket");
    let mut config = BrokerConfig::new(Endpoint::new(&socket)?);
    config.limits.connections_per_pid_max = CONNECTIONS_PER_PID_MAX;
    config.limits.stall = STALL;
    let (handle, _events) = Broker::start(config)?;
    writeln!(io::stdout().lock(), "{}", socket.display())?;
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(handle.stop());
    Ok(())
}

/// A directory that is removed with all that is in it.
struct OwnDirectory(PathBuf);

impl OwnDirectory {
    fn make() -> io::Result<OwnDirectory> {
        let name = format!("henhouse-bench-{}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(OwnDirectory(path))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        // Another program may clear up there, too.
        let _ = fs::remove_dir_all(&self.0);
    }
}
