//! What was measured, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};

/// All of it.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) floods: Vec<Flooded>,
    pub(super) ping: Pinged,
    pub(super) idle: Option<Idle>,
}

/// One agent says as much as is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flood {
    pub(super) payload_bytes: usize,
    pub(super) receivers: usize,
    pub(super) time: Duration,
}

/// One agent spoke to some workers.
#[derive(Debug)]
pub(super) struct Flooded {
    pub(super) flood: Flood,
    pub(super) deliveries: u64,
    pub(super) seconds: f64,
    /// Of the broker's processor.
    pub(super) cpu_seconds: Option<f64>,
}

/// Round trips, the shortest first.
#[derive(Debug)]
pub(super) struct Pinged {
    pub(super) round_trips: Vec<Duration>,
}

/// Silent connections.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) connections: usize,
    /// Of all together.
    pub(super) bytes: u64,
}

impl Figures {
    pub(super) fn table(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "henhouse {} on {} cores",
            env!("CARGO_PKG_VERSION"),
            cores()
        )];
        lines.extend(self.floods.iter().map(Flooded::line));
        let us = |share| self.ping.microseconds(share);
        lines.push(format!(
            "{:<16} {:>12} us p50, {:.1} us p99, {:.1} us p99.9",
            "there and back",
            format!("{:.1}", us(0.5)),
            us(0.99),
            us(0.999)
        ));
        if let Some(idle) = &self.idle {
            lines.push(format!(
                "{:<16} {:>12} KiB for each of {} connections",
                "idle",
                format!("{:.1}", idle.kib_each()),
                idle.connections
            ));
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "cores": cores(),
            "floods": self.floods.iter().map(Flooded::json).collect::<Vec<_>>(),
            "ping": {
                "round_trips": self.ping.round_trips.len(),
                "p50_us": self.ping.microseconds(0.5),
                "p99_us": self.ping.microseconds(0.99),
                "p999_us": self.ping.microseconds(0.999),
            },
            "idle": self.idle.as_ref().map(|idle| json!({
                "connections": idle.connections,
                "kib_each": idle.kib_each(),
            })),
        })
    }
}

impl Flooded {
    fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    fn cpu_seconds_per_million(&self) -> Option<f64> {
        Some(self.cpu_seconds? / self.deliveries as f64 * 1e6)
    }

    fn line(&self) -> String {
        let Flood {
            payload_bytes,
            receivers,
            ..
        } = self.flood;
        let size = match payload_bytes {
            bytes if bytes >= 1024 => format!("{} KiB", bytes / 1024),
            bytes => format!("{bytes} B"),
        };
        let cpu = self
            .cpu_seconds_per_million()
            .map_or_else(String::new, |cpu| {
                format!(", {cpu:.2} s of the broker's processor per million")
            });
        format!(
            "{:<16} {:>12.0} messages/s{cpu}",
            format!("1 to {receivers}, {size}"),
            self.per_second()
        )
    }

    fn json(&self) -> Value {
        json!({
            "payload_bytes": self.flood.payload_bytes,
            "receivers": self.flood.receivers,
            "deliveries": self.deliveries,
            "deliveries_per_second": self.per_second(),
            "cpu_seconds_per_million": self.cpu_seconds_per_million(),
        })
    }
}

impl Pinged {
    /// What a `share` of the round trips took at most.
    fn microseconds(&self, share: f64) -> f64 {
        let last = self.round_trips.len().saturating_sub(1);
        let index = ((last as f64 * share).ceil() as usize).min(last);
        let round_trip = self.round_trips.get(index);
        round_trip.map_or(f64::NAN, |time| time.as_nanos() as f64 / 1e3)
    }
}

impl Idle {
    fn kib_each(&self) -> f64 {
        self.bytes as f64 / 1024.0 / self.connections as f64
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures {
            floods: vec![Flooded {
                flood: Flood {
                    payload_bytes: 16 << 10,
                    receivers: 8,
                    time: Duration::from_secs(1),
                },
                deliveries: 4000,
                seconds: 2.0,
                cpu_seconds: Some(0.5),
            }],
            ping: Pinged {
                round_trips: (1..=1000).map(Duration::from_micros).collect(),
            },
            idle: Some(Idle {
                connections: 2,
                bytes: 10 << 10,
            }),
        }
    }

    #[test]
    fn a_line_says_what_was_done_and_what_it_cost() {
        let table = figures().table();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(&table[1]),
            "1 to 8, 16 KiB 2000 messages/s, 125.00 s of the broker's processor per million"
        );
        assert_eq!(
            words(&table[2]),
            "there and back 501.0 us p50, 991.0 us p99, 1000.0 us p99.9"
        );
        assert_eq!(words(&table[3]), "idle 5.0 KiB for each of 2 connections");
    }

    #[test]
    fn programs_read_the_same_figures() {
        let json = figures().json();
        assert_eq!(json["floods"][0]["deliveries_per_second"], 2000.0);
        assert_eq!(json["ping"]["p99_us"], 991.0);
        assert_eq!(json["idle"]["kib_each"], 5.0);
    }
}
