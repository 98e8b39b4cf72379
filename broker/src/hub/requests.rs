//! Which requests are open, who was asked, and until when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

/// A request's name: the connection of the one that asked, and its id there.
pub(super) type RequestName = (u64, u64);

#[derive(Debug, Clone, Copy)]
struct Request {
    /// The connection that was asked; 0 while the request waits for somebody to ask.
    asked: u64,
    /// Of the message that asks: an id may come again once its request has ended, while the
    /// first message still waits.
    sequence: u64,
    deadline: Instant,
}

/// What a reply is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It ends the request and is to be passed on.
    Passes,
    /// Another process was asked.
    NotAsked,
    /// No such request is open: it is too late, or there never was one.
    Late,
}

/// All open requests. Plain data.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<RequestName, Request>,
    by_asked: BTreeSet<(u64, RequestName)>,
    by_deadline: BTreeSet<(Instant, RequestName)>,
    by_asker: HashMap<u64, usize>,
}

impl Requests {
    /// How many requests `asker` has open.
    pub(super) fn count(&self, asker: u64) -> usize {
        self.by_asker.get(&asker).copied().unwrap_or(0)
    }

    /// Whether that one is open.
    pub(super) fn is_open(&self, name: RequestName) -> bool {
        self.open.contains_key(&name)
    }

    /// Opens a request that nobody has been asked yet.
    pub(super) fn open(&mut self, name: RequestName, sequence: u64, deadline: Instant) {
        let request = Request {
            asked: 0,
            sequence,
            deadline,
        };
        self.open.insert(name, request);
        self.by_deadline.insert((deadline, name));
        *self.by_asker.entry(name.0).or_default() += 1;
    }

    /// The request of that message, if it is one and has not ended, is now with `asked`; 0 for
    /// nobody.
    pub(super) fn ask(&mut self, name: RequestName, sequence: u64, asked: u64) {
        if let Some(request) = self.open.get_mut(&name)
            && request.sequence == sequence
        {
            self.by_asked.remove(&(request.asked, name));
            request.asked = asked;
            if asked != 0 {
                self.by_asked.insert((asked, name));
            }
        }
    }

    /// `replier` replies. Where the reply passes, the request is not open any more.
    pub(super) fn reply(&mut self, name: RequestName, replier: u64) -> Verdict {
        match self.open.get(&name) {
            Some(request) if request.asked == replier => {
                self.close(name);
                Verdict::Passes
            }
            Some(_) => Verdict::NotAsked,
            None => Verdict::Late,
        }
    }

    /// Closes the request of that message. `false` where it has ended before.
    pub(super) fn end(&mut self, name: RequestName, sequence: u64) -> bool {
        self.open
            .get(&name)
            .is_some_and(|request| request.sequence == sequence)
            && self.close(name)
    }

    /// Closes a request. `false` where it was not open.
    fn close(&mut self, name: RequestName) -> bool {
        let Some(request) = self.open.remove(&name) else {
            return false;
        };
        self.by_asked.remove(&(request.asked, name));
        self.by_deadline.remove(&(request.deadline, name));
        if let Some(count) = self.by_asker.get_mut(&name.0) {
            *count -= 1;
            if *count == 0 {
                self.by_asker.remove(&name.0);
            }
        }
        true
    }

    /// Closes all that `asker` had open: it is not there any more.
    pub(super) fn close_all_of(&mut self, asker: u64) {
        let names: Vec<RequestName> = self
            .open
            .range((asker, 0)..=(asker, u64::MAX))
            .map(|(name, _)| *name)
            .collect();
        for name in names {
            self.close(name);
        }
    }

    /// Closes all that `asked` was asked, and names them.
    pub(super) fn close_all_asked_of(&mut self, asked: u64) -> Vec<RequestName> {
        let all = (asked, (0, 0))..=(asked, (u64::MAX, u64::MAX));
        let names: Vec<RequestName> = self.by_asked.range(all).map(|(_, name)| *name).collect();
        for name in &names {
            self.close(*name);
        }
        names
    }

    /// Closes the one that is longest past its deadline, and names it.
    pub(super) fn expired(&mut self, now: Instant) -> Option<RequestName> {
        let (deadline, name) = *self.by_deadline.first()?;
        (deadline <= now).then(|| {
            self.close(name);
            name
        })
    }

    /// When the next one expires.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// How many are open altogether.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_the_one_that_was_asked_replies_and_only_once() {
        let mut requests = Requests::default();
        requests.open((1, 7), 1, Instant::now());
        requests.ask((1, 7), 1, 2);
        assert_eq!(requests.reply((1, 7), 3), Verdict::NotAsked);
        assert_eq!(requests.reply((1, 7), 2), Verdict::Passes);
        assert_eq!(requests.reply((1, 7), 2), Verdict::Late);
    }

    #[test]
    fn a_request_that_was_sent_again_is_with_the_second_receiver() {
        let mut requests = Requests::default();
        requests.open((1, 7), 1, Instant::now());
        requests.ask((1, 7), 1, 2);
        requests.ask((1, 7), 1, 3);
        assert!(requests.close_all_asked_of(2).is_empty());
        assert_eq!(requests.close_all_asked_of(3), [(1, 7)]);
        assert_eq!((requests.len(), requests.next_deadline()), (0, None));
    }

    #[test]
    fn an_old_message_is_not_taken_for_a_new_request_with_its_id() {
        let mut requests = Requests::default();
        requests.open((1, 7), 5, Instant::now());
        requests.ask((1, 7), 5, 2);
        requests.ask((1, 7), 4, 3);
        assert!(!requests.end((1, 7), 4));
        assert_eq!(requests.reply((1, 7), 2), Verdict::Passes);
    }

    #[test]
    fn requests_expire_in_the_order_of_their_deadlines() {
        let now = Instant::now();
        let mut requests = Requests::default();
        requests.open((1, 1), 1, now + Duration::from_secs(2));
        requests.open((1, 2), 2, now + Duration::from_secs(1));
        assert_eq!(requests.expired(now), None);
        assert_eq!(requests.next_deadline(), Some(now + Duration::from_secs(1)));
        assert_eq!(requests.expired(now + Duration::from_secs(5)), Some((1, 2)));
        requests.close_all_of(1);
        assert_eq!(requests.expired(now + Duration::from_secs(5)), None);
    }
}
