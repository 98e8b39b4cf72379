//! What the journals of all members come to.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Journal, Kind, Note, Sent};
use crate::losses::{Killed, Missing, account};

/// What became of one message.
#[derive(Debug)]
struct Fate {
    sent: Sent,
    /// Whether its sender lived to the end.
    alive: bool,
    receipts: u64,
    copies: u64,
    faults: u64,
    answers: u64,
    received: u64,
}

/// What one run came to, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) confirmed: u64,
    pub(crate) received: u64,
    pub(crate) requests: u64,
    pub(crate) faults: u64,
    /// Confirmed copies that nobody got and of which nobody heard a fault.
    pub(crate) missing: usize,
    /// Messages that were written to killed processes, which did not live to note them.
    pub(crate) unread: u64,
}

/// Checks all journals against each other, and against how many messages the broker wrote to
/// each connection that was lost.
pub(crate) fn check(journals: &[Journal], written_to_lost: &BTreeMap<u64, u64>) -> Totals {
    let mut fates: BTreeMap<(u64, u64), Fate> = BTreeMap::new();
    for journal in journals {
        for note in &journal.notes {
            if let Note::Sent(sent) = note {
                let fate = Fate {
                    sent: *sent,
                    alive: journal.killed_at.is_none(),
                    receipts: 0,
                    copies: 0,
                    faults: 0,
                    answers: 0,
                    received: 0,
                };
                fates.insert((journal.connection, sent.id), fate);
            }
        }
    }
    let mut killed = Vec::new();
    for journal in journals {
        let heard = read(journal, &mut fates);
        if let Some(killed_at) = journal.killed_at {
            let me = journal.connection;
            let written = written_to_lost.get(&me).copied().unwrap_or(0);
            let noted = heard.count;
            assert!(
                noted <= written,
                "{me} noted {noted} messages, and {written} were written to it"
            );
            killed.push(Killed {
                agent: journal.agent,
                pid: journal.pid,
                killed_at,
                unread: written - noted,
                got: heard.got,
                last: heard.last,
            });
        }
    }
    let mut totals = Totals {
        unread: killed.iter().map(|killed| killed.unread).sum(),
        ..Totals::default()
    };
    let mut missing = Vec::new();
    for (name, fate) in &fates {
        totals.sent += 1;
        totals.received += fate.received;
        totals.faults += fate.faults;
        totals.confirmed += fate.receipts;
        totals.requests += u64::from(fate.sent.request);
        if fate.sent.request {
            let ends = fate.answers + fate.faults;
            assert!(
                ends == 1 || (!fate.alive && ends == 0),
                "{name:?}: {fate:?}"
            );
            continue;
        }
        assert!(fate.receipts <= 1, "{name:?}: {fate:?}");
        if fate.alive {
            assert!(
                fate.receipts + fate.faults > 0,
                "{name:?} was not answered: {fate:?}"
            );
            let copies = fate.copies.saturating_sub(fate.received + fate.faults);
            totals.missing += copies as usize;
            missing.extend((0..copies).map(|_| Missing {
                from: name.0,
                sent: fate.sent,
            }));
        }
    }
    account(&missing, &killed);
    totals
}

/// What a member got.
#[derive(Default)]
struct Heard {
    /// Sender and id.
    got: BTreeSet<(u64, u64)>,
    /// By sender: the last id, but for what was sent at random.
    last: BTreeMap<u64, u64>,
    /// Messages and replies.
    count: u64,
}

/// Notes in `fates` what a member heard.
fn read(journal: &Journal, fates: &mut BTreeMap<(u64, u64), Fate>) -> Heard {
    let me = journal.connection;
    let mut heard = Heard::default();
    for note in &journal.notes {
        match *note {
            Note::Sent(_) => {}
            Note::Receipt { id, copies } => {
                let fate = fates.get_mut(&(me, id)).unwrap();
                fate.receipts += 1;
                fate.copies = copies;
            }
            Note::Fault { id } => fates.get_mut(&(me, id)).unwrap().faults += 1,
            Note::Answer { id } => {
                fates.get_mut(&(me, id)).unwrap().answers += 1;
                heard.count += 1;
            }
            Note::Got { from, id } => {
                heard.count += 1;
                let new = heard.got.insert((from, id));
                assert!(new, "{id} of {from} came twice to {me}");
                let fate = fates.get_mut(&(from, id)).unwrap();
                fate.received += 1;
                // What was sent at random may have been sent again after a death.
                if fate.sent.kind != Kind::Random {
                    let last = heard.last.entry(from).or_default();
                    assert!(*last < id, "{me} got {id} of {from} behind {last}");
                    *last = id;
                }
            }
        }
    }
    heard
}
