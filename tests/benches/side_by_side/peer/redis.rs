//! redis-server, over a Unix socket, with nothing written to disk.

use std::process::Command;

use super::{Place, Started, libraries, program};
use crate::Trouble;
use crate::process::{self, Running};
use crate::talk::Wire;

pub(super) const HOW: &str = "redis-server --port 0 --save '' --appendonly no --maxclients 10000 \
    --unixsocket s; where it is flooded also --client-output-buffer-limit 'pubsub 0 0 0'";

pub(super) fn version() -> Result<String, Trouble> {
    let mut command = Command::new(program("redis-server")?);
    command.arg("--version").env("LD_LIBRARY_PATH", libraries());
    super::asked(command)
}

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    let socket = place.directory.join("s");
    let mut command = process::command(&program("redis-server")?, place.pinned)?;
    command.args([
        "--port",
        "0",
        "--save",
        "",
        "--appendonly",
        "no",
        "--maxclients",
        "10000",
    ]);
    command
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(place.directory);
    if place.unlimited {
        command.args(["--client-output-buffer-limit", "pubsub 0 0 0"]);
    }
    command.env("LD_LIBRARY_PATH", libraries());
    Ok(Started {
        running: Running::start(command)?,
        wire: Wire::Redis,
        address: socket.to_string_lossy().into_owned(),
    })
}
