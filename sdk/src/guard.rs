//! The fence around a user's handler: what panics inside is an outcome outside.

use std::any::Any;
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `future`; where it panics, gives what the panic said.
pub(crate) async fn guarded<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let outer = GUARDED.replace(true);
        // The future is not polled again after a panic, so nobody sees it half changed.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        GUARDED.set(outer);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
    })
    .await
}

/// Whether this thread runs a guarded future now.
pub(crate) fn is_guarded() -> bool {
    GUARDED.get()
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without words".to_owned()
    }
}
