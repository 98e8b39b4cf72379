//! `henhouse send`: one message from whoever sits at the keyboard.

use std::io::{self, Read, Write};

use henhouse_proto::wire::{self, Encoding, Message, Route, Want, frame::Body};

use super::{
    FAILED, USAGE,
    arguments::{Receiver, SendArguments},
    operator::{Conversation, ID, OperatorError},
    out, steer,
};

pub(crate) fn run(arguments: &SendArguments) -> u8 {
    let message = match message(arguments) {
        Ok(message) => message,
        Err(why) => {
            out::complain(why);
            return USAGE;
        }
    };
    let socket = match steer::socket(&arguments.target) {
        Ok(socket) => socket,
        Err(code) => return code,
    };
    let answer = Conversation::open(&socket).and_then(|mut conversation| {
        conversation.say(Body::Message(message))?;
        answer(&mut conversation)
    });
    match answer {
        Ok(Answer::Receipt(receipt)) => out::say(told(&receipt)),
        Ok(Answer::Reply(data)) => print(&data),
        Ok(Answer::Refused(why)) => {
            out::complain(why);
            return FAILED;
        }
        Err(error) => {
            out::complain(error);
            return FAILED;
        }
    }
    0
}

/// What becomes of the message.
enum Answer {
    Receipt(wire::Receipt),
    Reply(Vec<u8>),
    Refused(String),
}

fn answer(conversation: &mut Conversation) -> Result<Answer, OperatorError> {
    loop {
        match conversation.next()? {
            Body::Receipt(receipt) if receipt.id == ID => return Ok(Answer::Receipt(receipt)),
            Body::Fault(fault) => return Ok(Answer::Refused(fault.detail)),
            Body::Message(reply) if reply.in_reply_to == ID => {
                return Ok(match reply.error.is_empty() {
                    true => Answer::Reply(reply.data.into()),
                    false => Answer::Refused(format!("the answer is an error: {}", reply.error)),
                });
            }
            Body::Goodbye(_) => return Ok(Answer::Refused("the master shuts down".to_owned())),
            _ => {}
        }
    }
}

/// The message that was asked for, or what is wrong with it.
fn message(arguments: &SendArguments) -> Result<Message, String> {
    let (route, pid) = match arguments.to {
        Receiver::Broadcast => (Route::Broadcast, 0),
        Receiver::App => (Route::App, 0),
        Receiver::Agent => (Route::Agent, 0),
        Receiver::Random => (Route::Random, 0),
        Receiver::Process(pid) => (Route::Pid, pid),
    };
    let to_many = matches!(arguments.to, Receiver::Broadcast | Receiver::App);
    if arguments.request && to_many {
        return Err("a request is for one: agent, random or a pid".to_owned());
    }
    let data = match arguments.data.as_str() {
        "-" => {
            let mut data = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut data);
            read.map_err(|error| format!("cannot read the data from stdin: {error}"))?;
            data
        }
        text => text.as_bytes().to_vec(),
    };
    let encoding = match (arguments.json, std::str::from_utf8(&data)) {
        (true, _) => {
            let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(&data);
            parsed.map_err(|error| format!("the data is no JSON: {error}"))?;
            Encoding::Json
        }
        (false, Ok(_)) => Encoding::Text,
        (false, Err(_)) => Encoding::Unspecified,
    };
    let want = match arguments.request {
        true => Want::Reply,
        false => Want::Receipt,
    };
    let timeout_ms = u32::try_from(arguments.timeout.as_millis()).unwrap_or(u32::MAX);
    Ok(Message {
        route: route.into(),
        pid,
        id: ID,
        want: want.into(),
        encoding: encoding.into(),
        action: arguments.action.clone(),
        timeout_ms: if arguments.request {
            timeout_ms.max(1)
        } else {
            0
        },
        data: data.into(),
        ..Message::default()
    })
}

fn told(receipt: &wire::Receipt) -> String {
    let processes = |count: u32| match count {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    };
    match (receipt.queued, receipt.held) {
        (0, 0) => "there is nobody to take it".to_owned(),
        (queued, 0) => format!("queued for {}", processes(queued)),
        (0, held) => format!("held for {} that is not ready yet", processes(held)),
        (queued, held) => format!(
            "queued for {}, held for {} not ready yet",
            processes(queued),
            processes(held)
        ),
    }
}

/// The reply's data as it is, with an end of line where it is text without one. Nobody reads it
/// where that fails.
fn print(data: &[u8]) {
    let mut stdout = io::stdout().lock();
    let is_open_line = std::str::from_utf8(data).is_ok() && !data.ends_with(b"\n");
    let end: &[u8] = if is_open_line { b"\n" } else { b"" };
    let _ = stdout
        .write_all(data)
        .and_then(|()| stdout.write_all(end))
        .and_then(|()| stdout.flush());
}
