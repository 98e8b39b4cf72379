//! The picture for the README: for each work a panel of bars, ours first.

use std::fmt::Write as _;

use crate::results::Results;
use crate::table::short;
use crate::works::{BOOT, CPU, KIB_EACH, P50, PER_SECOND, VISITS};

const COLUMNS: usize = 2;
const COLUMN: usize = 430;
const MARGIN: usize = 24;
const LABEL: usize = 132;
const VALUE: usize = 56;
const BAR: usize = 17;
const TITLE: usize = 20;
const GAP: usize = 20;

/// What is drawn: a work, its figure, and what to say of it.
#[rustfmt::skip] // It is a table.
const PANELS: [(&str, &str, &str); 9] = [
    ("1 to 1, 128 B", PER_SECOND, "1 to 1, 128 bytes: messages/s"),
    ("libraries, 1 to 1, 128 B", PER_SECOND, "the same by client libraries: messages/s"),
    ("1 to 8, 128 B", PER_SECOND, "1 to 8, 128 bytes: deliveries/s"),
    ("1 to 1, 16 KiB", PER_SECOND, "1 to 1, 16 KiB: messages/s"),
    ("1 to 1, 128 B, one write each", CPU, "server's CPU seconds per million, one write each (less is better)"),
    ("libraries, request 64 B, one core", P50, "request and reply by libraries, one core: µs (less is better)"),
    ("2,000 idle", KIB_EACH, "memory for an idle connection: KiB (less is better)"),
    ("boot, an agent and 4 workers", BOOT, "boot of an agent and 4 workers: ms (less is better)"),
    ("connections, 2 workers", VISITS, "connections/s served by 2 Node workers"),
];

/// A panel's bars, by peer.
struct Panel<'a> {
    title: &'a str,
    bars: Vec<(&'a str, f64)>,
}

/// Draws it.
pub(crate) fn draw(results: &Results) -> String {
    let mut body = String::new();
    let mut ends = [MARGIN; COLUMNS];
    for panel in PANELS.iter().filter_map(|panel| look(results, *panel)) {
        // Under the shorter column.
        let column = (0..COLUMNS).min_by_key(|column| ends[*column]).unwrap_or(0);
        let left = MARGIN + column * (COLUMN + MARGIN);
        ends[column] = draw_panel(&mut body, &panel, left, ends[column]);
    }
    let bottom = ends.into_iter().max().unwrap_or(MARGIN);
    let host = &results.host;
    let note = format!(
        "Medians of {} interleaved rounds on {} cores ({}, Linux {}). How, and what is not fair to \
         whom: tests/benches/README.md",
        results.rounds, host.cores, host.processor, host.kernel
    );
    text(&mut body, MARGIN, bottom, "note", &note);
    let height = bottom + MARGIN;
    let width = MARGIN + COLUMNS * (COLUMN + MARGIN);
    // A card of its own colour, since it stands on light pages and on dark ones.
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"Henhouse beside others\">\n<style>\
         text{{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}}\
         .title{{font-weight:600}}.value{{fill:#59636e}}.note{{fill:#59636e;font-size:11px}}\
         .ours{{fill:#bf5615}}.theirs{{fill:#8c959f}}</style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" \
         stroke=\"#d1d9e0\"/>\n{body}</svg>\n",
        width - 1,
        height - 1
    )
}

fn look<'a>(
    results: &'a Results,
    (work, figure, title): (&str, &str, &'a str),
) -> Option<Panel<'a>> {
    let bars: Vec<(&str, f64)> = results
        .cells
        .iter()
        .filter(|cell| cell.work == work)
        .filter_map(|cell| Some((cell.peer.as_str(), cell.figures.get(figure)?.median)))
        .collect();
    (!bars.is_empty()).then_some(Panel { title, bars })
}

/// Gives where the next one may begin.
fn draw_panel(body: &mut String, panel: &Panel<'_>, left: usize, top: usize) -> usize {
    let values = panel.bars.iter().map(|(_, value)| *value);
    let longest = values.fold(f64::MIN_POSITIVE, f64::max);
    text(body, left, top + 12, "title", panel.title);
    let mut y = top + TITLE;
    for (peer, value) in &panel.bars {
        let room = (COLUMN - LABEL - VALUE) as f64;
        let width = (value / longest * room).max(1.0);
        let class = if peer.starts_with("henhouse") {
            "ours"
        } else {
            "theirs"
        };
        text(body, left, y + BAR - 5, "", peer);
        // Writing to a string cannot fail.
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"/>",
            left + LABEL,
            BAR - 4
        );
        let end = left + LABEL + width as usize + 6;
        text(body, end, y + BAR - 5, "value", &short(*value));
        y += BAR;
    }
    y + GAP
}

fn text(body: &mut String, x: usize, y: usize, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        body,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>"
    );
}
