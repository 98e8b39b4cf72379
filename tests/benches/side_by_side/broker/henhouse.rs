//! Our broker as it is: its own process, its own thread, credentials and limits on.

use std::thread;

use henhouse::broker::{Broker, BrokerConfig};
use henhouse_proto::Endpoint;

use super::Order;
use crate::Trouble;

/// Runs it until it is killed.
pub(crate) fn run(order: &str) -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(order)?;
    let mut config = BrokerConfig::new(Endpoint::new(order.socket)?);
    // The defaults hold for all works but one: 2,000 connections of 16 processes.
    config.limits.connections_max = config.limits.connections_max.max(order.clients + 8);
    if order.clients > 1024 {
        config.limits.connections_per_pid_max = 256;
    }
    let (_handle, mut events) = Broker::start(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async { while events.next().await.is_some() {} });
    loop {
        thread::park();
    }
}
