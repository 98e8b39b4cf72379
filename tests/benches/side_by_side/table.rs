//! The figures as text.

use crate::results::{Cell, Results};
use crate::statistics::Spread;
use crate::targets::Verdict;
use crate::works::{CALLS, CALLS_ALL, CPU, CPU_ALL, KIB_EACH, MILLISECONDS, P50, P99, PER_SECOND};

/// The peer that the others are compared with.
const OURS: &str = "henhouse";

/// Prints one table per figure that is worth one.
pub(crate) fn print(results: &Results) {
    let host = &results.host;
    println!(
        "\n{} cores of {}, Linux {}, load {} before and {} after; {} rounds of {} s, medians",
        host.cores,
        host.processor,
        host.kernel,
        host.load[0],
        host.load[1],
        results.rounds,
        results.seconds
    );
    for (peer, peered) in &results.peers {
        println!("  {peer}: {}", peered.version);
    }
    for (library, version) in &results.libraries {
        println!("  {library}: {version}");
    }
    for figure in [
        PER_SECOND,
        P50,
        P99,
        KIB_EACH,
        MILLISECONDS,
        CPU,
        CPU_ALL,
        CALLS,
        CALLS_ALL,
    ] {
        compare(results, figure);
    }
    println!("\ntargets");
    for verdict in &results.targets {
        println!("  {}", judged(verdict));
    }
}

fn judged(verdict: &Verdict) -> String {
    let Verdict {
        work,
        figure,
        beside,
        value,
        bound,
        is_max,
        reached,
    } = verdict;
    let mark = if *reached {
        "reached    "
    } else {
        "not reached"
    };
    let than = if *is_max { "at most" } else { "at least" };
    format!(
        "{mark} {:>8} {than} {:<6} {work}: {figure}, beside {beside}",
        short(*value),
        short(*bound)
    )
}

/// Henhouse against each other peer, by one figure.
fn compare(results: &Results, figure: &str) {
    let mut lines = Vec::new();
    for cell in results.cells.iter().filter(|cell| cell.peer == OURS) {
        let Some(ours) = cell.figures.get(figure) else {
            continue;
        };
        let mut line = format!("  {:34} {:>9}", cell.work, short(ours.median));
        for peer in results.peers.keys().filter(|peer| *peer != OURS) {
            if let Some(theirs) = results.figure(&cell.work, peer, figure) {
                line.push_str(&format!("  {:.2}x {peer}", ours.median / theirs.median));
            }
        }
        lines.push(line);
    }
    if !lines.is_empty() {
        println!("\n{figure}, and how many times that of each other peer ours is");
        println!("{}", lines.join("\n"));
    }
}

/// One cell on one line.
pub(crate) fn line(cell: &Cell) -> String {
    let figure = |(name, spread): (&String, &Spread)| {
        let Spread {
            median, min, max, ..
        } = spread;
        let range = match spread.values.len() {
            1 => String::new(),
            _ => format!(" ({}..{})", short(*min), short(*max)),
        };
        format!("{name} {}{range}", short(*median))
    };
    let figures: Vec<String> = cell.figures.iter().map(figure).collect();
    format!("{:22} {}", cell.peer, figures.join(" · "))
}

/// A number in three or four digits.
pub(crate) fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        0.0 => "0".to_owned(),
        v => format!("{v:.3}"),
    }
}
