//! What Henhouse wants to reach, beside whom.

use serde::{Deserialize, Serialize};

use crate::results::Results;
use crate::works::{BOOT, CPU, GAP, KIB_EACH, LOST, P50, PER_SECOND, VISITS};

/// How one target was met.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) work: String,
    pub(crate) figure: String,
    pub(crate) beside: String,
    /// Ours, or how many times that of the other ours is.
    pub(crate) value: f64,
    pub(crate) bound: f64,
    /// Whether less is better.
    pub(crate) is_max: bool,
    pub(crate) reached: bool,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    /// A work and a figure of it.
    ours: (&'static str, &'static str),
    who: &'static str,
    beside: Beside,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Beside {
    /// The same of another peer.
    Peer(&'static str),
    /// The same of ours in another work.
    Work(&'static str),
    Nobody,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Beside::{Nobody, Peer, Work};
use Bound::{AtLeast, AtMost};

const NATS: Beside = Peer("nats-server");
const REDIS: Beside = Peer("redis");
const FLOOR: Beside = Peer("copy loop (floor)");
const EGG: Beside = Peer("egg-cluster");
const US: &str = "henhouse";
const US_IN_NODE: &str = "henhouse, in Node";

#[rustfmt::skip] // It is a table.
const TARGETS: [Target; 21] = [
    target("1 to 1, 128 B", PER_SECOND, NATS, AtLeast(5.0)),
    target("1 to 1, 128 B", PER_SECOND, REDIS, AtLeast(6.0)),
    target("1 to 1, 128 B", PER_SECOND, FLOOR, AtLeast(0.7)),
    target("1 to 1, 16 KiB", PER_SECOND, NATS, AtLeast(3.0)),
    target("1 to 1, 16 KiB", PER_SECOND, FLOOR, AtLeast(0.8)),
    target("1 to 1, 1 MiB", PER_SECOND, FLOOR, AtLeast(0.8)),
    target("1 to 8, 128 B", PER_SECOND, NATS, AtLeast(4.0)),
    target("1 to 8, 128 B", PER_SECOND, FLOOR, AtLeast(0.7)),
    target("ping 64 B, one core", P50, REDIS, AtMost(0.8)),
    target("ping 64 B, one core", P50, FLOOR, AtMost(1.25)),
    target("libraries, 1 to 1, 128 B", PER_SECOND, NATS, AtLeast(3.0)),
    target("libraries, 1 to 1, 128 B", PER_SECOND, EGG, AtLeast(50.0)),
    target("libraries, request 64 B, one core", P50, NATS, AtMost(0.4)),
    target("1 to 1, 128 B, one write each", CPU, NATS, AtMost(0.7)),
    target("2,000 idle", KIB_EACH, Nobody, AtMost(6.0)),
    target("2,000 idle", KIB_EACH, REDIS, AtMost(1.0)),
    target("1 to 7 and a stuck one, 2 MB/s", PER_SECOND, Work("1 to 7, 2 MB/s"), AtLeast(0.95)),
    // The broker's `stall` and a second.
    target("1 to 7 and a stuck one, unpaced", GAP, Nobody, AtMost(11_000.0)),
    target("1 to 7 and a stuck one, unpaced", LOST, Nobody, AtMost(0.0)),
    target("boot, an agent and 4 workers", BOOT, EGG, AtMost(1.0)).of(US_IN_NODE),
    target("connections, 2 workers", VISITS, Peer("node cluster"), AtLeast(1.5)).of(US_IN_NODE),
];

const fn target(work: &'static str, figure: &'static str, beside: Beside, bound: Bound) -> Target {
    Target {
        ours: (work, figure),
        who: US,
        beside,
        bound,
    }
}

impl Target {
    const fn of(self, who: &'static str) -> Target {
        Target { who, ..self }
    }

    fn judge(self, results: &Results) -> Option<Verdict> {
        let (work, figure) = self.ours;
        let ours = results.figure(work, self.who, figure)?.median;
        let (beside, theirs) = match self.beside {
            Peer(peer) => (peer, results.figure(work, peer, figure)?.median),
            Work(work) => (work, results.figure(work, self.who, figure)?.median),
            Nobody => ("itself", 1.0),
        };
        let value = ours / theirs;
        let (bound, is_max, reached) = match self.bound {
            AtLeast(bound) => (bound, false, value >= bound),
            AtMost(bound) => (bound, true, value <= bound),
        };
        Some(Verdict {
            work: work.to_owned(),
            figure: figure.to_owned(),
            beside: beside.to_owned(),
            value,
            bound,
            is_max,
            reached,
        })
    }
}

/// Holds the figures against the targets; those that were not measured are left out.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    TARGETS
        .iter()
        .filter_map(|target| target.judge(results))
        .collect()
}
