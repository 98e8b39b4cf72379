//! The whole run: every work through every peer in turns, again and again.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Instant;

use crate::peer::{self, Peer};
use crate::results::{Cell, Host, Peered, Results};
use crate::scenario::{self, Scenario, Through, Work};
use crate::settings::Settings;
use crate::statistics::Spread;
use crate::works::{self, Means, Watch};
use crate::{Trouble, library, svg, table, targets};

/// Figures that have been seen so far, by name.
type Seen = BTreeMap<&'static str, Vec<f64>>;

/// Measures, prints and keeps.
pub(crate) fn run() -> Result<(), Trouble> {
    let settings = Settings::from_environment();
    let began = Instant::now();
    let mut results = Results {
        command: settings.command.clone(),
        host: Host::look(),
        rounds: settings.rounds,
        seconds: settings.time.as_secs_f64(),
        ..Results::default()
    };
    let mut peers = Vec::new();
    for peer in peer::ALL {
        match peer.version() {
            _ if !settings.wants_peer(peer.name()) => {}
            Ok(version) => {
                let how = peer.how().to_owned();
                results
                    .peers
                    .insert(peer.name().to_owned(), Peered { version, how });
                peers.push(peer);
            }
            Err(why) => println!("without {}: {why}", peer.name()),
        }
    }
    let scenarios: Vec<&Scenario> = scenario::ALL
        .iter()
        .filter(|scenario| settings.wants_work(scenario.name))
        .collect();
    let means = Means {
        time: settings.time,
        library: libraries(&scenarios, &mut results),
    };
    let mut troubles = 0;
    for (index, scenario) in scenarios.iter().enumerate() {
        println!("{}/{} {}", index + 1, scenarios.len(), scenario.name);
        let measured = measure(scenario, &peers, &settings, &means);
        results.cells.extend(measured.cells);
        troubles += measured.troubles;
    }
    results.host.look_again();
    results.targets = targets::judge(&results);
    table::print(&results);
    if settings.keep {
        std::fs::create_dir_all(&settings.results)?;
        results.write(&settings.results.join("side_by_side.json"))?;
        std::fs::write(
            settings.results.join("side_by_side.svg"),
            svg::draw(&results),
        )?;
        println!("\nkept in {}", settings.results.display());
    }
    println!("{:.0} s", began.elapsed().as_secs_f64());
    match troubles {
        0 => Ok(()),
        _ => Err(format!("{troubles} measurements failed, as said above").into()),
    }
}

/// What became of one work.
struct Measured {
    cells: Vec<Cell>,
    /// Measurements that failed.
    troubles: usize,
}

/// The client libraries, where any work goes through them.
fn libraries(scenarios: &[&Scenario], results: &mut Results) -> Option<std::path::PathBuf> {
    let through = |scenario: &&Scenario| match scenario.work {
        Work::Flood(flood) => flood.through != Through::Bytes,
        Work::Ping { through, .. } => through != Through::Bytes,
        _ => false,
    };
    if !scenarios.iter().any(through) {
        return None;
    }
    println!("building the client libraries, which takes minutes the first time");
    match library::build() {
        Ok(program) => {
            results.libraries = library::versions()
                .unwrap_or_default()
                .into_iter()
                .collect();
            Some(program)
        }
        Err(why) => {
            println!("without the client libraries: {why}");
            None
        }
    }
}

/// One work through all peers. In turns, so that whatever disturbs the host for a while disturbs
/// all of them.
fn measure(scenario: &Scenario, peers: &[Peer], settings: &Settings, means: &Means) -> Measured {
    let mut troubles = 0;
    let mut seen: Vec<Seen> = vec![Seen::new(); peers.len()];
    let rounds = match scenario.work {
        Work::Flood(_) | Work::Ping { .. } | Work::Boot { .. } | Work::Serve { .. } => {
            settings.rounds
        }
        // Memory is the same every time, and thirteen seconds of a stuck receiver are long.
        Work::Idle { .. } | Work::Rush { .. } => settings.rounds.min(2),
        Work::Stuck { .. } => 1,
    };
    let begun = Instant::now();
    let turns = (0..rounds).map(|_| Watch::Time).chain([Watch::Calls]);
    for watch in turns {
        for (index, peer) in peers.iter().enumerate() {
            match works::run(scenario.work, *peer, means, watch) {
                Ok(None) => continue,
                Ok(Some(figures)) => {
                    progress(".");
                    for (name, value) in figures {
                        seen[index].entry(name).or_default().push(value);
                    }
                }
                Err(trouble) => {
                    println!("    {}: {trouble}", peer.name());
                    troubles += 1;
                }
            }
        }
        progress(" ");
    }
    println!(" {rounds} rounds in {:.0} s", begun.elapsed().as_secs_f64());
    let cells: Vec<Cell> = peers
        .iter()
        .zip(seen)
        .filter_map(|(peer, seen)| cell(scenario, *peer, &seen))
        .collect();
    for cell in &cells {
        println!("    {}", table::line(cell));
    }
    Measured { cells, troubles }
}

/// Shows that something is done; a terminal that is gone is no trouble.
fn progress(sign: &str) {
    print!("{sign}");
    let _ = io::stdout().flush();
}

fn cell(scenario: &Scenario, peer: Peer, seen: &Seen) -> Option<Cell> {
    let spread = |(name, values): (&&'static str, &Vec<f64>)| {
        Some(((*name).to_owned(), Spread::of(values)?))
    };
    let figures: BTreeMap<String, Spread> = seen.iter().filter_map(spread).collect();
    (!figures.is_empty()).then(|| Cell {
        work: scenario.name.to_owned(),
        peer: peer.name().to_owned(),
        figures,
    })
}
