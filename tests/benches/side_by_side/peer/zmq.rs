//! libzmq's own proxy of an XSUB and an XPUB socket, over Unix sockets. Python starts it, and is
//! not there where messages pass.

use std::process::Command;

use super::{Place, Started, installed};
use crate::Trouble;
use crate::process::{self, Running};
use crate::talk::Wire;
use crate::wire::zmq::{BACK, FRONT};

pub(super) const HOW: &str = "zmq_proxy of an XSUB and an XPUB socket, started by pyzmq, over Unix \
    sockets; where it is flooded SNDHWM and RCVHWM are 0";

/// Arguments: the two sockets, and the high water marks.
const SCRIPT: &str = "
import sys, zmq
context = zmq.Context()
front, back = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
for socket, path in ((front, sys.argv[1]), (back, sys.argv[2])):
    socket.set_hwm(int(sys.argv[3]))
    socket.bind('ipc://' + path)
zmq.proxy(front, back)
";

/// What libzmq has by itself.
const HWM: &str = "1000";

pub(super) fn version() -> Result<String, Trouble> {
    let python = installed().join("venv/bin/python");
    if !python.is_file() {
        return Err("pyzmq is not installed; tests/install-peers does it".into());
    }
    let mut command = Command::new(python);
    command.args(["-c", "import zmq; print('libzmq', zmq.zmq_version())"]);
    super::asked(command)
}

pub(super) fn start(place: Place<'_>) -> Result<Started, Trouble> {
    let python = installed().join("venv/bin/python");
    let mut command = process::command(&python, place.pinned)?;
    command.args(["-c", SCRIPT]);
    command.arg(place.directory.join(FRONT));
    command.arg(place.directory.join(BACK));
    command.arg(if place.unlimited { "0" } else { HWM });
    Ok(Started {
        running: Running::start(command)?,
        wire: Wire::Zmq,
        address: place.directory.to_string_lossy().into_owned(),
    })
}
