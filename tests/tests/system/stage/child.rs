//! The test's end of its line to a child.

use std::fmt;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::inbox::Inbox;

/// A process under the master, which does what it is told.
pub(crate) struct Child {
    pub(crate) pid: u32,
    pub(crate) role: String,
    pub(crate) index: u32,
    pub(crate) incarnation: u64,
    pub(crate) generation: u64,
    line: UnixStream,
    told: Arc<Inbox<Value>>,
    orders: AtomicU64,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (pid {})", self.role, self.index, self.pid)
    }
}

impl Child {
    pub(crate) fn new(born: &Value, line: UnixStream, told: Arc<Inbox<Value>>) -> Child {
        let number = |name: &str| -> u64 {
            let text = born[name].as_str().unwrap_or_default();
            text.parse().unwrap_or_default()
        };
        Child {
            pid: u32::try_from(born["pid"].as_u64().unwrap()).unwrap(),
            role: born["role"].as_str().unwrap().to_owned(),
            index: u32::try_from(number("index")).unwrap(),
            incarnation: number("incarnation"),
            generation: number("generation"),
            line,
            told,
            orders: AtomicU64::new(1),
        }
    }

    /// Joins and gets ready, listening to `x`.
    pub(crate) fn up(&self) {
        self.join();
        self.on("x");
        self.ready();
    }

    pub(crate) fn join(&self) -> Value {
        self.act(json!({ "do": "join" })).unwrap()
    }

    pub(crate) fn ready(&self) {
        self.act(json!({ "do": "ready" })).unwrap();
    }

    pub(crate) fn on(&self, action: &str) {
        self.act(json!({ "do": "on", "action": action })).unwrap();
    }

    /// Sends one message: `to` is `broadcast`, `app`, `agent`, `random`, or a pid.
    pub(crate) fn send(
        &self,
        to: impl Into<Value>,
        action: &str,
        text: &str,
    ) -> Result<Value, String> {
        self.act(json!({ "do": "send", "to": to.into(), "action": action, "text": text }))
    }

    /// Sends one message and waits for its receipt.
    pub(crate) fn confirm(
        &self,
        to: impl Into<Value>,
        action: &str,
        text: &str,
    ) -> Result<Value, String> {
        let to = to.into();
        self.act(json!({ "do": "send", "to": to, "action": action, "text": text, "confirm": true }))
    }

    pub(crate) fn request(
        &self,
        to: impl Into<Value>,
        action: &str,
        text: &str,
    ) -> Result<Value, String> {
        self.act(json!({ "do": "request", "to": to.into(), "action": action, "text": text }))
    }

    /// Gives an order and waits until it is done.
    pub(crate) fn act(&self, order: Value) -> Result<Value, String> {
        let n = self.order(order);
        self.done(n)
    }

    /// Gives an order, and does not wait.
    pub(crate) fn order(&self, mut order: Value) -> u64 {
        let n = self.orders.fetch_add(1, Ordering::Relaxed);
        order["n"] = json!(n);
        // A child that is dead is found out by what it does not say.
        let _ = (&self.line).write_all(format!("{order}\n").as_bytes());
        n
    }

    /// Waits for an order's end.
    #[track_caller]
    pub(crate) fn done(&self, n: u64) -> Result<Value, String> {
        let done = self
            .told
            .take("the end of an order", |line| line["n"] == json!(n));
        match done.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(done["ok"].clone()),
        }
    }

    /// The next message with that action.
    #[track_caller]
    pub(crate) fn message(&self, action: &str) -> Value {
        self.told.take(&format!("the message {action:?}"), |line| {
            line["event"] == json!("message") && line["action"] == json!(action)
        })
    }

    /// The texts of all messages with that action that have come.
    pub(crate) fn messages(&self, action: &str) -> Vec<String> {
        let all = self
            .told
            .take_all(|line| line["event"] == json!("message") && line["action"] == json!(action));
        all.iter()
            .map(|line| line["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The next event of that kind.
    #[track_caller]
    pub(crate) fn event(&self, event: &str) -> Value {
        self.told.take(&format!("the event {event:?}"), |line| {
            line["event"] == json!(event)
        })
    }

    /// Waits until everything that was sent to this child so far has come: what it sends to
    /// itself comes behind that.
    pub(crate) fn settle(&self) {
        self.on("settled");
        self.send(self.pid, "settled", "").unwrap();
        self.message("settled");
    }
}
