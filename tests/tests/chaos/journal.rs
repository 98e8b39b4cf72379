//! What one member noted of all that it said and heard.

use std::path::Path;

/// A member's journal; see the program that writes it.
pub(crate) struct Journal {
    pub(crate) connection: u64,
    pub(crate) agent: bool,
    pub(crate) pid: u32,
    /// When it was dead for certain, in milliseconds; `None`: it lived to the end, and so must
    /// have heard the end of everything.
    pub(crate) killed_at: Option<u64>,
    pub(crate) notes: Vec<Note>,
}

/// One line of a journal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Note {
    /// It is about to send a message.
    Sent(Sent),
    /// It heard that a message is with the broker, in so many copies.
    Receipt { id: u64, copies: u64 },
    /// It heard that a message, or a copy of it, was refused or lost.
    Fault { id: u64 },
    /// It got an answer to a request.
    Answer { id: u64 },
    /// It got that message.
    Got { from: u64, id: u64 },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    pub(crate) request: bool,
    /// In milliseconds of the clock that all processes share.
    pub(crate) at: u64,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Many,
    Pid(u32),
    Random,
    Agent,
}

impl Journal {
    /// `None` where the member was killed before it knew its connection.
    pub(crate) fn read(path: &Path, killed_at: Option<u64>) -> Option<Journal> {
        let text = std::fs::read_to_string(path).ok()?;
        // A line that was cut by the kill says nothing.
        let whole = &text[..text.rfind('\n')?];
        let mut lines = whole.lines();
        let first: Vec<&str> = lines.next()?.split(' ').collect();
        let ["C", connection, role, pid] = first[..] else {
            panic!("a journal begins with {first:?}");
        };
        Some(Journal {
            connection: connection.parse().unwrap(),
            agent: role == "agent",
            pid: pid.parse().unwrap(),
            killed_at,
            notes: lines.filter_map(note).collect(),
        })
    }
}

fn note(line: &str) -> Option<Note> {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |n: usize| words[n].parse::<u64>().unwrap();
    Some(match words[..] {
        ["S", _, kind, want, pid, _] => Note::Sent(Sent {
            id: number(1),
            kind: match kind {
                "many" => Kind::Many,
                "random" => Kind::Random,
                "agent" => Kind::Agent,
                "pid" => Kind::Pid(pid.parse().unwrap()),
                other => panic!("sent to {other}"),
            },
            request: want == "reply",
            at: number(5),
        }),
        ["R", ..] => Note::Receipt {
            id: number(1),
            copies: number(2),
        },
        // Of what had no id.
        ["F", "0", _] => return None,
        ["F", ..] => Note::Fault { id: number(1) },
        ["A", ..] => Note::Answer { id: number(1) },
        ["G", ..] => Note::Got {
            from: number(1),
            id: number(2),
        },
        // For people.
        ["fatal", ..] => return None,
        _ => panic!("noted {line:?}"),
    })
}
