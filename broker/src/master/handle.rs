//! A hand on a master that runs inside this program.

use tokio::{
    io::DuplexStream,
    sync::{mpsc, oneshot, watch},
};

use super::{
    driver::{Agent, Answer, Call, Ended, Haste, Started, Status},
    policy::{Change, Place},
};
use crate::broker::BrokerHandle;

/// A hand on a running master. It can be cloned and sent anywhere; the master runs on when the
/// last one is dropped, until [`MasterHandle::stop`] or a signal.
#[derive(Clone, Debug)]
pub struct MasterHandle {
    calls: mpsc::Sender<Call>,
    broker: BrokerHandle,
    ended: watch::Receiver<Option<Ended>>,
}

/// A command that was not carried out, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandFailed(String);

/// What is said when the master is not there any more.
const GONE: &str = "the master has ended";

impl MasterHandle {
    pub(super) fn new(started: Started) -> Self {
        Self {
            calls: started.calls,
            broker: started.broker,
            ended: started.ended,
        }
    }

    /// Who runs, and how they are.
    ///
    /// # Errors
    ///
    /// Where the master has ended.
    pub async fn status(&self) -> Result<Status, CommandFailed> {
        let (answer, answered) = oneshot::channel();
        let gone = || CommandFailed(GONE.to_owned());
        let sent = self.calls.send(Call::Status(answer)).await;
        sent.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Replaces every worker, one at a time, each before the old one goes; no request is dropped.
    /// It returns when all is done, and says what was.
    ///
    /// # Errors
    ///
    /// Where a new worker did not prove itself: then the old ones stay.
    pub async fn reload(&self) -> Result<String, CommandFailed> {
        self.ask(|caller| Call::Reload(Agent::IfChanged, caller))
            .await
    }

    /// As [`Self::reload`], and the agent first.
    ///
    /// # Errors
    ///
    /// As [`Self::reload`].
    pub async fn reload_with_agent(&self) -> Result<String, CommandFailed> {
        self.ask(|caller| Call::Reload(Agent::Too, caller)).await
    }

    /// Stops the agent and starts it again; what is sent to it meanwhile waits.
    ///
    /// # Errors
    ///
    /// Where there is none, or the first new one did not get ready: further ones are tried.
    pub async fn restart_agent(&self) -> Result<String, CommandFailed> {
        self.ask(|caller| Call::Restart(Place::Agent, caller)).await
    }

    /// Replaces one worker.
    ///
    /// # Errors
    ///
    /// Where there is no such worker, or its replacement did not prove itself: then it stays.
    pub async fn restart_worker(&self, index: u32) -> Result<String, CommandFailed> {
        self.ask(|caller| Call::Restart(Place::Worker(index), caller))
            .await
    }

    /// Has another number of workers. It returns when the new ones are ready and the old ones gone.
    ///
    /// # Errors
    ///
    /// Where the number is out of range, or not all are ready in time: they are tried further.
    pub async fn scale(&self, workers: u32) -> Result<String, CommandFailed> {
        self.ask(|caller| Call::Scale(Change::To(workers), caller))
            .await
    }

    /// Drains the workers, then the agent, then ends the master; returns when all is over.
    pub async fn stop(&self) -> Ended {
        let _ = self.ask(|caller| Call::Stop(Haste::Drain, caller)).await;
        self.wait().await
    }

    /// Kills everything and ends the master.
    pub async fn stop_now(&self) -> Ended {
        let _ = self.ask(|caller| Call::Stop(Haste::Kill, caller)).await;
        self.wait().await
    }

    /// Waits for the master's end, whatever its cause.
    pub async fn wait(&self) -> Ended {
        let mut ended = self.ended.clone();
        let told = ended.wait_for(Option::is_some).await;
        told.ok()
            .and_then(|ended| ended.clone())
            .unwrap_or_else(|| Ended {
                code: 1,
                reason: "the master's own thread panicked; that is a bug".to_owned(),
            })
    }

    /// A connection of this very program to the broker, for a messenger.
    pub fn connect(&self) -> DuplexStream {
        self.broker.connect()
    }

    async fn ask(
        &self,
        call: impl FnOnce(oneshot::Sender<Answer>) -> Call,
    ) -> Result<String, CommandFailed> {
        let (caller, answered) = oneshot::channel();
        let gone = || CommandFailed(GONE.to_owned());
        let sent = self.calls.send(call(caller)).await;
        sent.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map_err(CommandFailed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::master::{Master, Program};

    #[tokio::test]
    async fn a_master_whose_broker_is_gone_ends_with_its_children() {
        let program = Program::new("sleep").args(["1000"]);
        let master = Master::new(program).no_agent().workers(1).signals(false);
        let master = master.start().unwrap();
        let until_started = async {
            loop {
                let status = master.status().await.unwrap();
                if let Some(pid) = status.slots[0].processes.first().and_then(|one| one.pid) {
                    return pid;
                }
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(60);
        let pid = tokio::time::timeout(patience, until_started).await.unwrap();
        master.broker.stop().await;
        let ended = tokio::time::timeout(patience, master.wait()).await.unwrap();
        assert_eq!(ended.code, 1, "{ended:?}");
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let until_gone = async {
            // Its remains are this process's to take.
            while rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG)
                .is_ok_and(|ended| ended.is_none())
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(patience, until_gone).await.unwrap();
    }
}
