//! `henhouse status`.

use std::time::Duration;

use henhouse_proto::wire::{self, command::Verb, report::Content};
use serde_json::Value;

use super::{FAILED, arguments::StatusArguments, out, steer};
use crate::master::Span;

pub(crate) fn run(arguments: &StatusArguments) -> u8 {
    let mut status = None;
    let asked = steer::ask(
        &arguments.target,
        Verb::Status(wire::StatusCommand {}),
        |content| {
            if let Content::Status(json) = content {
                status = Some(json);
            }
        },
    );
    if let Err(code) = asked {
        return code;
    }
    let parsed = status.as_deref().map(serde_json::from_str::<Value>);
    match (status.as_deref(), parsed) {
        (Some(json), Some(Ok(_))) if arguments.json => out::say(json),
        (_, Some(Ok(status))) => {
            for line in table(&status) {
                out::say(line);
            }
        }
        _ => {
            out::complain("the master's answer is no status");
            return FAILED;
        }
    }
    0
}

/// The status for people: a line for the house, and one for each process.
fn table(status: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let time = |value: &Value| {
        let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
        seconds.map_or("-".to_owned(), |s| {
            Span(Duration::from_secs_f64(s)).to_string()
        })
    };
    let mut lines = vec![format!(
        "master {} (pid {}), up {}, generation {}, {} of {} workers ready{}",
        text(&status["stage"]),
        status["pid"],
        time(&status["uptime_seconds"]),
        status["generation"],
        status["workers_ready"],
        status["workers_wanted"],
        match status["reloading"].as_bool() {
            Some(true) => ", reloading",
            _ => "",
        },
    )];
    for (key, who) in [
        ("agent_slow_retry", "the agent"),
        ("workers_slow_retry", "workers"),
    ] {
        if status[key] == true {
            lines.push(format!("{who} failed too often: retried slowly"));
        }
    }
    for listener in status["listeners"].as_array().into_iter().flatten() {
        lines.push(format!(
            "listener {} at {}",
            text(&listener[0]),
            text(&listener[1])
        ));
    }
    lines.push(format!(
        "{:<10} {:>8} {:<12} {:>12} {:>4} {:>9}  {}",
        "WHO", "PID", "STATE", "AGE", "GEN", "RESTARTS", "LAST END"
    ));
    for slot in status["slots"].as_array().into_iter().flatten() {
        let who = match slot["role"].as_str() {
            Some("agent") => "agent".to_owned(),
            _ => format!("worker.{}", slot["index"]),
        };
        let last = text(&slot["last_end"]);
        let row = |pid: &Value, state: &str, age: &Value, generation: &Value| {
            format!(
                "{who:<10} {:>8} {state:<12} {:>12} {:>4} {:>9}  {last}",
                text(pid),
                time(age),
                text(generation),
                text(&slot["restarts"])
            )
        };
        let processes = slot["processes"].as_array().map_or(&[][..], Vec::as_slice);
        if processes.is_empty() {
            let state = match &slot["retry_in_seconds"] {
                Value::Null => "waiting".to_owned(),
                retry => format!("in {}", time(retry)),
            };
            lines.push(row(&Value::Null, &state, &Value::Null, &Value::Null));
        }
        for process in processes {
            lines.push(row(
                &process["pid"],
                process["state"].as_str().unwrap_or_default(),
                &process["age_seconds"],
                &process["generation"],
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_a_line() {
        let status = serde_json::json!({
            "pid": 7, "stage": "serving", "uptime_seconds": 61.0, "generation": 2,
            "workers_ready": 1, "workers_wanted": 2, "reloading": true,
            "workers_slow_retry": true, "listeners": [["http", "127.0.0.1:7001"]],
            "slots": [
                { "role": "worker", "index": 0, "restarts": 1, "last_end": "exited with 1",
                  "retry_in_seconds": null, "processes": [
                    { "pid": 11, "state": "ready", "age_seconds": 3.25, "generation": 2 } ] },
                { "role": "worker", "index": 1, "restarts": 0, "last_end": null,
                  "retry_in_seconds": 0.4, "processes": [] },
            ],
        });
        let lines = table(&status);
        let house =
            "master serving (pid 7), up 1 min 1 s, generation 2, 1 of 2 workers ready, reloading";
        assert_eq!(lines[0], house);
        assert_eq!(lines[1], "workers failed too often: retried slowly");
        assert_eq!(lines[2], "listener http at 127.0.0.1:7001");
        // A number ends where its column does.
        let restarts = lines[3].find("RESTARTS").unwrap() + "RESTARTS".len();
        assert_eq!(&lines[4][restarts - 1..=restarts], "1 ");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(&lines[4]),
            "worker.0 11 ready 3.2 s 2 1 exited with 1"
        );
        assert_eq!(words(&lines[5]), "worker.1 - in 400 ms - - 0 -");
    }
}
