//! `henhouse send`: a message from whoever runs the house.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::stage::{Config, HENHOUSE, Stage};

#[test]
fn a_message_reaches_whom_it_is_for_and_the_receipt_is_told() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(2));
    for (to, count) in [
        ("app", 2),
        ("broadcast", 3),
        ("agent", 1),
        ("random", 1),
        (&*workers[1].pid.to_string(), 1),
    ] {
        let (code, said) = stage.command(&["send", to, "x", to]);
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains(&format!("queued for {count} process")),
            "{said}"
        );
        let came: usize = workers
            .iter()
            .chain([&agent])
            .map(|child| {
                child.settle();
                child
                    .messages("x")
                    .iter()
                    .filter(|text| **text == to)
                    .count()
            })
            .sum();
        assert_eq!(came, count, "{to}");
    }
}

#[test]
fn a_request_prints_the_reply_and_an_error_is_an_error() {
    let stage = Stage::new();
    let (_master, agent, _workers) = stage.up_with(&Config::patient(1));
    let order = json!({ "do": "answer", "action": "weather", "text": "rain" });
    agent.act(order).unwrap();
    let (code, said) = stage.command(&["send", "agent", "weather", "{}", "--json", "--request"]);
    assert_eq!((code, &*said), (0, "rain\n"));
    let (code, said) = stage.command(&["send", "agent", "tides", "--request"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no handler"), "{said}");
    let (code, said) = stage.command(&["send", "app", "weather", "--request"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("a request is for one"), "{said}");
}

#[test]
fn what_cannot_be_sent_is_told() {
    let stage = Stage::new();
    let (_master, agent, workers) = stage.up_with(&Config::patient(1));
    let (code, said) = stage.command(&["send", "1", "x"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("no process with pid 1 is connected"),
        "{said}"
    );
    let (code, said) = stage.command(&["send", "app", "egg-ready"]);
    assert_eq!(code, 1, "{said}");
    let (code, said) = stage.command(&["send", "app", "x", "{", "--json"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("the data is no JSON"), "{said}");
    for child in workers.iter().chain([&agent]) {
        child.settle();
        assert!(child.messages("x").is_empty());
    }
}

#[test]
fn the_data_may_come_from_stdin() {
    let stage = Stage::new();
    let (_master, agent, _workers) = stage.up_with(&Config::patient(1));
    let socket = stage.socket();
    let mut send = Command::new(HENHOUSE)
        .args([
            "send",
            "--socket",
            socket.to_str().unwrap(),
            "agent",
            "x",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = send.stdin.take().unwrap();
    stdin.write_all(b"from a pipe").unwrap();
    drop(stdin);
    assert!(send.wait().unwrap().success());
    assert_eq!(agent.message("x")["text"], "from a pipe");
}
