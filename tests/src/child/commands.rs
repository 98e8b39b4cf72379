//! What a test can tell its child to do.
//!
//! Each command has a number `n` and is answered by a line with that number: `ok`, or `error`
//! and why. What happens meanwhile is told in lines with an `event`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use henhouse_sdk::{BoxError, Message, Messenger, Role};
use serde_json::{Value, json};

use crate::control::Control;
use crate::serve;

/// The child, as far as it has come.
#[derive(Clone)]
pub(crate) struct Child {
    control: Control,
    /// Borrowed for a look or a change, and never across an await.
    messenger: Rc<RefCell<Option<Messenger>>>,
}

impl Child {
    pub(crate) fn new(control: Control) -> Child {
        Child {
            control,
            messenger: Rc::default(),
        }
    }

    /// Does what the order says, beside whatever else is going on, and tells when it is done.
    pub(crate) fn obey(&self, order: Value) {
        let child = self.clone();
        let local = async move {
            let done = match child.act(&order).await {
                Ok(result) => json!({ "n": order["n"], "ok": result }),
                Err(error) => json!({ "n": order["n"], "error": error.to_string() }),
            };
            child.control.say(done);
        };
        tokio::task::spawn_local(local);
    }

    async fn act(&self, order: &Value) -> Result<Value, BoxError> {
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        match text("do").as_str() {
            "join" => self.join().await,
            "on" => self.on(&text("action"), text("how").as_str()),
            "ready" => Ok(self.messenger()?.ready().await.map(|()| json!(null))?),
            "send" => self.send(order).await,
            "request" => self.request(order).await,
            "answer" => self.answer(&text("action"), text("text")),
            "failing" => Ok(self
                .messenger()?
                .failing(text("text"))
                .await
                .map(|()| json!(null))?),
            "serve" => {
                let listener = self.messenger()?.listener("http")?;
                let drain = self.messenger()?.draining();
                serve::start(listener, drain, self.control.clone());
                Ok(json!(null))
            }
            "close" => Ok(self.messenger()?.close().await.map(|()| json!(null))?),
            "exit" => std::process::exit(exit_code(order)),
            "say" => Ok(json!(say(&text("text")))),
            "block" => {
                let ms = order["ms"].as_u64().unwrap_or_default();
                std::thread::sleep(Duration::from_millis(ms));
                Ok(json!(null))
            }
            other => Err(format!("there is no order {other:?}").into()),
        }
    }

    async fn join(&self) -> Result<Value, BoxError> {
        let role = henhouse_sdk::role().unwrap_or(Role::Worker);
        let messenger = Messenger::join(role).await?;
        let told = json!({
            "pid": messenger.pid(),
            "connection": messenger.connection(),
            "master_pid": messenger.master_pid(),
        });
        let (control, drain) = (self.control.clone(), messenger.draining());
        tokio::spawn(async move {
            let drain = drain.await;
            control.say(json!({ "event": "drain", "cause": drain.cause }));
        });
        let control = self.control.clone();
        messenger.on_refused(move |refused| {
            control.say(json!({ "event": "refused", "why": refused.to_string() }));
            async {}
        });
        self.messenger.replace(Some(messenger));
        self.on("egg-ready", "")?;
        self.on("egg-pids", "")?;
        Ok(told)
    }

    fn on(&self, action: &str, how: &str) -> Result<Value, BoxError> {
        let (control, how) = (self.control.clone(), how.to_owned());
        self.messenger()?.on(action, move |message: Message| {
            let sender = message.sender();
            let text = message.text().unwrap_or_default();
            control.say(json!({
                "event": "message",
                "action": message.action(),
                "text": text,
                "from": sender.pid,
                "connection": sender.connection,
                "role": format!("{:?}", sender.role),
            }));
            let how = how.clone();
            async move {
                match how.as_str() {
                    "panic" => panic!("a handler panics, as the test asks"),
                    "fail" => Err("a handler fails, as the test asks"),
                    _ => Ok(()),
                }
            }
        });
        Ok(json!(null))
    }

    fn answer(&self, action: &str, text: String) -> Result<Value, BoxError> {
        self.messenger()?.answer(action, move |_| {
            let text = text.clone();
            async move { Ok(text) }
        })?;
        Ok(json!(null))
    }

    async fn send(&self, order: &Value) -> Result<Value, BoxError> {
        let messenger = self.messenger()?;
        let (action, text) = words(order);
        let send = verb(&messenger, order, action, text);
        let send = if order["others"] == json!(true) {
            send.others()
        } else {
            send
        };
        if order["confirm"] == json!(true) {
            let receipt = send.confirm().await?;
            return Ok(json!({ "queued": receipt.queued, "held": receipt.held }));
        }
        Ok(send.await.map(|()| json!(null))?)
    }

    async fn request(&self, order: &Value) -> Result<Value, BoxError> {
        let messenger = self.messenger()?;
        let (action, text) = words(order);
        let timeout = Duration::from_millis(order["timeout_ms"].as_u64().unwrap_or(20_000));
        let answer = verb(&messenger, order, action, text)
            .request()
            .timeout(timeout)
            .await?;
        Ok(json!(answer.text()?))
    }

    fn messenger(&self) -> Result<Messenger, BoxError> {
        self.messenger
            .borrow()
            .clone()
            .ok_or_else(|| "it has not joined".into())
    }
}

fn words(order: &Value) -> (&str, &str) {
    (
        order["action"].as_str().unwrap_or_default(),
        order["text"].as_str().unwrap_or_default(),
    )
}

fn verb<'a>(
    messenger: &'a Messenger,
    order: &Value,
    action: &'a str,
    text: &'a str,
) -> henhouse_sdk::Draft<'a> {
    match order["to"].as_str() {
        Some("app") => messenger.send_to_app(action, text),
        Some("agent") => messenger.send_to_agent(action, text),
        Some("random") => messenger.send_random(action, text),
        Some(_) => messenger.broadcast(action, text),
        None => {
            let pid = order["to"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            messenger.send_to(pid.unwrap_or_default(), action, text)
        }
    }
}

fn exit_code(order: &Value) -> i32 {
    order["code"]
        .as_i64()
        .and_then(|code| i32::try_from(code).ok())
        .unwrap_or_default()
}

#[expect(
    clippy::print_stderr,
    reason = "what a child says is what its master keeps"
)]
fn say(text: &str) -> usize {
    eprintln!("{text}");
    text.len()
}
