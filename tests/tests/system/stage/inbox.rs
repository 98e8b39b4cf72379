//! What came and nobody has taken yet, with a wait that fails.

use std::fmt::Debug;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// But for one that waits forty seconds nothing here takes a second. A machine that does much else may
/// take far longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Inbox<T> {
    name: &'static str,
    items: Mutex<Vec<T>>,
    came: Condvar,
}

impl<T: Debug> Inbox<T> {
    pub(crate) fn new(name: &'static str) -> Inbox<T> {
        Inbox {
            name,
            items: Mutex::default(),
            came: Condvar::new(),
        }
    }

    pub(crate) fn put(&self, item: T) {
        self.items.lock().unwrap().push(item);
        self.came.notify_all();
    }

    /// The first item that is wanted, now or when it comes. The others keep their places.
    #[track_caller]
    pub(crate) fn take(&self, what: &str, wanted: impl Fn(&T) -> bool) -> T {
        let items = self.items.lock().unwrap();
        let absent = |items: &mut Vec<T>| !items.iter().any(&wanted);
        let (mut items, late) = self
            .came
            .wait_timeout_while(items, PATIENCE, absent)
            .unwrap();
        assert!(
            !late.timed_out(),
            "{what} did not come among {}; what came: {items:#?}",
            self.name
        );
        let index = items.iter().position(wanted).unwrap();
        items.remove(index)
    }

    /// All that is wanted and has come.
    pub(crate) fn take_all(&self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.items
            .lock()
            .unwrap()
            .extract_if(.., |item| wanted(item))
            .collect()
    }

    /// Whether something that is wanted has come.
    pub(crate) fn has(&self, wanted: impl Fn(&T) -> bool) -> bool {
        self.items.lock().unwrap().iter().any(wanted)
    }
}
