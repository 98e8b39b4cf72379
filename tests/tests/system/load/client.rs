//! A small HTTP/1.1 client that tells how each request ended.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::stage::PATIENCE;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Ok,
    /// Nobody listens.
    Refused,
    /// The connection was broken before or in the answer.
    Reset,
    TimedOut,
    /// The connection ended in good order, and before the end of the answer.
    Short,
    /// An answer, but not that of a worker.
    Wrong,
}

/// Where a server listens.
#[derive(Clone)]
pub(crate) enum Server {
    Unix(PathBuf),
    Tcp(String),
}

/// One client, with a connection if it keeps one.
pub(crate) struct Client {
    server: Server,
    kept: Option<Box<dyn Connection>>,
}

trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

/// What came back, as far as it came.
struct Answer {
    outcome: Outcome,
    /// Nothing at all came.
    nothing: bool,
    /// The server keeps the connection.
    kept: bool,
}

impl Client {
    pub(crate) fn new(path: &Path) -> Client {
        Client::to(Server::Unix(path.to_owned()))
    }

    pub(crate) fn to(server: Server) -> Client {
        Client { server, kept: None }
    }

    /// One request over a connection of its own.
    pub(crate) fn close(&mut self, target: &str) -> Outcome {
        match self.connect() {
            Ok(mut connection) => ask(&mut connection, target, "close").outcome,
            Err(error) => outcome_of(&error),
        }
    }

    /// One request over the connection that is kept, or a new one.
    ///
    /// A server may close a kept connection that is idle, and a request that was just sent then is
    /// lost on its way with nothing said about it. RFC 9112 (9.3.1) has the client ask again over
    /// a new connection, and so does this one, once; a request over a new connection never is
    /// asked again.
    pub(crate) fn keep_alive(&mut self, target: &str) -> Outcome {
        if let Some(mut connection) = self.kept.take() {
            let answer = ask(&mut connection, target, "keep-alive");
            if !answer.nothing {
                self.kept = answer.kept.then_some(connection);
                return answer.outcome;
            }
        }
        match self.connect() {
            Ok(mut connection) => {
                let answer = ask(&mut connection, target, "keep-alive");
                self.kept = answer.kept.then_some(connection);
                answer.outcome
            }
            Err(error) => outcome_of(&error),
        }
    }

    fn connect(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match &self.server {
            Server::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Server::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        })
    }
}

fn ask(connection: &mut dyn Connection, target: &str, keep: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: {keep}\r\n\r\n");
    let mut answer = Vec::new();
    let outcome = connection
        .write_all(request.as_bytes())
        .and_then(|()| read(connection, &mut answer));
    let outcome = outcome.unwrap_or_else(|error| outcome_of(&error));
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    Answer {
        outcome,
        nothing: answer.is_empty(),
        kept: outcome == Outcome::Ok && !head.contains("connection: close"),
    }
}

fn read(connection: &mut dyn Connection, answer: &mut Vec<u8>) -> io::Result<Outcome> {
    let mut piece = [0; 4096];
    loop {
        if let Some(outcome) = whole(answer) {
            return Ok(outcome);
        }
        match connection.read(&mut piece)? {
            0 => return Ok(Outcome::Short),
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
}

/// The outcome where the answer is all there.
fn whole(answer: &[u8]) -> Option<Outcome> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let is_whole = body.len() >= length.parse().ok()?;
    let is_a_pid = body.parse::<u32>().is_ok();
    is_whole.then_some(match head.starts_with("HTTP/1.1 200") && is_a_pid {
        true => Outcome::Ok,
        false => Outcome::Wrong,
    })
}

fn outcome_of(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Outcome::Refused,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Outcome::TimedOut,
        _ => Outcome::Reset,
    }
}
