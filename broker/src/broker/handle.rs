//! What whoever started a broker holds of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::orders::Order;
use crate::hub::{BrokerEvent, BrokerStatus, Report, Seat};

/// How many bytes a stream within the process holds each way, as a socket would.
const STREAM_BYTES: usize = 64 << 10;

/// A running broker. Clones are the same broker; when the last one is dropped, the broker
/// stops.
#[derive(Debug, Clone)]
pub struct BrokerHandle {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) doorstep: Arc<Doorstep>,
    pub(super) ended: watch::Receiver<bool>,
}

/// Streams within the process that the broker has not taken in yet.
#[derive(Debug, Default)]
pub(super) struct Doorstep {
    /// Locked for a push or a pop, and never across an await. As long as the program makes it:
    /// only the program that embeds the broker puts anything here.
    waiting: Mutex<VecDeque<DuplexStream>>,
    rung: Notify,
}

impl Doorstep {
    fn put(&self, stream: DuplexStream) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(stream);
        self.rung.notify_one();
    }

    /// The next stream.
    ///
    /// # Cancel safety
    ///
    /// No stream is lost.
    pub(super) async fn next(&self) -> DuplexStream {
        loop {
            let next = self
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            match next {
                Some(stream) => return stream,
                None => self.rung.notified().await,
            }
        }
    }
}

/// Orders are cancel safe: one that is dropped before it is done was not given. Once the broker
/// has stopped they do nothing.
impl BrokerHandle {
    /// A stream that is connected to the broker: a member within this process. Where the broker
    /// has stopped, the stream ends at once.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
        if !*self.ended.borrow() {
            self.doorstep.put(theirs);
        }
        ours
    }

    /// From now on `token` opens `seat`, for the first process that shows it. To be called
    /// before that process is started.
    pub async fn admit(&self, token: String, seat: Seat) {
        self.order(Order::Admit { token, seat }).await;
    }

    /// A process is to take nothing new, finish, and leave within `deadline`. It is told so, and
    /// only what is meant for it alone is passed to it from now on. One that has not joined yet
    /// may not any more.
    pub async fn drain(&self, incarnation: u64, deadline: Duration, cause: String) {
        self.order(Order::Drain {
            incarnation,
            deadline,
            cause,
        })
        .await;
    }

    /// A process is dead: its token opens nothing any more, what it said before is read and
    /// passed on, and what waited for it goes elsewhere.
    pub async fn dismiss(&self, incarnation: u64) {
        self.order(Order::Dismiss { incarnation }).await;
    }

    /// An agent is expected from now on, so that what is for it waits while there is none; or none
    /// is, and that is refused.
    pub async fn expect_agent(&self, expected: bool) {
        self.order(Order::ExpectAgent { expected }).await;
    }

    /// Another number of workers is expected before the first `egg-ready`.
    pub async fn expect_workers(&self, count: u32) {
        self.order(Order::ExpectWorkers { count }).await;
    }

    /// The end has begun: nobody new comes in, and what finds no agent any more is refused as
    /// such.
    pub async fn shutting_down(&self) {
        self.order(Order::ShuttingDown).await;
    }

    /// Answers the command that an operator numbered `id`.
    pub async fn report(&self, operator: u64, id: u64, report: Report) {
        self.order(Order::Report {
            operator,
            id,
            report,
        })
        .await;
    }

    /// What the broker knows of itself; `None` where it has stopped.
    pub async fn status(&self) -> Option<BrokerStatus> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Status { answer }).await;
        answered.await.ok()
    }

    /// Says Goodbye to all, waits at most 2 s until they have heard it, removes the socket and
    /// ends. Returns when that is done.
    pub async fn stop(&self) {
        self.order(Order::Stop).await;
        self.wait().await;
    }

    /// Waits until the broker has ended.
    pub async fn wait(&self) {
        // An error means that the broker's thread is gone without a word, which is an end too.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    async fn order(&self, order: Order) {
        // An error means that the broker has stopped.
        let _ = self.orders.send(order).await;
    }
}

/// What happens to the processes of a broker, in order. Where nobody takes events any more,
/// they are dropped; where they are only taken slowly, the broker in the end reads nothing
/// more from the processes that make them.
#[derive(Debug)]
pub struct BrokerEvents {
    pub(super) events: mpsc::Receiver<BrokerEvent>,
}

impl BrokerEvents {
    /// The next event; `None` when the broker has ended.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn next(&mut self) -> Option<BrokerEvent> {
        self.events.recv().await
    }

    /// The next event, if one waits: for the process layer.
    #[cfg(unix)]
    pub(crate) fn waiting(&mut self) -> Option<BrokerEvent> {
        self.events.try_recv().ok()
    }
}
