//! The works that every peer is put to.

/// One work, with the name it has in the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// Send for a while as fast as it is taken, and count what arrives.
    Flood(Flood),
    /// One message there and one back, again and again.
    Ping {
        payload: usize,
        /// Everybody on one core.
        pinned: bool,
        through: Through,
    },
    /// Join from a few processes and be silent: what does the broker keep for each?
    Idle { processes: usize, each: usize },
    /// Everybody connects at the same moment.
    Rush { processes: usize, each: usize },
    /// One to seven, with or without an eighth that never reads.
    Stuck {
        /// Bytes of payload per second; `None` for as many as are taken.
        pace: Option<usize>,
        /// Whether the eighth is there, and stuck.
        stuck: bool,
        seconds: f64,
    },
    /// Start a house, until its agent and all its workers have heard that it is complete.
    Boot { workers: usize },
    /// Connections that a house's Node workers accept, answer and close.
    Serve { workers: usize },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flood {
    pub(crate) payload: usize,
    /// Every message in a write of its own, and not as many as fit in 64 KiB.
    pub(crate) one_by_one: bool,
    pub(crate) sources: usize,
    pub(crate) sinks: usize,
    pub(crate) through: Through,
}

/// How clients speak to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// By bytes that were made beforehand.
    Bytes,
    /// By the library that most would use, which gives a stream.
    Library,
    /// By that library, which calls a handler.
    Handler,
}

const ONE_TO_ONE: Flood = Flood {
    payload: 128,
    one_by_one: false,
    sources: 1,
    sinks: 1,
    through: Through::Bytes,
};

/// All of them, in the order of the table.
#[rustfmt::skip] // It is a table.
pub(crate) const ALL: [Scenario; 24] = [
    flood("1 to 1, 16 B", Flood { payload: 16, ..ONE_TO_ONE }),
    flood("1 to 1, 128 B", ONE_TO_ONE),
    flood("1 to 1, 1 KiB", Flood { payload: 1 << 10, ..ONE_TO_ONE }),
    flood("1 to 1, 16 KiB", Flood { payload: 16 << 10, ..ONE_TO_ONE }),
    flood("1 to 1, 1 MiB", Flood { payload: 1 << 20, ..ONE_TO_ONE }),
    flood("1 to 1, 128 B, one write each", Flood { one_by_one: true, ..ONE_TO_ONE }),
    flood("1 to 8, 128 B", Flood { sinks: 8, ..ONE_TO_ONE }),
    flood("1 to 32, 128 B", Flood { sinks: 32, ..ONE_TO_ONE }),
    flood("8 to 1, 128 B", Flood { sources: 8, ..ONE_TO_ONE }),
    ping("ping 64 B, one core", true, Through::Bytes),
    ping("ping 64 B", false, Through::Bytes),
    flood("libraries, 1 to 1, 128 B", Flood { through: Through::Library, ..ONE_TO_ONE }),
    flood("libraries, 1 to 1, 128 B, to a handler", Flood { through: Through::Handler, ..ONE_TO_ONE }),
    flood("libraries, 1 to 8, 128 B", Flood { sinks: 8, through: Through::Library, ..ONE_TO_ONE }),
    ping("libraries, request 64 B, one core", true, Through::Library),
    ping("libraries, request 64 B", false, Through::Library),
    named("2,000 idle", Work::Idle { processes: 16, each: 125 }),
    named("1,000 at once", Work::Rush { processes: 20, each: 50 }),
    named("1 to 7, 2 MB/s", Work::Stuck { pace: Some(2_000_000), stuck: false, seconds: 3.0 }),
    named("1 to 7 and a stuck one, 2 MB/s", Work::Stuck { pace: Some(2_000_000), stuck: true, seconds: 13.0 }),
    named("1 to 7, unpaced", Work::Stuck { pace: None, stuck: false, seconds: 3.0 }),
    named("1 to 7 and a stuck one, unpaced", Work::Stuck { pace: None, stuck: true, seconds: 13.0 }),
    named("boot, an agent and 4 workers", Work::Boot { workers: 4 }),
    named("connections, 2 workers", Work::Serve { workers: 2 }),
];

const fn named(name: &'static str, work: Work) -> Scenario {
    Scenario { name, work }
}

const fn flood(name: &'static str, flood: Flood) -> Scenario {
    named(name, Work::Flood(flood))
}

const fn ping(name: &'static str, pinned: bool, through: Through) -> Scenario {
    named(
        name,
        Work::Ping {
            payload: 64,
            pinned,
            through,
        },
    )
}
