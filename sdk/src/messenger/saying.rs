//! The five verbs.

use crate::data::IntoData;
use crate::draft::Draft;
use crate::envelope::To;
use crate::messenger::Messenger;

/// Saying.
impl Messenger {
    /// To the agent and every worker, this one too.
    pub fn broadcast<'a, 'd: 'a>(&'a self, action: &'a str, data: impl IntoData<'d>) -> Draft<'a> {
        Draft::new(self.shared(), To::Broadcast { others: false }, action, data)
    }

    /// To every worker, this one too where it is one.
    pub fn send_to_app<'a, 'd: 'a>(
        &'a self,
        action: &'a str,
        data: impl IntoData<'d>,
    ) -> Draft<'a> {
        Draft::new(self.shared(), To::App { others: false }, action, data)
    }

    /// To the agent.
    pub fn send_to_agent<'a, 'd: 'a>(
        &'a self,
        action: &'a str,
        data: impl IntoData<'d>,
    ) -> Draft<'a> {
        Draft::new(self.shared(), To::Agent, action, data)
    }

    /// From the agent to one worker, which the broker chooses; from a worker to the agent.
    pub fn send_random<'a, 'd: 'a>(
        &'a self,
        action: &'a str,
        data: impl IntoData<'d>,
    ) -> Draft<'a> {
        Draft::new(self.shared(), To::Random, action, data)
    }

    /// To the process with that pid.
    pub fn send_to<'a, 'd: 'a>(
        &'a self,
        pid: u32,
        action: &'a str,
        data: impl IntoData<'d>,
    ) -> Draft<'a> {
        let connection = 0;
        Draft::new(self.shared(), To::Process { pid, connection }, action, data)
    }
}
