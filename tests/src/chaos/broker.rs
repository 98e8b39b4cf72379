//! A broker that answers each line that it is told with what it knows of itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use henhouse::broker::{
    Admission, Broker, BrokerConfig, BrokerEvent, BrokerEvents, BrokerHandle, Role, Seat,
};
use tokio::runtime::Runtime;

const LONG: Duration = Duration::from_secs(3_600);

/// How many messages were written to each connection that ended without Goodbye.
type Lost = Arc<Mutex<BTreeMap<u64, u64>>>;

/// A manner of `tokens`: the roles are for who shows `agent` or `worker` as its token. A manner of
/// `lenient`: nobody is cut for taking nothing. A manner of `patient`: messages wait for it, too.
pub(crate) fn run(socket: &str, outbox_bytes_max: usize, waiting_bytes_max: usize, manner: &str) {
    let endpoint = henhouse_proto::Endpoint::new(socket).unwrap();
    let mut config = BrokerConfig::new(endpoint);
    config.agent = true;
    config.limits.outbox_bytes_max = outbox_bytes_max;
    config.limits.waiting_bytes_max = waiting_bytes_max;
    config.limits.connections_per_pid_max = 1024;
    config.limits.connections_max = 2048;
    match manner {
        "tokens" => config.admission = Admission::Tokens,
        "lenient" => config.limits.stall = LONG,
        "patient" => {
            config.limits.send_timeout = LONG;
            config.limits.stall = LONG;
        }
        _ => {}
    }
    let (broker, events) = Broker::start(config).unwrap();
    let runtime = runtime();
    if manner == "tokens" {
        runtime.block_on(give_tokens(&broker));
    }
    let lost = Lost::default();
    let losses = Arc::clone(&lost);
    thread::spawn(move || follow(events, &losses));
    println!("listening");
    for _ in std::io::stdin().lines() {
        let status = runtime.block_on(broker.status()).unwrap();
        let mut status = serde_json::to_value(&status).unwrap();
        status["lost"] = serde_json::to_value(&*lost.lock().unwrap()).unwrap();
        println!("{status}");
    }
}

async fn give_tokens(broker: &BrokerHandle) {
    for (incarnation, role) in [(1, Role::Agent), (2, Role::Worker)] {
        let seat = Seat {
            incarnation,
            role,
            index: 0,
            generation: 1,
        };
        broker.admit(role.name().into(), seat).await;
    }
}

fn follow(mut events: BrokerEvents, lost: &Lost) {
    let runtime = runtime();
    while let Some(event) = runtime.block_on(events.next()) {
        if let BrokerEvent::Left {
            goodbye: false,
            connection,
            messages_written,
            ..
        } = event
        {
            lost.lock().unwrap().insert(connection, messages_written);
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}
