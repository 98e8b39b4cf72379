//! What each message is owed, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use henhouse_proto::wire::{Code, Want};

/// Who may receive one copy of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    /// That connection and no other.
    Connection(u64),
    /// Whoever is the agent when its turn comes.
    Agent,
    /// Any one worker.
    AnyWorker,
    /// A worker in that slot.
    Slot(u32),
}

/// One message that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) from: u64,
    pub(super) id: u64,
    pub(super) want: Want,
    /// Empty for a reply: whoever asked is owed an end to its request, not this message.
    pub(super) owed: Vec<Owed>,
    /// The request that it replies to: whose, and which.
    pub(super) answers: Option<(u64, u64)>,
    /// Receivers that had left when it was sent, and so may have handed on older ones.
    pub(super) departures: usize,
    pub(super) received_by: BTreeSet<u64>,
}

/// What a sender heard of an id.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) receipts: Vec<u32>,
    pub(super) faults: Vec<Code>,
    pub(super) replies: usize,
}

/// Everything that was sent and heard.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) sent: Vec<Sent>,
    /// By connection and id.
    pub(super) heard: BTreeMap<(u64, u64), Heard>,
    /// By sender and receiver: the message received last.
    last: BTreeMap<(u64, u64), usize>,
}

/// Who receives, as far as a message cares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receiver {
    pub(super) connection: u64,
    pub(super) agent: bool,
    pub(super) worker: bool,
    pub(super) index: u32,
}

impl Ledger {
    /// `receiver` has wholly received message `number`.
    pub(super) fn received(&mut self, number: usize, receiver: Receiver, departures: usize) {
        let to = receiver.connection;
        let sent = &mut self.sent[number];
        assert!(sent.received_by.insert(to), "{number} came twice to {to}");
        if let Some((asker, id)) = sent.answers {
            assert_eq!(asker, to, "a reply came to one that did not ask");
            self.heard.entry((asker, id)).or_default().replies += 1;
            // A reply goes before what is held for one that is not ready.
            return;
        }
        let fits = |owed: &&Owed| match owed {
            Owed::Connection(connection) => *connection == to,
            Owed::Agent => receiver.agent,
            Owed::AnyWorker => receiver.worker,
            Owed::Slot(index) => receiver.worker && receiver.index == *index,
        };
        assert!(
            sent.owed.iter().any(|owed| fits(&owed)),
            "{sent:?} came to {receiver:?}"
        );
        assert!(
            sent.received_by.len() <= sent.owed.len(),
            "{sent:?} came to too many"
        );
        let again = sent.departures != departures;
        let last = self.last.entry((sent.from, to)).or_insert(number);
        assert!(
            *last <= number || again,
            "{number} came to {to} behind {last}"
        );
        *last = number.max(*last);
    }

    /// Every message of `sender`, who is there to the end, is accounted for.
    pub(super) fn check_sender(&self, sender: u64) {
        let nothing = Heard::default();
        let mut without_id = 0;
        for (number, sent) in self
            .sent
            .iter()
            .enumerate()
            .filter(|(_, s)| s.from == sender)
        {
            let received = sent.received_by.len();
            if sent.id == 0 {
                without_id += sent.owed.len().max(received) - received;
                continue;
            }
            let heard = self.heard.get(&(sender, sent.id)).unwrap_or(&nothing);
            let faults = heard.faults.len();
            match sent.want {
                Want::Reply => {
                    assert_eq!(heard.replies + faults, 1, "{number}: {sent:?}: {heard:?}");
                }
                Want::Receipt | Want::Unspecified => {
                    assert_eq!(heard.replies, 0);
                    assert_eq!(
                        received + faults,
                        sent.owed.len(),
                        "{number}: {sent:?}: {heard:?}"
                    );
                }
            }
            if sent.want == Want::Receipt {
                let owed = sent.owed.len();
                assert!(heard.receipts.len() <= 1, "{number}: {heard:?}");
                assert!(
                    heard.receipts.len() + faults > 0,
                    "{number}: {sent:?} was not answered"
                );
                assert!(heard.receipts.iter().all(|count| *count as usize == owed));
            }
        }
        let heard = self.heard.get(&(sender, 0)).unwrap_or(&nothing);
        assert_eq!(
            heard.faults.len(),
            without_id,
            "of messages of {sender} without an id"
        );
    }
}
