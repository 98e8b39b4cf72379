//! What is done with the frames from the broker.

use std::sync::MutexGuard;
use std::task::Waker;
use std::time::Duration;

use henhouse_proto::frame::{self, Arrived};
use henhouse_proto::outbox::{Outbox, Spares};
use henhouse_proto::reader::Frame;
use henhouse_proto::wire::{self, Route, frame::Body};

use crate::drain::Deadline;
use crate::fault::{Closed, Refused};
use crate::listeners::Table;
use crate::message::Message;
use crate::open::Answer;
use crate::outgoing::Tag;
use crate::peers::Peers;
use crate::request::NO_HANDLER;
use crate::shared::Shared;

/// Hands the frames of one batch to whom they are for.
///
/// What the session itself has to say goes straight into what it is writing: a pong, or that
/// nobody answers a request. It needs no bound of its own, since the broker bounds what it asks.
pub(super) struct Dispatch<'a> {
    shared: &'a Shared,
    writing: &'a mut Outbox<Tag>,
    spares: &'a mut Spares<Tag>,
    /// Locked once for the whole batch, and woken by it only when it is free again.
    table: Option<MutexGuard<'a, Table>>,
    wakers: Vec<Waker>,
    epoch: u64,
}

impl<'a> Dispatch<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        writing: &'a mut Outbox<Tag>,
        spares: &'a mut Spares<Tag>,
    ) -> Dispatch<'a> {
        Dispatch {
            epoch: shared.outgoing.state().identity.epoch,
            shared,
            writing,
            spares,
            table: None,
            wakers: Vec::new(),
        }
    }

    /// Handles one frame. The error is the end of the connection.
    pub(super) fn frame(&mut self, frame: Frame<'_>) -> Result<(), Closed> {
        match frame::arrived(&frame).map_err(invalid)? {
            Some(arrived) if arrived.route == Route::Reply => {
                self.end_run();
                self.reply(&arrived, &frame);
            }
            Some(arrived) => self.message(&arrived, &frame),
            None => {
                self.end_run();
                let frame = frame::decode(frame.into_bytes());
                let frame = frame.map_err(invalid)?;
                return frame.body.map_or(Ok(()), |body| self.control(body));
            }
        }
        Ok(())
    }

    /// Ends the batch: who got something is woken.
    pub(super) fn finish(mut self) {
        self.end_run();
        drop(self.table.take());
        self.wakers.into_iter().for_each(Waker::wake);
    }

    /// Whoever hears of something later finds all messages in their queues that came before it.
    fn end_run(&mut self) {
        if let Some(table) = &mut self.table {
            table.end_run(&mut self.wakers);
        }
    }

    fn message(&mut self, arrived: &Arrived<'_>, frame: &Frame<'_>) {
        if arrived.action == "egg-pids" {
            note_peers(self.shared, arrived);
        }
        let shared = self.shared;
        let table = self.table.get_or_insert_with(|| shared.listeners.table());
        let delivered = table.deliver(arrived, frame, self.epoch, &mut self.wakers);
        if delivered.is_err() {
            self.say(Body::Message(wire::Message {
                route: Route::Reply.into(),
                connection: arrived.sender.connection,
                in_reply_to: arrived.id,
                error: NO_HANDLER.to_owned(),
                ..Default::default()
            }));
        }
    }

    fn reply(&mut self, arrived: &Arrived<'_>, frame: &Frame<'_>) {
        let reply = if arrived.error.is_empty() {
            let data = frame.part(arrived.data);
            Ok(Message::new(
                arrived,
                arrived.action.into(),
                data,
                self.epoch,
            ))
        } else {
            Err(arrived.error.to_owned())
        };
        self.tell(arrived.in_reply_to, Answer::Reply(reply));
    }

    fn control(&mut self, body: Body) -> Result<(), Closed> {
        match body {
            Body::Receipt(receipt) => {
                let (queued, held) = (receipt.queued, receipt.held);
                self.tell(receipt.id, Answer::Receipt { queued, held });
            }
            Body::Fault(fault) if fault.fatal => {
                return Err(Closed::Refused(Refused::from_wire(fault)));
            }
            Body::Fault(fault) => self.refused(fault),
            Body::Drain(drain) => {
                tracing::info!(cause = drain.cause, "asked to drain");
                let deadline = Duration::from_millis(drain.deadline_ms.into());
                let deadline = Deadline::after(deadline, drain.cause);
                self.shared.drain.send_replace(Some(deadline));
            }
            Body::Ping(ping) => self.say(Body::Pong(wire::Pong { nonce: ping.nonce })),
            Body::Goodbye(_) => return Err(Closed::ByBroker),
            // Messages have been handled; the rest is not for a process, or of no interest.
            Body::Message(_)
            | Body::Hello(_)
            | Body::Welcome(_)
            | Body::Ready(_)
            | Body::Failing(_)
            | Body::Pong(_)
            | Body::Command(_)
            | Body::Report(_)
            | Body::Beat(_) => {}
        }
        Ok(())
    }

    /// Tells the one who waits for word on message `id`, where somebody does.
    fn tell(&mut self, id: u64, answer: Answer) {
        let waiting = self.shared.outgoing.state().open.take(id);
        match waiting {
            // One who has stopped waiting this very moment need not hear it.
            Some(waiting) => drop(waiting.send(answer)),
            None => tracing::debug!(id, ?answer, "nobody waits for this any more"),
        }
    }

    fn refused(&mut self, fault: wire::Fault) {
        let id = fault.id;
        let refused = Refused::from_wire(fault);
        let waiting = self.shared.outgoing.state().open.take(id);
        match waiting {
            Some(waiting) => drop(waiting.send(Answer::Refused(refused))),
            None => {
                tracing::warn!(id, "{refused}");
                self.shared.refused.push(refused);
            }
        }
    }

    fn say(&mut self, body: Body) {
        self.writing
            .push_encoded(&frame::encode(body), Tag::Passing, self.spares);
    }
}

fn note_peers(shared: &Shared, arrived: &Arrived<'_>) {
    match prost::Message::decode(arrived.data) {
        Ok(pids) => shared.set_peers(Peers::from_wire(pids)),
        Err(error) => tracing::warn!("cannot read egg-pids: {error}"),
    }
}

/// The end of a connection whose broker says what no broker says.
pub(super) fn invalid(error: impl std::error::Error) -> Closed {
    Closed::Lost(format!("it does not speak as a broker does: {error}"))
}
