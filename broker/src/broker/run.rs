//! What a broker's thread does from its first to its last moment.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use henhouse_proto::transport::Listener;
use tokio::runtime::LocalRuntime;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::Instant;

use super::accept::{self, Sessions};
use super::handle::{BrokerEvents, BrokerHandle, Doorstep};
use super::orders::Order;
use super::{BrokerConfig, Expected, StartError};
use crate::hub::{BrokerEvent, Hub};
use crate::limits::LAST_FRAME;
use crate::session::Shared;

/// Orders that wait for the broker's thread; whoever gives more waits.
const ORDERS_MAX: usize = 256;

/// Events that wait for whoever takes them, beside those in the hub.
const EVENTS_WAITING_MAX: usize = 256;

/// The broker's ends of what its handle holds.
pub(super) struct Parts {
    orders: mpsc::Receiver<Order>,
    doorstep: Arc<Doorstep>,
    events: mpsc::Sender<BrokerEvent>,
    ended: watch::Sender<bool>,
}

impl Parts {
    pub(super) fn new() -> (Parts, BrokerHandle, BrokerEvents) {
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        let (event, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (end, ended) = watch::channel(false);
        let doorstep = Arc::new(Doorstep::default());
        let handle = BrokerHandle {
            orders: order,
            doorstep: Arc::clone(&doorstep),
            ended,
        };
        let parts = Parts {
            orders,
            doorstep,
            events: event,
            ended: end,
        };
        (parts, handle, BrokerEvents { events })
    }
}

/// Runs a broker until it is told to stop. Says over `tell` whether it has started.
pub(super) fn run(config: BrokerConfig, parts: Parts, tell: &SyncSender<Result<(), StartError>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default());
    let runtime: LocalRuntime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started us waits for this word, and is there.
            let _ = tell.send(Err(StartError::Runtime(error)));
            return;
        }
    };
    let ended = parts.ended.clone();
    runtime.block_on(async {
        let listener = match config.endpoint.as_ref().map(Listener::bind).transpose() {
            Ok(listener) => listener.map(Rc::new),
            Err(error) => {
                let _ = tell.send(Err(error.into()));
                return;
            }
        };
        let _ = tell.send(Ok(()));
        serve(config, parts, listener).await;
    });
    // The sessions that are left end with the runtime; only then is it over.
    drop(runtime);
    ended.send_replace(true);
}

async fn serve(config: BrokerConfig, parts: Parts, listener: Option<Rc<Listener>>) {
    let Parts {
        orders,
        doorstep,
        events,
        ended: _,
    } = parts;
    let expected = Expected {
        agent: config.agent,
        workers: config.workers,
        timeout: config.expect_timeout,
    };
    let now = Instant::now().into_std();
    let seed = fastrand::u64(..);
    let hub = Hub::new(config.limits.clone(), config.admission, expected, seed, now);
    let shared = Rc::new(Shared::new(hub, config.limits));
    let sessions = Rc::new(Sessions::default());
    // These four go on until the broker ends, and end with its runtime.
    spawn_local(look(Rc::clone(&shared)));
    spawn_local(pass_events(Rc::clone(&shared), events));
    spawn_local(accept::from_within(
        doorstep,
        Rc::clone(&shared),
        Rc::clone(&sessions),
    ));
    let accepting = listener.map(|listener| {
        spawn_local(accept::over_socket(
            listener,
            Rc::clone(&shared),
            Rc::clone(&sessions),
        ))
    });
    obey(orders, &shared).await;
    // Nobody new comes in, and the socket goes: another broker may take its place.
    if let Some(accepting) = accepting {
        accepting.abort();
        let _ = accepting.await;
    }
    shared.with_hub(Hub::say_goodbye);
    let heard = async {
        while sessions.count() > 0 {
            shared.ended.notified().await;
        }
    };
    if tokio::time::timeout(LAST_FRAME, heard).await.is_err() {
        tracing::info!(
            "{} connections did not take their Goodbye in time",
            sessions.count()
        );
    }
}

/// Does what the handle asks, until it asks to stop or nobody can ask any more.
async fn obey(mut orders: mpsc::Receiver<Order>, shared: &Shared) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Admit { token, seat } => shared.with_hub(|hub, _| hub.admit(token, seat)),
            Order::Drain {
                incarnation,
                deadline,
                cause,
            } => {
                shared.with_hub(|hub, now| hub.drain(incarnation, deadline, &cause, now));
            }
            Order::Dismiss { incarnation } => {
                shared.with_hub(|hub, now| hub.dismiss(incarnation, now));
            }
            Order::ExpectAgent { expected } => {
                shared.with_hub(|hub, now| hub.expect_agent(expected, now));
            }
            Order::ExpectWorkers { count } => {
                shared.with_hub(|hub, now| hub.expect_workers(count, now));
            }
            Order::ShuttingDown => shared.with_hub(Hub::shut_down),
            Order::Report {
                operator,
                id,
                report,
            } => {
                shared.with_hub(|hub, now| hub.report(operator, id, report, now));
            }
            Order::Status { answer } => {
                // Whoever asked may have gone meanwhile.
                let _ = answer.send(shared.hub.borrow().status());
            }
            Order::Stop => return,
        }
    }
}

/// Looks at the hub whenever something is due in it.
async fn look(shared: Rc<Shared>) {
    loop {
        let next = shared.hub.borrow().next_look(Instant::now().into_std());
        shared.armed.set(next);
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => shared.with_hub(Hub::look),
            () = shared.sooner.notified() => {}
        }
    }
}

/// Hands events on, as fast as they are taken.
async fn pass_events(shared: Rc<Shared>, events: mpsc::Sender<BrokerEvent>) {
    loop {
        shared.events.notified().await;
        let taken = shared.with_hub(|hub, _| hub.take_events());
        for event in taken {
            // Where nobody listens, nothing has to be told.
            let _ = events.send(event).await;
        }
    }
}
