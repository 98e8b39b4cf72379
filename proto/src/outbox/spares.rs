//! What outboxes have no use for now, and the next one need not ask the operating system for.

use std::collections::VecDeque;

use super::Entry;
use super::segments::Chunks;

/// An outbox keeps a list of so many entries, so that a request and its answer allocate nothing.
/// A longer one goes back here when it is empty: a connection that is idle holds none.
const LIST_KEPT: usize = 16;

/// Longer lists are given back to the operating system.
const LIST_MAX: usize = 8 << 10;

/// How many lists are kept.
const LISTS_MAX: usize = 32;

/// Empty memory, shared by the outboxes of a thread.
///
/// Without it each turn of a flood that a fast receiver takes at once began with a list of sixteen
/// entries and made it grow to thousands, and half of the time went into new pages.
#[derive(Debug)]
pub struct Spares<T> {
    pub(super) chunks: Chunks,
    lists: Vec<VecDeque<Entry<T>>>,
}

impl<T> Default for Spares<T> {
    fn default() -> Spares<T> {
        Spares::new()
    }
}

impl<T> Spares<T> {
    /// None yet.
    pub fn new() -> Spares<T> {
        Spares {
            chunks: Chunks::default(),
            lists: Vec::new(),
        }
    }

    /// Makes `list` a longer one, if it is full and would have to grow.
    #[inline]
    pub(super) fn lengthen(&mut self, list: &mut VecDeque<Entry<T>>) {
        if list.len() == list.capacity() && list.len() >= LIST_KEPT {
            self.exchange(list);
        }
    }

    #[cold]
    fn exchange(&mut self, list: &mut VecDeque<Entry<T>>) {
        if let Some(at) = self
            .lists
            .iter()
            .position(|spare| spare.capacity() > list.len())
        {
            let mut longer = self.lists.swap_remove(at);
            longer.append(list);
            self.give(std::mem::replace(list, longer));
        }
    }

    /// Takes a list that is empty, if it is a long one.
    pub(super) fn take_back(&mut self, list: &mut VecDeque<Entry<T>>) {
        if list.capacity() > LIST_KEPT {
            self.give(std::mem::take(list));
        }
    }

    fn give(&mut self, list: VecDeque<Entry<T>>) {
        if (LIST_KEPT + 1..=LIST_MAX).contains(&list.capacity()) && self.lists.len() < LISTS_MAX {
            self.lists.push(list);
        }
    }
}
