//! As many messages as are taken, counted where they arrive.

use std::thread;
use std::time::Duration;

use super::{
    CALLS, CALLS_ALL, CPU, CPU_ALL, Figures, Manner, Means, PATIENCE, PER_SECOND, Watch, client,
    joined,
};
use crate::Trouble;
use crate::peer::{Place, Plan, Script, Server};
use crate::process::{CallCounter, cpu_seconds, cpu_seconds_of, family};
use crate::scenario::{Flood, Through};
use crate::talk::{Part, Report, Task};

/// One write of a sender that gathers.
const WRITE_BYTES: usize = 64 << 10;

/// News of who has joined have gone round after so long.
const SETTLE: Duration = Duration::from_millis(150);

/// What all clients together said.
#[derive(Debug, Default)]
struct Sum {
    sent: u64,
    arrived: u64,
    began: Option<u64>,
    ended: u64,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        match report {
            Report::Sent { messages, began } => {
                self.sent += messages;
                self.began = Some(self.began.map_or(*began, |first| first.min(*began)));
            }
            Report::Counted {
                messages, ended, ..
            } => {
                self.arrived += messages;
                self.ended = self.ended.max(*ended);
            }
            _ => {}
        }
    }

    /// What was seen, with what the processes used meanwhile.
    fn figures(&self, sinks: usize, used: &Used) -> Result<Figures, Trouble> {
        if self.arrived != self.sent * sinks as u64 {
            let (arrived, sent) = (self.arrived, self.sent);
            return Err(format!("{arrived} arrived of {sent} to {sinks}").into());
        }
        let began = self.began.ok_or("nobody sent")?;
        let seconds = self.ended.saturating_sub(began) as f64 / 1e9;
        let arrived = self.arrived as f64;
        Ok(match used {
            Used::Cpu { broker, all } => Figures::from([
                (PER_SECOND, arrived / seconds),
                (CPU, broker / arrived * 1e6),
                (CPU_ALL, all / arrived * 1e6),
            ]),
            Used::Calls { broker, all } => {
                Figures::from([(CALLS, broker / arrived), (CALLS_ALL, all / arrived)])
            }
        })
    }
}

/// What the broker's process used, and all together.
#[derive(Debug)]
enum Used {
    Cpu { broker: f64, all: f64 },
    Calls { broker: f64, all: f64 },
}

/// What processes are using; the first is the broker's.
#[derive(Debug)]
enum Meter {
    Cpu {
        pids: Vec<u32>,
        broker: f64,
        all: f64,
    },
    Calls {
        broker: CallCounter,
        all: CallCounter,
    },
}

impl Meter {
    /// `None` where it cannot be counted here.
    fn start(pids: Vec<u32>, watch: Watch) -> Result<Option<Meter>, Trouble> {
        Ok(match watch {
            Watch::Time => Some(Meter::Cpu {
                broker: cpu_seconds(pids[0])?,
                all: cpu_seconds_of(&pids)?,
                pids,
            }),
            Watch::Calls => CallCounter::start(&pids[..1])
                .zip(CallCounter::start(&pids))
                .map(|(broker, all)| Meter::Calls { broker, all }),
        })
    }

    /// The processes may have ended, but nobody has waited for them.
    fn stop(self) -> Result<Used, Trouble> {
        Ok(match self {
            Meter::Cpu { pids, broker, all } => Used::Cpu {
                broker: cpu_seconds(pids[0])? - broker,
                all: cpu_seconds_of(&pids)? - all,
            },
            Meter::Calls { broker, all } => Used::Calls {
                broker: broker.stop().ok_or("perf counted nothing")?,
                all: all.stop().ok_or("perf counted nothing")?,
            },
        })
    }
}

/// Which side sends.
fn sender(flood: Flood) -> (Part, Part) {
    if flood.sources > 1 {
        (Part::Many, Part::One)
    } else {
        (Part::One, Part::Many)
    }
}

pub(super) fn by_server(
    flood: Flood,
    server: Server,
    means: &Means,
    watch: Watch,
) -> Result<Option<Figures>, Trouble> {
    // The copy loop would tear the messages of one sender apart with those of another.
    if !server.speaks(flood.through) || server == Server::CopyLoop && flood.sources > 1 {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let server = server.start(Place {
        directory: directory.path(),
        clients: flood.sources + flood.sinks,
        pinned: false,
        unlimited: true,
    })?;
    let manner = Manner {
        through: flood.through,
        library: means.library.as_deref(),
        pinned: false,
    };
    let start = |count, part, task| {
        let clients = (0..count).map(|_| client(&server, part, task, manner));
        clients.collect::<Result<Vec<_>, _>>()
    };
    let (from, to) = sender(flood);
    let mut sinks = start(flood.sinks, to, count(flood))?;
    let mut sources = start(flood.sources, from, send(flood, means.time))?;
    for client in sinks.iter_mut().chain(&mut sources) {
        joined(client)?;
    }
    thread::sleep(SETTLE);
    let clients = sinks.iter().chain(&sources).map(|client| client.pid());
    let pids = [server.running.pid()].into_iter().chain(clients).collect();
    let Some(meter) = Meter::start(pids, watch)? else {
        return Ok(None);
    };
    for source in &mut sources {
        source.go()?;
    }
    let mut sum = Sum::default();
    for client in sources.iter_mut().chain(&mut sinks) {
        sum.add(&client.report(means.time + PATIENCE)?);
    }
    sum.figures(flood.sinks, &meter.stop()?).map(Some)
}

fn send(flood: Flood, time: Duration) -> Task {
    Task::Send {
        payload: flood.payload,
        write_bytes: if flood.one_by_one { 1 } else { WRITE_BYTES },
        seconds: time.as_secs_f64(),
        pace: None,
    }
}

fn count(flood: Flood) -> Task {
    let (payload, ends) = (flood.payload, flood.sources);
    match flood.through {
        Through::Bytes | Through::Library => Task::Count { payload, ends },
        Through::Handler => Task::Handle { payload, ends },
    }
}

pub(super) fn by_node(
    flood: Flood,
    script: Script,
    time: Duration,
    watch: Watch,
) -> Result<Option<Figures>, Trouble> {
    // What Node's processes send by is their library, and calls handlers.
    if flood.through != Through::Library {
        return Ok(None);
    }
    let plan = Plan {
        work: "flood",
        payload: flood.payload,
        from: if flood.sources > 1 { "many" } else { "one" },
        sources: flood.sources,
        many: flood.sources.max(flood.sinks),
        seconds: time.as_secs_f64(),
        // It takes a while until the calls are counted.
        pause: if watch == Watch::Calls { 1500 } else { 300 },
    };
    let directory = tempfile::tempdir()?;
    let mut master = script.start(&plan, directory.path(), false)?.master;
    for _ in 0..flood.sources {
        joined(&mut master)?;
    }
    let Some(meter) = Meter::start(family(master.pid()), watch)? else {
        return Ok(None);
    };
    let mut sum = Sum::default();
    for _ in 0..flood.sources + flood.sinks {
        sum.add(&master.report(time + PATIENCE)?);
    }
    sum.figures(flood.sinks, &meter.stop()?).map(Some)
}
