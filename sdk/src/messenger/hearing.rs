//! How a program hears what others say.

use crate::data::IntoData;
use crate::fault::{Closed, Refused};
use crate::handlers;
use crate::listeners::{AnswerTaken, Listener, Times};
use crate::message::Message;
use crate::messages::Messages;
use crate::messenger::Messenger;
use crate::outcome::{BoxError, Outcome};

/// Hearing.
impl Messenger {
    /// Calls `handler` for each message about `action`, one after another in the order of their
    /// coming. Other listeners run meanwhile.
    ///
    /// A handler that fails or panics is logged with its action; the messenger lives on.
    pub fn on<F, Fut>(&self, action: &str, handler: F) -> Listener
    where
        F: Fn(Message) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn(self.shared(), action, Times::Always, handler)
    }

    /// Calls `handler` for the next message about `action`, and then no more.
    pub fn once<F, Fut>(&self, action: &str, handler: F) -> Listener
    where
        F: Fn(Message) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn(self.shared(), action, Times::Once, handler)
    }

    /// Ends a listener. What waits for it is forgotten; a handler at work finishes.
    pub fn off(&self, listener: Listener) {
        self.shared().listeners.off(&listener);
    }

    /// The messages about `action` as a stream, for code that keeps state.
    ///
    /// They come from the moment of this call, and wait until the stream is polled: one that
    /// is kept and never polled holds back everybody who sends to this program in the end.
    pub fn listen(&self, action: &str) -> Messages {
        Messages::new(self.shared().clone(), action)
    }

    /// Answers requests about `action`, one after another in the order of their coming. A
    /// failure and a panic are answers too: the one who asked is told.
    ///
    /// # Errors
    ///
    /// Where the action has somebody who answers it.
    pub fn answer<F, Fut, T>(&self, action: &str, handler: F) -> Result<Listener, AnswerTaken>
    where
        F: Fn(Message) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
        T: IntoData<'static>,
    {
        handlers::spawn_answerer(self.shared(), action, handler)
    }

    /// As [`answer`](Messenger::answer), with up to `at_once_max` requests at work at a time:
    /// one that waits for something holds up no other.
    ///
    /// # Errors
    ///
    /// Where the action has somebody who answers it.
    pub fn answer_at_once<F, Fut, T>(
        &self,
        action: &str,
        at_once_max: usize,
        handler: F,
    ) -> Result<Listener, AnswerTaken>
    where
        F: Fn(Message) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
        T: IntoData<'static> + 'static,
    {
        handlers::spawn_answerers(self.shared(), action, at_once_max, handler)
    }

    /// Calls `handler` for each message of ours that the broker refused, where nobody waits for
    /// word on it. One handler; a new one takes the place of the old one.
    pub fn on_refused<F, Fut>(&self, handler: F)
    where
        F: Fn(Refused) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn_for_events(self.shared(), "on_refused", &self.shared().refused, handler);
    }

    /// Calls `handler` whenever a broker is lost that this program
    /// [outlives](crate::Join::outlive_broker). One handler; a new one takes the place of the
    /// old one.
    pub fn on_disconnect<F, Fut>(&self, handler: F)
    where
        F: Fn(Closed) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome,
    {
        let events = &self.shared().disconnected;
        handlers::spawn_for_events(self.shared(), "on_disconnect", events, handler);
    }

    /// Calls `handler` whenever the broker is back. One handler; a new one takes the place of
    /// the old one.
    pub fn on_reconnect<F, Fut>(&self, handler: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome,
    {
        let events = &self.shared().reconnected;
        handlers::spawn_for_events(self.shared(), "on_reconnect", events, move |()| handler());
    }
}
