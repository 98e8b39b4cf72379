//! Our broker, and our master.

use std::path::Path;
use std::process::Command;

use super::{Place, Started, own};
use crate::Trouble;
use crate::process::own_command;
use crate::talk::Wire;

pub(super) const HOW: &str = "the broker in a process of its own, credentials and limits on, over \
    a Unix socket; for 2,000 idle ones connections_max 2,008 and connections_per_pid_max 256";

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    own("henhouse", Wire::Henhouse, place)
}

/// `henhouse start` with an agent and workers that are all this program.
pub(crate) fn master(
    child: &[&Path],
    workers: usize,
    port: u16,
    directory: &Path,
    pinned: bool,
) -> Result<Command, Trouble> {
    // A path in Rust's quotes is one in TOML's.
    let config = format!(
        "[master]\nsocket = \"h.sock\"\n\
         [[listen]]\nname = \"http\"\naddress = \"127.0.0.1:{port}\"\n\
         [agent]\ncommand = {child:?}\n\
         [worker]\ncommand = {child:?}\ncount = {workers}\n"
    );
    let path = directory.join("henhouse.toml");
    std::fs::write(&path, config)?;
    let mut command = own_command("start", "-c", pinned)?;
    command.arg(path);
    Ok(command)
}
