//! The picture for the README: for each work a row of bars, ours first.

use std::fmt::Write as _;

use crate::results::Results;
use crate::table::short;
use crate::works::{KIB_EACH, P50, PER_SECOND};

const WIDTH: usize = 860;
const MARGIN: usize = 20;
const LABEL: usize = 170;
const BAR: usize = 18;
const VALUE: usize = 90;
const GAP: usize = 34;

/// What is drawn: a work, its figure, and what to say of it.
const PANELS: [(&str, &str, &str); 6] = [
    (
        "1 to 1, 128 B",
        PER_SECOND,
        "one sender, one receiver, 128 bytes: messages per second",
    ),
    (
        "1 to 8, 128 B",
        PER_SECOND,
        "one sender, eight receivers, 128 bytes: deliveries per second",
    ),
    (
        "1 to 1, 16 KiB",
        PER_SECOND,
        "one sender, one receiver, 16 KiB: messages per second",
    ),
    (
        "1 to 1, 128 B, one write each",
        PER_SECOND,
        "the same with a write for every 128 bytes",
    ),
    (
        "ping 64 B, one core",
        P50,
        "there and back, 64 bytes, all on one core: microseconds, less is better",
    ),
    (
        "2,000 idle",
        KIB_EACH,
        "memory for a silent connection: KiB, less is better",
    ),
];

/// Draws it.
pub(crate) fn draw(results: &Results) -> String {
    let mut body = String::new();
    let mut y = MARGIN;
    for (work, figure, title) in PANELS {
        y = panel(&mut body, results, (work, figure, title), y);
    }
    let host = &results.host;
    text(
        &mut body,
        MARGIN,
        y + 4,
        "note",
        &format!(
            "medians of {} rounds on {} cores of {}; raw clients, the same for every server",
            results.rounds, host.cores, host.processor
        ),
    );
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"Henhouse beside others\">\n<style>\
         text{{font:13px system-ui,sans-serif;fill:#24292f}}.title{{font-weight:600}}\
         .note{{fill:#6e7781;font-size:12px}}.ours{{fill:#c2571a}}.theirs{{fill:#afb8c1}}\
         </style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn panel(body: &mut String, results: &Results, panel: (&str, &str, &str), top: usize) -> usize {
    let (work, figure, title) = panel;
    let bars: Vec<(&str, f64)> = results
        .cells
        .iter()
        .filter(|cell| cell.work == work)
        .filter_map(|cell| Some((cell.peer.as_str(), cell.figures.get(figure)?.median)))
        .collect();
    let Some(longest) = bars.iter().map(|(_, value)| *value).max_by(f64::total_cmp) else {
        return top;
    };
    text(body, MARGIN, top + 4, "title", title);
    let mut y = top + 14;
    for (peer, value) in bars {
        let room = (WIDTH - 2 * MARGIN - LABEL - VALUE) as f64;
        let width = (value / longest * room).max(1.0);
        let class = if peer == "henhouse" { "ours" } else { "theirs" };
        text(body, MARGIN, y + BAR - 5, "", peer);
        // Writing to a string cannot fail.
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"/>",
            MARGIN + LABEL,
            BAR - 4
        );
        let end = MARGIN + LABEL + width as usize + 6;
        text(body, end, y + BAR - 5, "note", &short(value));
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
