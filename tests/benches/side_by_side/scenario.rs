//! The works that every peer is put to.

/// One work, with the name it has in the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: String,
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
    },
    /// Join from a few processes and be silent: what does the broker keep for each?
    Idle { processes: usize, each: usize },
    /// Everybody connects at the same moment.
    Rush { processes: usize, each: usize },
    /// One to eight, with or without an eighth that never reads.
    Stuck {
        /// Bytes of payload per second; `None` for as many as are taken.
        pace: Option<usize>,
        /// Whether the eighth is there, and stuck.
        stuck: bool,
        /// How many times as long as the other works.
        longer: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flood {
    pub(crate) payload: usize,
    /// Every message in a write of its own, and not as many as fit in 64 KiB.
    pub(crate) one_by_one: bool,
    pub(crate) sources: usize,
    pub(crate) sinks: usize,
}

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Scenario> {
    let one = Flood {
        payload: 128,
        one_by_one: false,
        sources: 1,
        sinks: 1,
    };
    let sized = |payload| Work::Flood(Flood { payload, ..one });
    let named = |name: &str, work| Scenario {
        name: name.to_owned(),
        work,
    };
    vec![
        named("1 to 1, 16 B", sized(16)),
        named("1 to 1, 128 B", sized(128)),
        named("1 to 1, 1 KiB", sized(1 << 10)),
        named("1 to 1, 16 KiB", sized(16 << 10)),
        named("1 to 1, 1 MiB", sized(1 << 20)),
        named(
            "1 to 1, 128 B, one write each",
            Work::Flood(Flood {
                one_by_one: true,
                ..one
            }),
        ),
        named("1 to 8, 128 B", Work::Flood(Flood { sinks: 8, ..one })),
        named("1 to 32, 128 B", Work::Flood(Flood { sinks: 32, ..one })),
        named("8 to 1, 128 B", Work::Flood(Flood { sources: 8, ..one })),
        named(
            "ping 64 B, one core",
            Work::Ping {
                payload: 64,
                pinned: true,
            },
        ),
        named(
            "ping 64 B",
            Work::Ping {
                payload: 64,
                pinned: false,
            },
        ),
        named(
            "2,000 idle",
            Work::Idle {
                processes: 16,
                each: 125,
            },
        ),
        named(
            "1,000 at once",
            Work::Rush {
                processes: 20,
                each: 50,
            },
        ),
        named(
            "1 to 7, 2 MB/s",
            Work::Stuck {
                pace: Some(2_000_000),
                stuck: false,
                longer: 3,
            },
        ),
        named(
            "1 to 7 and a stuck one, 2 MB/s",
            Work::Stuck {
                pace: Some(2_000_000),
                stuck: true,
                longer: 13,
            },
        ),
        named(
            "1 to 7 and a stuck one, unpaced",
            Work::Stuck {
                pace: None,
                stuck: true,
                longer: 13,
            },
        ),
    ]
}
