//! The Rust SDK under the conformance suite: commands in, events out, as README.md says.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;

use henhouse_sdk::{
    BoxError, Closed, ConfirmError, Data, Draft, Encoding, FaultCode, JoinError, Message,
    Messenger, RequestError, Role, SendError, Sender,
};
use serde_json::{Map, Value, json};
use tokio::sync::{OnceCell, mpsc};

/// Long data is so many of this byte: nobody wants it on a line.
const FILL: u8 = b'a';

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (lines, mut commands) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let driver = Arc::new(Driver::default());
    while let Some(line) = commands.recv().await {
        let command: Command = match serde_json::from_str(&line) {
            Ok(command) => Command(command),
            Err(_) => return ExitCode::from(2),
        };
        // Not awaited: a request is under way while its answer is given by this very process.
        let driver = driver.clone();
        tokio::spawn(async move {
            let n = &command.0["n"];
            match driver.run(&command).await {
                Ok(ok) => say(&json!({ "n": n, "ok": ok })),
                Err(error) => {
                    let detail = error.to_string();
                    say(&json!({ "n": n, "error": { "code": code(&error), "detail": detail } }));
                }
            }
        });
    }
    ExitCode::SUCCESS
}

struct Command(Value);

impl Command {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        self.0[name] == json!(true)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0[name].as_u64()
    }

    fn data(&self) -> Result<Data<'static>, BoxError> {
        Ok(match self.text("encoding") {
            "json" => Data::owned(Encoding::Json, serde_json::to_vec(&self.0["json"])?),
            "text" => Data::owned(Encoding::Text, self.text("text").into()),
            encoding => {
                let bytes = match self.number("fill") {
                    Some(length) => vec![FILL; usize::try_from(length)?],
                    None => from_hex(self.text("hex"))?,
                };
                let protobuf = encoding == "protobuf";
                Data::owned(
                    if protobuf {
                        Encoding::Protobuf
                    } else {
                        Encoding::Bytes
                    },
                    bytes,
                )
            }
        })
    }
}

#[derive(Default)]
struct Driver(OnceCell<Messenger>);

impl Driver {
    async fn run(&self, command: &Command) -> Result<Value, BoxError> {
        let done = json!({});
        if command.text("do") == "join" {
            return self.join(command).await;
        }
        let messenger = self.0.get().ok_or("nobody has joined")?;
        let action = command.text("action");
        match command.text("do") {
            "on" => {
                let throws = command.is("throws");
                messenger.on(action, heard(messenger.clone(), throws));
            }
            "once" => {
                messenger.once(action, heard(messenger.clone(), false));
            }
            "answer" => answer(messenger, action, command.text("how"))?,
            "ready" => messenger.ready().await?,
            "send" => return send(messenger, command).await,
            "request" => {
                let timeout = std::time::Duration::from_millis(
                    command.number("timeout_ms").unwrap_or(120_000),
                );
                let request = addressed(messenger, command, action)?.request();
                return Ok(shown(&request.timeout(timeout).await?)?.into());
            }
            "failing" => messenger.failing(command.text("reason")).await?,
            "close" => messenger.close().await?,
            other => return Err(format!("there is no command {other:?}").into()),
        }
        Ok(done)
    }

    async fn join(&self, command: &Command) -> Result<Value, BoxError> {
        let role = match command.text("role") {
            "agent" => Role::Agent,
            _ => Role::Worker,
        };
        let mut join = Messenger::join(role)
            .socket(command.text("socket"))
            .name(command.text("name"));
        if command.is("reconnect") {
            join = join.outlive_broker();
        }
        let messenger = join.await?;
        messenger.on_refused(|refused| async move {
            say(&json!({ "event": "refused", "code": name_of(refused.code) }));
        });
        messenger.on_disconnect(|_| async { say(&json!({ "event": "lost" })) });
        let back = messenger.clone();
        messenger.on_reconnect(move || {
            say(
                &json!({ "event": "restored", "pid": back.pid(), "connection": back.connection() }),
            );
            async {}
        });
        let (drain, closed) = (messenger.draining(), messenger.closed());
        tokio::spawn(async move {
            let drain = drain.await;
            // Rounded: some of the time is gone already.
            let deadline_ms = (drain.deadline.as_secs_f64().round() * 1000.0) as u64;
            say(&json!({ "event": "drain", "deadline_ms": deadline_ms, "cause": drain.cause }));
        });
        tokio::spawn(async move {
            let code = match closed.await {
                Closed::ByUs => Value::Null,
                why => code_of_end(&why).into(),
            };
            say(&json!({ "event": "closed", "code": code }));
        });
        let told = json!({
            "pid": messenger.pid(),
            "connection": messenger.connection(),
            "master_pid": messenger.master_pid(),
        });
        self.0.set(messenger)?;
        Ok(told)
    }
}

fn heard(
    messenger: Messenger,
    throws: bool,
) -> impl Fn(Message) -> std::future::Ready<()> + Send + Sync + 'static {
    move |message| {
        tell(&messenger, &message);
        assert!(!throws, "a listener panics, as the case asks");
        std::future::ready(())
    }
}

fn tell(messenger: &Messenger, message: &Message) {
    let mut event = Map::new();
    event.insert("event".into(), "message".into());
    event.insert("action".into(), message.action().into());
    let Sender {
        pid,
        role,
        connection,
    } = message.sender();
    let role = format!("{role:?}").to_lowercase();
    event.insert(
        "from".into(),
        json!({ "pid": pid, "role": role, "connection": connection }),
    );
    if message.action() == "egg-pids" {
        let peers = messenger.peers();
        let workers: Vec<u32> = peers.workers.iter().map(|peer| peer.pid).collect();
        let agent = peers.agent.map(|peer| peer.pid);
        event.insert("pids".into(), json!({ "workers": workers, "agent": agent }));
    } else {
        match shown(message) {
            Ok(mut content) => event.append(&mut content),
            // As the others: what is not what it says never reached a listener.
            Err(_) => return,
        }
    }
    say(&event.into());
}

fn shown(message: &Message) -> Result<Map<String, Value>, BoxError> {
    let data = message.data();
    let (encoding, name, value) = match message.encoding() {
        Encoding::Json => ("json", "json", message.json()?),
        Encoding::Text => ("text", "text", message.text()?.into()),
        Encoding::Protobuf => ("protobuf", "hex", hex(data).into()),
        _ if data.len() > 4096 => {
            let filled = data.iter().all(|&byte| byte == FILL).then_some(data.len());
            ("bytes", "fill", filled.into())
        }
        _ => ("bytes", "hex", hex(data).into()),
    };
    let mut content = Map::new();
    content.insert("encoding".into(), encoding.into());
    content.insert(name.into(), value);
    Ok(content)
}

fn answer(messenger: &Messenger, action: &str, how: &str) -> Result<(), BoxError> {
    let (how, us) = (how.to_owned(), messenger.clone());
    messenger.answer(action, move |message| {
        tell(&us, &message);
        let how = how.clone();
        async move {
            match how.as_str() {
                "fail" => Err("the handler failed".into()),
                "hold" => std::future::pending().await,
                _ => Ok(Data::shared(message.encoding(), message.data().clone())),
            }
        }
    })?;
    Ok(())
}

async fn send(messenger: &Messenger, command: &Command) -> Result<Value, BoxError> {
    let mut send = addressed(messenger, command, command.text("action"))?;
    if command.is("others") {
        send = send.others();
    }
    if command.is("confirm") {
        let receipt = send.confirm().await?;
        return Ok(json!({ "queued": receipt.queued, "held": receipt.held }));
    }
    send.await?;
    Ok(json!({}))
}

fn addressed<'a>(
    messenger: &'a Messenger,
    command: &Command,
    action: &'a str,
) -> Result<Draft<'a>, BoxError> {
    let data = command.data()?;
    Ok(match command.text("to") {
        "broadcast" => messenger.broadcast(action, data),
        "app" => messenger.send_to_app(action, data),
        "agent" => messenger.send_to_agent(action, data),
        "random" => messenger.send_random(action, data),
        _ => {
            let pid = u32::try_from(command.number("pid").unwrap_or_default())?;
            let send = messenger.send_to(pid, action, data);
            match command.number("connection") {
                Some(connection) => send.to_connection(connection),
                None => send,
            }
        }
    })
}

/// The suite's word for what went wrong.
fn code(error: &BoxError) -> String {
    if let Some(error) = error.downcast_ref::<RequestError>() {
        return match error {
            RequestError::NoHandler | RequestError::Failed(_) => "REMOTE".into(),
            RequestError::Gone(_) => "GONE".into(),
            RequestError::TimedOut => "TIMED_OUT".into(),
            RequestError::Undeliverable(_) => "UNDELIVERABLE".into(),
            RequestError::NoSuchProcess(_) => "NO_SUCH_PROCESS".into(),
            RequestError::ShuttingDown(_) => "SHUTTING_DOWN".into(),
            RequestError::Refused(refused) => name_of(refused.code),
            RequestError::Lost | RequestError::Send(SendError::Closed(_)) => "CLOSED".into(),
            _ => "HERE".into(),
        };
    }
    if let Some(error) = error.downcast_ref::<ConfirmError>() {
        return match error {
            ConfirmError::NoSuchProcess(_) => "NO_SUCH_PROCESS".into(),
            ConfirmError::Undeliverable(_) => "UNDELIVERABLE".into(),
            ConfirmError::ShuttingDown(_) => "SHUTTING_DOWN".into(),
            ConfirmError::Refused(refused) => name_of(refused.code),
            ConfirmError::Lost | ConfirmError::Send(SendError::Closed(_)) => "CLOSED".into(),
            _ => "HERE".into(),
        };
    }
    if let Some(JoinError::Refused(refused)) = error.downcast_ref::<JoinError>() {
        return name_of(refused.code);
    }
    if let Some(closed) = error.downcast_ref::<Closed>() {
        return code_of_end(closed);
    }
    "HERE".into()
}

fn code_of_end(why: &Closed) -> String {
    match why {
        Closed::Refused(refused) => name_of(refused.code),
        _ => "CLOSED".into(),
    }
}

/// The schema's name: `NoSuchProcess` is NO_SUCH_PROCESS.
fn name_of(code: FaultCode) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>, BoxError> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect()
}

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to tell where the suite is gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
