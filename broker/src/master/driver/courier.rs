//! Takes the driver's orders to the broker and the spawner, one after the other.
//!
//! One queue for both, because their order matters: a token must be admitted before the process
//! that carries it starts, and a signal must not overtake the start of its process.

use std::time::Duration;

use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use crate::{
    broker::{BrokerHandle, Report, Seat},
    master::os::{Launch, Request},
};

/// Room for every order that the most processes can cause at once, several times over.
const ORDERS_MAX: usize = 16_384;

/// Lines for followers are left out when the queue is fuller than this: the orders matter more.
const LINES_ROOM_MIN: usize = ORDERS_MAX / 2;

/// For the last answers to reach the broker.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// Something that takes time.
#[derive(Debug)]
pub(super) enum Order {
    Spawn {
        seat: Seat,
        launch: Box<Launch>,
    },
    Drain {
        incarnation: u64,
        within: Duration,
        cause: String,
    },
    Terminate {
        incarnation: u64,
    },
    Kill {
        incarnation: u64,
    },
    Dismiss {
        incarnation: u64,
    },
    Expect {
        workers: u32,
    },
    ExpectAgent {
        expected: bool,
    },
    ShuttingDown,
    Reap,
    Report {
        operator: u64,
        id: u64,
        report: Report,
    },
}

/// An answer, or a piece of one.
pub(super) fn report(operator: u64, id: u64, report: Report) -> Order {
    Order::Report {
        operator,
        id,
        report,
    }
}

/// The way to the task that delivers.
#[derive(Debug)]
pub(super) struct Courier {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Courier {
    pub(super) fn start(broker: BrokerHandle, spawner: mpsc::Sender<Request>) -> Self {
        let (orders, mut inbox) = mpsc::channel(ORDERS_MAX);
        let task = tokio::spawn(async move {
            while let Some(order) = inbox.recv().await {
                deliver(order, &broker, &spawner).await;
            }
        });
        Self { orders, task }
    }

    pub(super) fn send(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::error!("the broker or the spawner does not take orders any more");
        }
    }

    /// As [`Self::send`], for what may be left out.
    pub(super) fn send_if_room(&self, order: Order) {
        if self.orders.capacity() > LINES_ROOM_MIN {
            self.send(order);
        }
    }

    /// A storm of SIGCHLD needs no more than one look after it.
    pub(super) fn reap(&self) {
        self.send_if_room(Order::Reap);
    }

    /// A way for a task of its own to send an order when it has what it needs.
    pub(super) fn sender(&self) -> mpsc::Sender<Order> {
        self.orders.clone()
    }

    /// Delivers what is left.
    pub(super) async fn finish(self) {
        drop(self.orders);
        if timeout(FINISH_MAX, self.task).await.is_err() {
            tracing::warn!("some answers were not delivered");
        }
    }
}

async fn deliver(order: Order, broker: &BrokerHandle, spawner: &mpsc::Sender<Request>) {
    let request = match order {
        Order::Spawn { seat, mut launch } => {
            let incarnation = seat.incarnation;
            match token() {
                Ok(token) => {
                    launch.told.push(("HENHOUSE_TOKEN", token.clone()));
                    broker.admit(token, seat).await;
                }
                // It will be turned away and say so, and be tried again as any bad start is.
                Err(error) => tracing::error!("no random numbers for a token: {error}"),
            }
            Request::Spawn {
                incarnation,
                launch,
            }
        }
        Order::Terminate { incarnation } => Request::Terminate { incarnation },
        Order::Kill { incarnation } => Request::Kill { incarnation },
        Order::Reap => Request::Reap,
        Order::Drain {
            incarnation,
            within,
            cause,
        } => return broker.drain(incarnation, within, cause).await,
        Order::Dismiss { incarnation } => return broker.dismiss(incarnation).await,
        Order::Expect { workers } => return broker.expect_workers(workers).await,
        Order::ExpectAgent { expected } => return broker.expect_agent(expected).await,
        Order::ShuttingDown => return broker.shutting_down().await,
        Order::Report {
            operator,
            id,
            report,
        } => return broker.report(operator, id, report).await,
    };
    // The spawner ends after the driver, so it is there.
    let _ = spawner.send(request).await;
}

/// 128 bits that nobody can guess.
///
/// # Errors
///
/// Where the system has no such source.
fn token() -> Result<String, getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(bits.iter().map(|byte| format!("{byte:02x}")).collect())
}
