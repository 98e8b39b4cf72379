//! Whether every missing message can have been written to a process that was killed before it
//! noted it: to one that it was for, behind all that this one got from the same sender, and no
//! more to each than the broker wrote to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Kind, Sent};

/// A confirmed copy of a message that nobody got and of which nobody heard a fault.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) from: u64,
    pub(crate) sent: Sent,
}

/// A process that was killed, and what it can have taken with it.
#[derive(Debug)]
pub(crate) struct Killed {
    pub(crate) agent: bool,
    pub(crate) pid: u32,
    pub(crate) killed_at: u64,
    /// Messages that were wholly written to it, and that it did not note.
    pub(crate) unread: u64,
    /// Sender and id of what it got.
    pub(crate) got: BTreeSet<(u64, u64)>,
    /// By sender: the id of what it got last, but for what was sent at random.
    pub(crate) last: BTreeMap<u64, u64>,
}

impl Killed {
    fn can_have_taken(&self, missing: &Missing) -> bool {
        let Missing { from, sent } = missing;
        let for_it = match sent.kind {
            Kind::Many => true,
            Kind::Pid(pid) => pid == self.pid,
            Kind::Random => !self.agent,
            Kind::Agent => self.agent,
        };
        let in_order =
            sent.kind == Kind::Random || self.last.get(from).is_none_or(|last| *last < sent.id);
        for_it && in_order && sent.at <= self.killed_at && !self.got.contains(&(*from, sent.id))
    }
}

/// Finds for each missing copy the killed process that took it; panics where that cannot be.
pub(crate) fn account(missing: &[Missing], killed: &[Killed]) {
    let mut taken = Taken {
        missing,
        killed,
        by: vec![Vec::new(); killed.len()],
    };
    for (number, copy) in missing.iter().enumerate() {
        let mut seen = vec![false; killed.len()];
        assert!(
            taken.place(number, &mut seen),
            "{copy:?} was confirmed and came nowhere, and no killed process can have taken it"
        );
    }
}

/// A matching of copies and killed processes that grows by one copy at a time.
struct Taken<'a> {
    missing: &'a [Missing],
    killed: &'a [Killed],
    /// For each killed process the copies that it took.
    by: Vec<Vec<usize>>,
}

impl Taken<'_> {
    /// Finds a place for a copy, if need be by moving others.
    fn place(&mut self, copy: usize, seen: &mut [bool]) -> bool {
        for (n, killed) in self.killed.iter().enumerate() {
            let twin = |other: &usize| self.is_same_message(*other, copy);
            if seen[n] || !killed.can_have_taken(&self.missing[copy]) || self.by[n].iter().any(twin)
            {
                continue;
            }
            seen[n] = true;
            if (self.by[n].len() as u64) < killed.unread {
                self.by[n].push(copy);
                return true;
            }
            for place in 0..self.by[n].len() {
                if self.place(self.by[n][place], seen) {
                    self.by[n][place] = copy;
                    return true;
                }
            }
        }
        false
    }

    fn is_same_message(&self, one: usize, other: usize) -> bool {
        let name = |copy: usize| (self.missing[copy].from, self.missing[copy].sent.id);
        one != other && name(one) == name(other)
    }
}

fn killed(pid: u32, agent: bool, unread: u64, last: &[(u64, u64)]) -> Killed {
    Killed {
        agent,
        pid,
        killed_at: 100,
        unread,
        got: last.iter().copied().collect(),
        last: last.iter().copied().collect(),
    }
}

fn missing(id: u64, kind: Kind) -> Missing {
    let sent = Sent {
        id,
        kind,
        request: false,
        at: 50,
    };
    Missing { from: 1, sent }
}

#[test]
fn a_copy_moves_where_another_one_needs_its_place() {
    let killed = [killed(5, false, 1, &[]), killed(6, false, 1, &[])];
    account(
        &[missing(1, Kind::Random), missing(2, Kind::Pid(5))],
        &killed,
    );
}

#[test]
#[should_panic(expected = "came nowhere")]
fn nobody_takes_more_than_was_written_to_it() {
    let killed = [killed(5, true, 1, &[]), killed(6, false, 100, &[])];
    account(&[missing(1, Kind::Agent), missing(2, Kind::Agent)], &killed);
}

#[test]
#[should_panic(expected = "came nowhere")]
fn nobody_takes_what_came_before_something_that_it_got() {
    account(&[missing(3, Kind::Agent)], &[killed(5, true, 9, &[(1, 4)])]);
}

#[test]
#[should_panic(expected = "came nowhere")]
fn nobody_takes_two_copies_of_one_message() {
    let copies = [missing(3, Kind::Many), missing(3, Kind::Many)];
    account(&copies, &[killed(5, true, 9, &[])]);
}
