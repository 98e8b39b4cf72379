//! What leaves this program: the one place where senders and the session meet.
//!
//! Senders push encoded frames into an outbox under a lock, and the session takes the whole of
//! it whenever its last write is done. So a sender that finds the session idle wakes it, and
//! one that finds it writing only adds to what the next write carries: nothing waits for a
//! timer, and a burst is one system call.

mod notes;
mod reconnect;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use henhouse_proto::frame::HeadBytes;
use henhouse_proto::outbox::{Outbox, SHARE_FROM_BYTES, Spares};
use tokio::sync::oneshot;
use tokio::task::coop::{self, RestoreOnPending};

pub(crate) use self::notes::Notes;
use crate::envelope::{Envelope, To};
use crate::fault::Closed;
use crate::held::{Held, Ticket};
use crate::identity::Identity;
use crate::limits::{OUTBOX_BYTES_MAX, TURN_BYTES};
use crate::open::{Answer, Open};

/// What a frame that waits is, so that it is known what to do with it when the connection
/// breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A message, and its id where somebody waits for word on it: sent again.
    Message(u64),
    /// What only made sense on that connection: forgotten.
    Passing,
}

/// The state that senders and the session share.
#[derive(Debug)]
pub(crate) struct Outgoing {
    state: Mutex<State>,
}

/// See [`Outgoing`].
#[derive(Debug)]
pub(crate) struct State {
    staged: Outbox<Tag>,
    /// What the session is still writing, in bytes.
    writing_bytes: usize,
    /// What senders have added since one of them last paid for it with its task's budget.
    turn_bytes: usize,
    spares: Spares<Tag>,
    head: HeadBytes,
    /// The session, where it has nothing to write.
    idle: Option<Waker>,
    /// The session, where it reads nothing unless somebody waits for it.
    not_reading: Option<Waker>,
    held: Held,
    next_id: u64,
    /// Those who wait for word on a message.
    pub(crate) open: Open,
    /// How the broker knows us.
    pub(crate) identity: Identity,
    /// What the session is to say when it next can.
    pub(crate) notes: Notes,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// No new messages; what waits still leaves.
    Closing,
    Closed(Closed),
}

/// A message that cannot be queued.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed(Closed),
    TooLarge {
        bytes: usize,
        bytes_max: usize,
    },
    TooManyOpen,
    /// The one who asked is on the far side of a connection that broke.
    AskerLost,
}

/// A message that was queued: what its sender waits for, if anything.
pub(crate) type Queued = Option<(u64, oneshot::Receiver<Answer>)>;

impl Outgoing {
    pub(crate) fn new(identity: Identity) -> Outgoing {
        Outgoing {
            state: Mutex::new(State {
                staged: Outbox::new(),
                writing_bytes: 0,
                turn_bytes: 0,
                spares: Spares::new(),
                head: HeadBytes::default(),
                idle: None,
                not_reading: None,
                held: Held::default(),
                next_id: 1,
                open: Open::default(),
                identity,
                notes: Notes::default(),
                phase: Phase::Open,
            }),
        }
    }

    /// Queues `envelope`, once there is room.
    ///
    /// # Cancel safety
    ///
    /// Nothing is queued before it is ready.
    #[inline]
    pub(crate) fn poll_queue(
        &self,
        cx: &mut Context<'_>,
        envelope: &mut Option<Envelope<'_>>,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<Queued, Refusal>> {
        let (result, session) = {
            let mut state = self.state();
            let budget = ready!(state.poll_turn(cx));
            let next = envelope.take_if(|envelope| !state.is_full_for(envelope));
            let result = match (next, &state.phase) {
                (_, Phase::Closing) => Err(Refusal::Closed(Closed::ByUs)),
                (_, Phase::Closed(why)) => Err(Refusal::Closed(why.clone())),
                (Some(envelope), Phase::Open) => state.push(envelope),
                (None, Phase::Open) => {
                    state.held.hold(ticket, cx.waker());
                    let session = state.not_reading.take();
                    drop(state);
                    session.into_iter().for_each(Waker::wake);
                    return Poll::Pending;
                }
            };
            if let Some(ticket) = ticket.take() {
                state.held.release(ticket);
            }
            if let Some(budget) = budget {
                budget.made_progress();
                state.turn_bytes = 0;
            }
            if result.is_err() {
                // A loop that is refused again and again is a loop too.
                state.turn_bytes = TURN_BYTES;
            }
            let waits = matches!(result, Ok(Some(_)));
            let session = state.idle.take();
            (
                result,
                session.or_else(|| state.not_reading.take_if(|_| waits)),
            )
        };
        if let Some(session) = session {
            session.wake();
        }
        Poll::Ready(result)
    }

    /// Gives up waiting for room.
    pub(crate) fn release(&self, ticket: Ticket) {
        self.state().held.release(ticket);
    }

    /// Changes something of the state that the session is to see.
    ///
    /// # Errors
    ///
    /// Where the messenger is closed, or closing.
    pub(crate) fn note(&self, change: impl FnOnce(&mut State)) -> Result<(), Closed> {
        let session = {
            let mut state = self.state();
            match &state.phase {
                Phase::Open => {}
                Phase::Closing => return Err(Closed::ByUs),
                Phase::Closed(why) => return Err(why.clone()),
            }
            change(&mut state);
            state.idle.take()
        };
        if let Some(session) = session {
            session.wake();
        }
        Ok(())
    }

    /// Takes no more messages; what waits leaves, and then the messenger.
    pub(crate) fn begin_close(&self) {
        let (session, held) = {
            let mut state = self.state();
            if matches!(state.phase, Phase::Open) {
                state.phase = Phase::Closing;
            }
            let session = state.idle.take().or(state.not_reading.take());
            (session, state.held.take_all())
        };
        for waker in session.into_iter().chain(held) {
            waker.wake();
        }
    }

    /// Ends everything that waits here, for that reason.
    pub(crate) fn end(&self, why: Closed) {
        let held = {
            let mut state = self.state();
            state.phase = Phase::Closed(why);
            state.staged = Outbox::new();
            state.open.lose_all_but(&HashSet::new());
            state.held.take_all()
        };
        for waker in held {
            waker.wake();
        }
    }

    /// Moves what waits into `writing`, which is empty, and gives whether there was anything;
    /// where not, the session is woken for the next.
    pub(crate) fn take(
        &self,
        cx: &mut Context<'_>,
        writing: &mut Outbox<Tag>,
        spares: &mut Spares<Tag>,
    ) -> bool {
        let mut state = self.state();
        // Both keep their memory, for the next time round.
        std::mem::swap(writing, &mut state.staged);
        // The session's have come back from the write before; the senders' are used up.
        std::mem::swap(&mut state.spares, spares);
        let closing = matches!(state.phase, Phase::Closing);
        for body in state.notes.take(closing) {
            let frame = henhouse_proto::frame::encode(body);
            writing.push_encoded(&frame, Tag::Passing, spares);
        }
        state.writing_bytes = writing.waiting_bytes();
        if writing.is_empty() {
            state.idle = Some(cx.waker().clone());
        }
        !writing.is_empty()
    }

    /// Says how much is left of what the session is writing.
    pub(crate) fn wrote(&self, writing_bytes: usize) {
        let held = {
            let mut state = self.state();
            state.writing_bytes = writing_bytes;
            // Half empty, so that senders and session take turns in bulk.
            if state.held.is_empty() || state.waiting_bytes() > OUTBOX_BYTES_MAX / 2 {
                return;
            }
            state.held.take_all()
        };
        for waker in held {
            waker.wake();
        }
    }

    /// Whether anybody waits for the broker: for word on a message, for room, or for the end.
    /// Where not, the session is woken when somebody begins to.
    pub(crate) fn somebody_waits(&self, cx: &mut Context<'_>) -> bool {
        let mut state = self.state();
        let waits = !state.open.is_empty()
            || !state.held.is_empty()
            || matches!(state.phase, Phase::Closing);
        state.not_reading = (!waits).then(|| cx.waker().clone());
        waits
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Held for the encoding of one short message, or a move of the outbox: no user code
        // runs under it, and nothing is awaited.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a sender waits for room.
    #[cfg(test)]
    pub(crate) fn somebody_is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// A loop that only sends lets the session write, on a runtime of one thread too. What is
    /// taken of the task's budget is by the bytes it adds: many short messages are one write.
    #[inline]
    fn poll_turn(&self, cx: &mut Context<'_>) -> Poll<Option<RestoreOnPending>> {
        if self.turn_bytes < TURN_BYTES {
            return Poll::Ready(None);
        }
        coop::poll_proceed(cx).map(Some)
    }

    #[inline]
    fn waiting_bytes(&self) -> usize {
        self.staged.waiting_bytes() + self.writing_bytes
    }

    /// An empty outbox takes any one message.
    #[inline]
    fn is_full_for(&self, envelope: &Envelope<'_>) -> bool {
        let waiting = self.waiting_bytes();
        waiting > 0 && waiting + envelope.data.as_slice().len() > OUTBOX_BYTES_MAX
    }

    #[inline]
    fn push(&mut self, envelope: Envelope<'_>) -> Result<Queued, Refusal> {
        let wants_reply = envelope.wanted == Some(crate::open::Wanted::Reply);
        if wants_reply && self.open.is_full() {
            return Err(Refusal::TooManyOpen);
        }
        if let To::Asker(asker) = envelope.to
            && asker.epoch != self.identity.epoch
        {
            return Err(Refusal::AskerLost);
        }
        let data_bytes = envelope.data.as_slice().len();
        let head = self.head.write(&envelope.head(self.next_id), data_bytes);
        let (bytes, bytes_max) = (head.len() + data_bytes, self.identity.frame_bytes_max);
        if bytes > bytes_max {
            return Err(Refusal::TooLarge { bytes, bytes_max });
        }
        self.turn_bytes += Outbox::<Tag>::cost(bytes);
        let (id, tag) = match (&envelope.wanted, envelope.to.is_reply()) {
            (_, true) => (0, Tag::Passing),
            (None, false) => (0, Tag::Message(0)),
            (Some(_), false) => (self.next_id, Tag::Message(self.next_id)),
        };
        let wanted = envelope.wanted;
        if data_bytes < SHARE_FROM_BYTES {
            let data = envelope.data.as_slice();
            self.staged.push(head, data, tag, &mut self.spares);
        } else {
            let data = envelope.data.into_bytes();
            self.staged.push_parts(head, data, tag, &mut self.spares);
        }
        Ok(wanted.map(|wanted| {
            self.next_id += 1;
            (id, self.open.add(id, wanted))
        }))
    }
}
