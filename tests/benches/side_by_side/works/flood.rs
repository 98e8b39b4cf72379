//! As many messages as are taken, counted where they arrive.

use std::thread;
use std::time::Duration;

use super::{CALLS, CPU, Figures, PATIENCE, PER_SECOND, Watch, client, joined};
use crate::Trouble;
use crate::client::{Report, Task};
use crate::peer::{Place, Plan, Script, Server};
use crate::process::{CallCounter, Running, cpu_seconds};
use crate::scenario::Flood;
use crate::wire::Part;

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

    fn figures(&self, sinks: usize, cpu: f64) -> Result<Figures, Trouble> {
        if self.arrived != self.sent * sinks as u64 {
            let (arrived, sent) = (self.arrived, self.sent);
            return Err(format!("{arrived} arrived of {sent} to {sinks}").into());
        }
        let began = self.began.ok_or("nobody sent")?;
        let seconds = self.ended.saturating_sub(began) as f64 / 1e9;
        Ok(Figures::from([
            (PER_SECOND, self.arrived as f64 / seconds),
            (CPU, cpu / self.arrived as f64 * 1e6),
        ]))
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
    time: Duration,
    watch: Watch,
) -> Result<Option<Figures>, Trouble> {
    // The copy loop would tear the messages of one sender apart with those of another.
    if server == Server::CopyLoop && flood.sources > 1 {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let clients = flood.sources + flood.sinks;
    let server = server.start(Place {
        directory: directory.path(),
        clients,
        pinned: false,
        unlimited: true,
    })?;
    let (from, to) = sender(flood);
    let count = Task::Count {
        payload: flood.payload,
        ends: flood.sources,
    };
    let send = Task::Send {
        payload: flood.payload,
        write_bytes: if flood.one_by_one { 1 } else { WRITE_BYTES },
        seconds: time.as_secs_f64(),
        pace: None,
    };
    let start = |part, task| client(&server, part, task, false);
    let mut sinks = (0..flood.sinks)
        .map(|_| start(to, count))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sources = (0..flood.sources)
        .map(|_| start(from, send))
        .collect::<Result<Vec<_>, _>>()?;
    for client in sinks.iter_mut().chain(&mut sources) {
        joined(client)?;
    }
    thread::sleep(SETTLE);
    let pid = server.running.pid();
    let calls = if watch == Watch::Calls {
        let Some(calls) = CallCounter::start(pid) else {
            return Ok(None);
        };
        Some(calls)
    } else {
        None
    };
    let before = cpu_seconds(pid)?;
    for source in &mut sources {
        source.go()?;
    }
    let mut sum = Sum::default();
    for client in sources.iter_mut().chain(&mut sinks) {
        sum.add(&client.report(time + PATIENCE)?);
    }
    let cpu = cpu_seconds(pid)? - before;
    let figures = sum.figures(flood.sinks, cpu)?;
    let Some(calls) = calls else {
        return Ok(Some(figures));
    };
    let calls = calls
        .stop()
        .map(|calls| (CALLS, calls / sum.arrived as f64));
    Ok(Some(calls.into_iter().collect()))
}

pub(super) fn by_node(
    flood: Flood,
    script: Script,
    time: Duration,
) -> Result<Option<Figures>, Trouble> {
    // Node writes as it likes.
    if flood.one_by_one || flood.sinks > 8 {
        return Ok(None);
    }
    let plan = Plan {
        work: "flood",
        payload: flood.payload,
        from: if flood.sources > 1 { "many" } else { "one" },
        sources: flood.sources,
        many: flood.sources.max(flood.sinks),
        seconds: time.as_secs_f64(),
    };
    let mut master = script.start(&plan, false)?;
    let mut before = 0.0;
    let mut sum = Sum::default();
    let mut expected = 2 * flood.sources + flood.sinks;
    while expected > 0 {
        match master.report(time + PATIENCE)? {
            Report::Booted => {}
            Report::Ready => {
                before = cpu_seconds(master.pid())?;
                expected -= 1;
            }
            report => {
                sum.add(&report);
                expected -= 1;
            }
        }
    }
    let cpu = cpu_seconds(Running::pid(&master))? - before;
    sum.figures(flood.sinks, cpu).map(Some)
}
