//! nats-server, over TCP on the loopback interface: it has no Unix sockets.

use std::net::TcpListener;
use std::process::Command;

use super::{Place, Started, program};
use crate::Trouble;
use crate::process::{self, Running};
use crate::talk::Wire;

pub(super) const HOW: &str = "nats-server -c nats.conf, with host 127.0.0.1, max_payload 8MB and \
    ping_interval 10m, over TCP on the loopback interface; where it is flooded also max_pending 4GB \
    and write_deadline 60s";

pub(super) fn version() -> Result<String, Trouble> {
    let mut command = Command::new(program("nats-server")?);
    command.arg("--version");
    super::asked(command)
}

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut config =
        format!("host: 127.0.0.1\nport: {port}\nmax_payload: 8MB\nping_interval: \"10m\"\n");
    if place.unlimited {
        config.push_str("max_pending: 4GB\nwrite_deadline: \"60s\"\n");
    }
    let path = place.directory.join("nats.conf");
    std::fs::write(&path, config)?;
    let mut command = process::command(&program("nats-server")?, place.pinned)?;
    command.arg("-c").arg(path);
    Ok(Started {
        running: Running::start(command)?,
        wire: Wire::Nats,
        address: format!("127.0.0.1:{port}"),
    })
}
