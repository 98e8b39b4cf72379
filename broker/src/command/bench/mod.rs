//! `henhouse bench`: what messages cost on this host.
//!
//! A broker of its own, in a process and a directory of its own, which go when this process goes,
//! however it goes. No other broker is touched. The clients are threads of this process, and say
//! bytes that were made beforehand: it is the broker that is measured.

mod client;
mod figures;
mod flood;
mod idle;
mod ping;
mod server;

use std::io;
use std::time::Duration;

pub(crate) use self::server::serve;
use self::{
    figures::{Figures, Flood, Flooded},
    server::Server,
};
use super::{FAILED, arguments::BenchArguments, out};

/// What is timed, each for as long: three floods and the pings.
const TIMED: u32 = 4;

/// Starting, joining and leaving take about as long as one of them.
const UNTIMED: u32 = 1;

pub(crate) fn run(arguments: &BenchArguments) -> u8 {
    let time = arguments.seconds / (TIMED + UNTIMED);
    match measure(time) {
        Ok(figures) if arguments.json => out::say(figures.json()),
        Ok(figures) => figures.table().into_iter().for_each(out::say),
        Err(error) => {
            out::complain(format_args!("cannot measure: {error}"));
            return FAILED;
        }
    }
    0
}

fn measure(time: Duration) -> io::Result<Figures> {
    let flooded = |payload_bytes, receivers| -> io::Result<Flooded> {
        let server = Server::start()?;
        let flood = Flood {
            payload_bytes,
            receivers,
            time,
        };
        flood::run(&server, &flood)
    };
    Ok(Figures {
        floods: vec![flooded(128, 1)?, flooded(16 << 10, 1)?, flooded(128, 8)?],
        ping: ping::run(&Server::start()?, time)?,
        idle: idle::run(&Server::start()?)?,
    })
}
