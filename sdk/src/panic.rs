//! The opt-in panic hook.

use std::sync::Arc;

use crate::guard::{is_guarded, panic_text};
use crate::messenger::Messenger;
use crate::shared::Shared;

/// Says `Failing` for every panic that no guard catches, and does what was done before.
pub(crate) fn install(messenger: &Messenger) {
    // Weak, since the hook stays for ever and would keep the messenger's memory.
    let shared = Arc::downgrade(messenger.shared());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        if is_guarded() {
            return;
        }
        if let Some(shared) = shared.upgrade() {
            let text = panic_text(info.payload());
            let reason = match info.location() {
                Some(location) => format!("panicked at {location}: {text}"),
                None => format!("panicked: {text}"),
            };
            say(&shared, reason);
        }
    }));
}

fn say(shared: &Shared, reason: String) {
    // A program that leaves already need not be replaced again.
    let _ = shared
        .outgoing
        .note(|state| state.notes.failing = Some(reason));
}
