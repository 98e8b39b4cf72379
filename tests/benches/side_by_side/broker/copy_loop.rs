//! The floor: read into 64 KiB, write to everybody at the other side. It looks at nothing, so
//! nothing that must be passed on by sockets is passed on with less.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use super::Order;
use crate::Trouble;
use crate::wire::bare::SIDES;

const BUFFER_BYTES: usize = 64 << 10;

/// Serves `clients` clients until they leave, with a thread for each: right as long as at most
/// one of them sends at a time.
pub(crate) fn run(order: &str) -> Result<(), Trouble> {
    let order: Order = serde_json::from_str(order)?;
    let listener = UnixListener::bind(&order.socket)?;
    let mut clients = Vec::new();
    while clients.len() < order.clients {
        let (mut stream, _) = listener.accept()?;
        let mut side = [0];
        stream.read_exact(&mut side)?;
        if SIDES.contains(&side[0]) {
            clients.push((side[0], stream));
        }
    }
    for (_, client) in &mut clients {
        client.write_all(&[0])?;
    }
    let mut threads = Vec::new();
    for (side, from) in &clients {
        let from = from.try_clone()?;
        let others = clients.iter().filter(|(other, _)| other != side);
        let to = others
            .map(|(_, stream)| stream.try_clone())
            .collect::<Result<Vec<_>, _>>()?;
        threads.push(thread::spawn(move || copy(from, to)));
    }
    for thread in threads {
        // A client that is killed ends its loop, and is no trouble.
        let _ = thread.join();
    }
    Ok(())
}

fn copy(mut from: UnixStream, mut to: Vec<UnixStream>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        for stream in &mut to {
            stream.write_all(&buffer[..read])?;
        }
    }
}
