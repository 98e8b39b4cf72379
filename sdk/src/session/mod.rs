//! The life of a messenger: its connection, the next one, and the end.

mod connection;
mod dispatch;
mod handshake;

use std::sync::Arc;

pub(crate) use self::connection::Connection;
pub(crate) use self::handshake::{HandshakeError, Hello, handshake};
use crate::backoff::Backoff;
use crate::fault::{Closed, FaultCode};
use crate::limits::EXIT_MASTER_LOST;
use crate::shared::Shared;
use crate::source::Socket;

/// What a program does where its broker leaves it.
pub(crate) enum Loss {
    /// It closes its messenger, and goes on.
    Close,
    /// It looks for the broker until it is back.
    Reconnect(Socket, Hello),
    /// It ends: it was the master's child, and nobody wants its work.
    Exit(Box<dyn FnOnce(i32) + Send>),
}

/// Drives `connection`, and what comes after it, until the messenger is closed.
///
/// It may be dropped at any time, even before its first poll: that is an end too.
pub(crate) fn run(
    shared: Arc<Shared>,
    connection: Connection,
    loss: Loss,
) -> impl Future<Output = ()> + Send {
    let end = EndWithTask(shared.clone());
    async move {
        let _end = end;
        drive(shared, connection, loss).await;
    }
}

async fn drive(shared: Arc<Shared>, mut connection: Connection, loss: Loss) {
    let why = loop {
        let why = connection.converse(&shared).await;
        let (Loss::Reconnect(socket, hello), false) = (&loss, shared.is_closing()) else {
            break why;
        };
        if is_final(&why) {
            break why;
        }
        tracing::warn!("{why}; reconnecting to {}", socket.endpoint);
        shared.outgoing.keep_unsent(connection.into_unsent());
        shared.disconnected.push(why);
        tokio::select! {
            found = reconnect(&shared, socket, hello) => match found {
                Ok(new) => connection = new,
                Err(why) => break why,
            },
            () = shared.closing() => break shared.outgoing.end_without_broker(),
        }
        tracing::info!("connected to {} again", socket.endpoint);
        shared.reconnected.push(());
    };
    shared.end(&why);
    if let (Loss::Exit(exit), true) = (loss, why != Closed::ByUs) {
        report_loss(&why);
        exit(EXIT_MASTER_LOST);
    }
}

/// The end of a session whose runtime is shut down under it: without it, whoever waits on
/// another runtime would wait for ever.
struct EndWithTask(Arc<Shared>);

impl Drop for EndWithTask {
    fn drop(&mut self) {
        if self.0.closed.borrow().is_none() {
            self.0.end(&Closed::Lost("its task was ended".to_owned()));
        }
    }
}

/// Whether another connection would end just so.
fn is_final(why: &Closed) -> bool {
    match why {
        Closed::ByUs => true,
        Closed::ByBroker | Closed::Lost(_) => false,
        Closed::Refused(refused) => matches!(
            refused.code,
            FaultCode::UnsupportedVersion | FaultCode::Forbidden
        ),
    }
}

async fn reconnect(shared: &Shared, socket: &Socket, hello: &Hello) -> Result<Connection, Closed> {
    let mut backoff = Backoff::new();
    loop {
        tokio::time::sleep(backoff.next()).await;
        let attempt = async {
            let stream = socket.connect().await?;
            handshake(stream, hello).await
        };
        match attempt.await {
            Ok((connection, welcome)) => {
                shared.outgoing.welcome(welcome);
                return Ok(connection);
            }
            Err(HandshakeError::Refused(refused)) => {
                let why = Closed::Refused(refused);
                if is_final(&why) {
                    return Err(why);
                }
                tracing::debug!("cannot reconnect yet: {why}");
            }
            Err(error) => tracing::debug!("cannot reconnect yet: {error}"),
        }
    }
}

fn report_loss(why: &Closed) {
    tracing::error!(code = EXIT_MASTER_LOST, "{why}; this process ends");
    if !tracing::dispatcher::has_been_set() {
        use std::io::Write as _;
        // A process that just vanishes would be a riddle. Where there is no stderr either,
        // the exit code has to do.
        let _ = writeln!(std::io::stderr(), "henhouse: {why}; this process ends");
    }
}
