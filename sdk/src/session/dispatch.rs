//! What is done with a batch of frames from the broker.

use std::task::Waker;
use std::time::Duration;

use henhouse_proto::frame;
use henhouse_proto::outbox::{Outbox, Spares};
use henhouse_proto::wire::{self, Route, frame::Body};

use crate::drain::Deadline;
use crate::envelope::Asker;
use crate::fault::{Closed, Refused};
use crate::message::Message;
use crate::open::Answer;
use crate::outgoing::Tag;
use crate::peers::Peers;
use crate::request::NO_HANDLER;
use crate::shared::Shared;

/// Hands each frame of `batch` to whom it is for. What the session itself has to say goes
/// straight into `writing`: a pong, or that nobody answers a request. It needs no bound of its
/// own, since the broker bounds what it asks.
///
/// The error is the end of the connection.
pub(super) fn dispatch(
    shared: &Shared,
    batch: &mut Vec<wire::Frame>,
    writing: &mut Outbox<Tag>,
    spares: &mut Spares,
) -> Result<(), Closed> {
    let mut wakers = Vec::new();
    let mut end = Ok(());
    let epoch = shared.outgoing.state().identity.epoch;
    let mut say = |body| {
        writing.push_encoded(&frame::encode(body), Tag::Passing, spares);
    };
    let mut table = None;
    for frame in batch.drain(..) {
        let Some(body) = frame.body else { continue };
        match body {
            Body::Message(content) => {
                let (route, in_reply_to) = (content.route(), content.in_reply_to);
                let message = Message::new(content, frame.sender.unwrap_or_default(), epoch);
                if route == Route::Reply {
                    tell(shared, in_reply_to, Answer::Reply(message));
                    continue;
                }
                note_peers(shared, &message);
                let asker = Asker::of(&message);
                let table = table.get_or_insert_with(|| shared.listeners.table());
                if table.deliver(message, &mut wakers).is_err() {
                    say(no_handler(asker));
                }
            }
            Body::Receipt(receipt) => {
                let (queued, held) = (receipt.queued, receipt.held);
                tell(shared, receipt.id, Answer::Receipt { queued, held });
            }
            Body::Fault(fault) if fault.fatal => {
                end = Err(Closed::Refused(Refused::from_wire(fault)));
            }
            Body::Fault(fault) => refused(shared, fault),
            Body::Drain(drain) => {
                tracing::info!(cause = drain.cause, "asked to drain");
                let deadline = Duration::from_millis(drain.deadline_ms.into());
                let deadline = Deadline::after(deadline, drain.cause);
                shared.drain.send_replace(Some(deadline));
            }
            Body::Ping(ping) => say(Body::Pong(wire::Pong { nonce: ping.nonce })),
            Body::Goodbye(_) => end = Err(Closed::ByBroker),
            // Not for a process, or of no interest to one.
            Body::Hello(_)
            | Body::Welcome(_)
            | Body::Ready(_)
            | Body::Failing(_)
            | Body::Pong(_)
            | Body::Command(_)
            | Body::Report(_)
            | Body::Beat(_) => {}
        }
    }
    drop(table);
    wakers.into_iter().for_each(Waker::wake);
    end
}

/// Tells the one who waits for word on message `id`, where somebody does.
fn tell(shared: &Shared, id: u64, answer: Answer) {
    let waiting = shared.outgoing.state().open.take(id);
    match waiting {
        // One who has stopped waiting this very moment need not hear it.
        Some(waiting) => drop(waiting.send(answer)),
        None => tracing::debug!(id, ?answer, "nobody waits for this any more"),
    }
}

fn refused(shared: &Shared, fault: wire::Fault) {
    let id = fault.id;
    let refused = Refused::from_wire(fault);
    let waiting = shared.outgoing.state().open.take(id);
    match waiting {
        Some(waiting) => drop(waiting.send(Answer::Refused(refused))),
        None => {
            tracing::warn!(id, "{refused}");
            shared.refused.push(refused);
        }
    }
}

fn note_peers(shared: &Shared, message: &Message) {
    if message.action() == "egg-pids" {
        match prost::Message::decode(message.data().clone()) {
            Ok(pids) => shared.set_peers(Peers::from_wire(pids)),
            Err(error) => tracing::warn!("cannot read egg-pids: {error}"),
        }
    }
}

fn no_handler(asker: Asker) -> Body {
    Body::Message(wire::Message {
        route: Route::Reply.into(),
        connection: asker.connection,
        in_reply_to: asker.in_reply_to,
        error: NO_HANDLER.to_owned(),
        ..Default::default()
    })
}
