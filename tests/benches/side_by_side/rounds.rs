//! The whole run: every work through every peer in turns, again and again.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::peer::{self, Peer};
use crate::results::{Cell, Host, Results};
use crate::scenario::{self, Scenario, Work};
use crate::settings::Settings;
use crate::statistics::Spread;
use crate::works::{self, Watch};
use crate::{Trouble, svg, table};

/// Figures that have been seen so far, by name.
type Seen = BTreeMap<&'static str, Vec<f64>>;

/// Measures, prints and keeps.
pub(crate) fn run() -> Result<(), Trouble> {
    let settings = Settings::from_environment();
    let mut results = Results {
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
                results.versions.insert(peer.name().to_owned(), version);
                peers.push(peer);
            }
            Err(why) => println!("without {}: {why}", peer.name()),
        }
    }
    for scenario in scenario::all() {
        if settings.wants_work(&scenario.name) {
            results.cells.extend(measure(&scenario, &peers, &settings));
        }
    }
    results.host.look_again();
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
    Ok(())
}

/// One work through all peers. In turns, so that whatever disturbs the host for a while disturbs
/// all of them.
fn measure(scenario: &Scenario, peers: &[Peer], settings: &Settings) -> Vec<Cell> {
    println!("{}", scenario.name);
    let mut seen: Vec<Seen> = vec![Seen::new(); peers.len()];
    // Memory is the same every time, and thirteen seconds of a stuck receiver are long.
    let rounds = match scenario.work {
        Work::Flood(_) | Work::Ping { .. } | Work::Rush { .. } => settings.rounds,
        Work::Idle { .. } | Work::Stuck { .. } => settings.rounds.min(3),
    };
    let begun = Instant::now();
    let turns = (0..rounds).map(|_| Watch::Time).chain([Watch::Calls]);
    for watch in turns {
        for (index, peer) in peers.iter().enumerate() {
            match works::run(scenario.work, *peer, settings.time, watch) {
                Ok(figures) => {
                    for (name, value) in figures.into_iter().flatten() {
                        seen[index].entry(name).or_default().push(value);
                    }
                }
                Err(trouble) => println!("    {}: {trouble}", peer.name()),
            }
        }
    }
    let cells: Vec<Cell> = peers
        .iter()
        .zip(seen)
        .filter_map(|(peer, seen)| cell(scenario, *peer, &seen))
        .collect();
    for cell in &cells {
        println!("    {}", table::line(cell));
    }
    println!(
        "    {rounds} rounds in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    cells
}

fn cell(scenario: &Scenario, peer: Peer, seen: &Seen) -> Option<Cell> {
    let spread = |(name, values): (&&'static str, &Vec<f64>)| {
        Some(((*name).to_owned(), Spread::of(values)?))
    };
    let figures: BTreeMap<String, Spread> = seen.iter().filter_map(spread).collect();
    (!figures.is_empty()).then(|| Cell {
        work: scenario.name.clone(),
        peer: peer.name().to_owned(),
        figures,
    })
}
