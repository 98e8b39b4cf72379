//! What the journals of all members come to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Debug, Default)]
struct Sent {
    kind: String,
    request: bool,
    receipts: usize,
    copies: usize,
    faults: usize,
    answers: usize,
    received: usize,
}

/// What one run came to, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sent: usize,
    pub(crate) confirmed: usize,
    pub(crate) received: usize,
    pub(crate) requests: usize,
    pub(crate) faults: usize,
    /// Confirmed copies that nobody got and of which nobody heard a fault.
    pub(crate) missing: usize,
}

/// Reads all journals and checks them. `alive` are the journals of members that lived to the
/// end, and so must have heard the end of everything.
pub(crate) fn check(journals: &[(&Path, bool)]) -> Totals {
    let mut sent: BTreeMap<(u64, u64), (Sent, bool)> = BTreeMap::new();
    let texts: Vec<(u64, String, bool)> = journals
        .iter()
        .filter_map(|(path, alive)| {
            let text = std::fs::read_to_string(path).ok()?;
            let connection = text.strip_prefix("C ")?.lines().next()?.parse().ok()?;
            Some((connection, text, *alive))
        })
        .collect();
    for (me, text, alive) in &texts {
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["S", id, kind, want] = words[..] {
                let new = Sent {
                    kind: kind.into(),
                    request: want == "reply",
                    ..Default::default()
                };
                sent.insert((*me, id.parse().unwrap()), (new, *alive));
            }
        }
    }
    let mut got = BTreeSet::new();
    for (me, text, _) in &texts {
        let mut last: BTreeMap<(u64, bool), u64> = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |n: usize| words[n].parse::<u64>().unwrap();
            match words[0] {
                "R" => {
                    let entry = &mut sent.get_mut(&(*me, number(1))).unwrap().0;
                    entry.receipts += 1;
                    entry.copies = number(2) as usize;
                }
                "F" if number(1) != 0 => {
                    sent.get_mut(&(*me, number(1))).unwrap().0.faults += 1;
                }
                "A" => sent.get_mut(&(*me, number(1))).unwrap().0.answers += 1,
                "G" if words.len() == 3 => {
                    let (from, id) = (number(1), number(2));
                    assert!(
                        got.insert((*me, from, id)),
                        "{id} of {from} came twice to {me}"
                    );
                    let entry = &mut sent.get_mut(&(from, id)).unwrap().0;
                    entry.received += 1;
                    // What was sent at random may have been sent again after a death.
                    if entry.kind != "random" {
                        let last = last.entry((from, true)).or_default();
                        assert!(*last < id, "{me} got {id} of {from} behind {last}");
                        *last = id;
                    }
                }
                _ => {}
            }
        }
    }
    let mut totals = Totals::default();
    for (name, (sent, alive)) in &sent {
        totals.sent += 1;
        totals.received += sent.received;
        totals.faults += sent.faults;
        totals.confirmed += sent.receipts;
        totals.requests += usize::from(sent.request);
        if sent.request {
            let ends = sent.answers + sent.faults;
            assert!(ends == 1 || (!alive && ends == 0), "{name:?}: {sent:?}");
            continue;
        }
        assert!(sent.receipts <= 1, "{name:?}: {sent:?}");
        if *alive {
            assert!(
                sent.receipts + sent.faults > 0,
                "{name:?} was not answered: {sent:?}"
            );
            totals.missing += sent.copies.saturating_sub(sent.received + sent.faults);
        }
    }
    totals
}
