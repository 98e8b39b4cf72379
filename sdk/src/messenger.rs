//! The messenger: what a program holds of the house.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::data::IntoData;
use crate::drain::Drain;
use crate::envelope::To;
use crate::fault::{Closed, Refused};
use crate::handlers;
use crate::join::Join;
use crate::listeners::{AnswerTaken, Listener, Times};
use crate::message::Message;
use crate::messages::Messages;
use crate::outcome::{BoxError, Outcome};
use crate::peers::Peers;
use crate::role::Role;
use crate::send::Send;
use crate::shared::Shared;

/// A program's end of the house: it sends messages, and hears those of others.
///
/// A clone is the same messenger. With the last of them the messenger closes, in the
/// background; [`close`](Messenger::close) waits until all that was sent has left. A handler
/// that holds a clone keeps its messenger open.
#[derive(Debug, Clone)]
pub struct Messenger {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.begin_close();
    }
}

/// Joining and leaving.
impl Messenger {
    /// Joins the house that started this process, by `HENHOUSE_SOCKET` and `HENHOUSE_TOKEN`.
    ///
    /// A process that has joined so ends with exit code 110 when it loses its master, unless it
    /// is told to [outlive](Join::outlive_broker) it.
    ///
    /// Needs a Tokio runtime with time and I/O enabled; handlers run there.
    pub fn join(role: Role) -> Join {
        Join::from_environment(role)
    }

    /// Speaks over any stream of bytes: one end of a [`tokio::io::duplex`] to a broker in this
    /// process, or to a script in a test.
    pub fn over(stream: impl AsyncRead + AsyncWrite + std::marker::Send + Unpin + 'static) -> Join {
        Join::over(stream)
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Messenger {
        Messenger {
            handle: Arc::new(Handle { shared }),
        }
    }

    /// Says that this program's listeners are set: now the messages that were held for it come,
    /// and the house counts it as started. Said once; again it does nothing.
    ///
    /// # Errors
    ///
    /// Where the messenger is closed.
    ///
    /// # Cancel safety
    ///
    /// It is said when this is first polled, and not before.
    pub async fn ready(&self) -> Result<(), Closed> {
        self.shared()
            .outgoing
            .note(|state| state.notes.ready = true)
    }

    /// Whether [`ready`](Messenger::ready) was said.
    pub fn is_ready(&self) -> bool {
        self.shared().outgoing.state().notes.ready
    }

    /// Leaves the house: what was queued leaves, Goodbye is said, and what still comes is read
    /// until the broker has said it too, all within 5 s. Then listeners get what waits for them
    /// and end.
    ///
    /// # Errors
    ///
    /// Where the connection ended otherwise, so that what was queued may not have left.
    ///
    /// # Cancel safety
    ///
    /// Closing begins when this is first polled, and goes on when it is dropped.
    pub async fn close(&self) -> Result<(), Closed> {
        self.shared().begin_close();
        match self.closed().await {
            Closed::ByUs => Ok(()),
            why => Err(why),
        }
    }

    /// Waits until the messenger is closed, and gives why. Can be asked many times, after the
    /// fact too.
    ///
    /// # Cancel safety
    ///
    /// It only looks.
    pub fn closed(&self) -> impl Future<Output = Closed> + std::marker::Send + 'static {
        let mut closed = self.shared().closed.subscribe();
        async move {
            match closed.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(why)) => why.clone(),
                // The session went without a word: its runtime is being shut down.
                _ => Closed::Lost("its task was ended".to_owned()),
            }
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

/// Hearing.
impl Messenger {
    /// Calls `handler` for each message about `action`, one after another in the order of their
    /// coming. Other listeners run meanwhile.
    ///
    /// A handler that fails or panics is logged with its action; the messenger lives on.
    pub fn on<F, Fut>(&self, action: &str, handler: F) -> Listener
    where
        F: Fn(Message) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future + std::marker::Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn(self.shared(), action, Times::Always, handler)
    }

    /// Calls `handler` for the next message about `action`, and then no more.
    pub fn once<F, Fut>(&self, action: &str, handler: F) -> Listener
    where
        F: Fn(Message) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future + std::marker::Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn(self.shared(), action, Times::Once, handler)
    }

    /// Ends a listener. What waits for it is forgotten; a handler at work finishes.
    pub fn off(&self, listener: &Listener) {
        self.shared().listeners.off(listener);
    }

    /// The messages about `action` as a stream, for code that keeps state.
    ///
    /// They come from the moment of this call, and wait until the stream is polled: one that
    /// is kept and never polled holds back everybody who sends to this program in the end.
    pub fn listen(&self, action: &str) -> Messages {
        Messages::new(self.shared().clone(), action)
    }

    /// Answers requests about `action`, one after another. A failure and a panic are answers
    /// too: the one who asked is told.
    ///
    /// # Errors
    ///
    /// Where the action has somebody who answers it.
    pub fn answer<F, Fut, T>(&self, action: &str, handler: F) -> Result<Listener, AnswerTaken>
    where
        F: Fn(Message) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future<Output = Result<T, BoxError>> + std::marker::Send + 'static,
        T: IntoData<'static>,
    {
        handlers::spawn_answerer(self.shared(), action, handler)
    }

    /// Calls `handler` for each message of ours that the broker refused, where nobody waits for
    /// word on it. One handler; a new one takes the place of the old one.
    pub fn on_refused<F, Fut>(&self, handler: F)
    where
        F: Fn(Refused) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future + std::marker::Send + 'static,
        Fut::Output: Outcome,
    {
        handlers::spawn_for_events(self.shared(), "on_refused", &self.shared().refused, handler);
    }

    /// Calls `handler` whenever a broker that this program [outlives](Join::outlive_broker) is
    /// lost. One handler; a new one takes the place of the old one.
    pub fn on_disconnect<F, Fut>(&self, handler: F)
    where
        F: Fn(Closed) -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future + std::marker::Send + 'static,
        Fut::Output: Outcome,
    {
        let events = &self.shared().disconnected;
        handlers::spawn_for_events(self.shared(), "on_disconnect", events, handler);
    }

    /// Calls `handler` whenever the broker is back. One handler; a new one takes the place of
    /// the old one.
    pub fn on_reconnect<F, Fut>(&self, handler: F)
    where
        F: Fn() -> Fut + std::marker::Send + Sync + 'static,
        Fut: Future + std::marker::Send + 'static,
        Fut::Output: Outcome,
    {
        let events = &self.shared().reconnected;
        handlers::spawn_for_events(self.shared(), "on_reconnect", events, move |()| handler());
    }
}

/// Saying.
impl Messenger {
    /// To the agent and every worker, this one too.
    pub fn broadcast<'a>(&'a self, action: &'a str, data: impl IntoData<'a>) -> Send<'a> {
        Send::new(self, To::Broadcast { others: false }, action, data)
    }

    /// To every worker, this one too where it is one.
    pub fn send_to_app<'a>(&'a self, action: &'a str, data: impl IntoData<'a>) -> Send<'a> {
        Send::new(self, To::App { others: false }, action, data)
    }

    /// To the agent.
    pub fn send_to_agent<'a>(&'a self, action: &'a str, data: impl IntoData<'a>) -> Send<'a> {
        Send::new(self, To::Agent, action, data)
    }

    /// From the agent to one worker, which the broker chooses; from a worker to the agent.
    pub fn send_random<'a>(&'a self, action: &'a str, data: impl IntoData<'a>) -> Send<'a> {
        Send::new(self, To::Random, action, data)
    }

    /// To the process with that pid.
    pub fn send_to<'a>(&'a self, pid: u32, action: &'a str, data: impl IntoData<'a>) -> Send<'a> {
        let connection = 0;
        Send::new(self, To::Process { pid, connection }, action, data)
    }
}

/// Knowing.
impl Messenger {
    /// This process's pid, as others know it.
    pub fn pid(&self) -> u32 {
        self.shared().outgoing.state().identity.pid
    }

    /// This messenger's connection: a number that no other will have.
    pub fn connection(&self) -> u64 {
        self.shared().outgoing.state().identity.connection
    }

    /// The pid of the master.
    pub fn master_pid(&self) -> u32 {
        self.shared().outgoing.state().identity.master_pid
    }

    /// A worker's slot, from 0: from the process layer, or else from what the broker last said
    /// of who is ready.
    pub fn index(&self) -> Option<u32> {
        let connection = self.connection();
        self.shared().environment.index.or_else(|| {
            let peers = self.shared().peers();
            let me = peers
                .workers
                .iter()
                .find(|peer| peer.connection == connection);
            me.map(|peer| peer.index)
        })
    }

    /// The how manieth process of its house this one is, where a process layer counts.
    pub fn incarnation(&self) -> Option<u64> {
        self.shared().environment.incarnation
    }

    /// How many reloads its house had seen when this process was started, where a process
    /// layer counts.
    pub fn generation(&self) -> Option<u64> {
        self.shared().environment.generation
    }

    /// Who is ready, as this process last heard.
    pub fn peers(&self) -> Arc<Peers> {
        self.shared().peers()
    }
}

/// Living well.
impl Messenger {
    /// A listening socket of the master's, as [`listener`](crate::listener()) gives it.
    ///
    /// # Errors
    ///
    /// Where this process inherited no socket of that name, or it was taken already.
    #[cfg(unix)]
    pub fn listener(&self, name: &str) -> Result<crate::WorkerListener, crate::ListenerError> {
        crate::listener(name)
    }

    /// Waits until this process is asked to leave. Can be asked many times, after the fact too.
    ///
    /// It is done as well when the messenger is closed: nothing more will come then, and nobody
    /// else would say it.
    ///
    /// # Cancel safety
    ///
    /// It only looks.
    pub fn draining(&self) -> impl Future<Output = Drain> + std::marker::Send + 'static {
        let mut drain = self.shared().drain.subscribe();
        async move {
            match drain.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(deadline)) => deadline.drain(),
                // The runtime is being shut down.
                _ => Drain {
                    deadline: std::time::Duration::ZERO,
                    cause: "the messenger's task was ended".to_owned(),
                },
            }
        }
    }

    /// Asks to be replaced, while this process finishes what it has.
    ///
    /// # Errors
    ///
    /// Where the messenger is closed.
    ///
    /// # Cancel safety
    ///
    /// It is said when this is first polled, and not before.
    pub async fn failing(&self, reason: impl Into<String>) -> Result<(), Closed> {
        let reason = reason.into();
        self.shared()
            .outgoing
            .note(|state| state.notes.failing = Some(reason))
    }

    /// Says [`failing`](Messenger::failing) whenever a thread or a task of this process panics,
    /// from now on and behind the hook there was. A handler's panic does not count: it is
    /// caught.
    pub fn panic_hook(&self) {
        crate::panic::install(self);
    }

    /// Tells the house's watchdog that this program's event loop turns, and how many requests
    /// it has at work. To be called now and then; it costs nothing where nobody watches.
    pub fn beat(&self, active: u32) {
        // A messenger that is closed is watched no more.
        let _ = self
            .shared()
            .outgoing
            .note(|state| state.notes.beat = Some(active));
    }
}
