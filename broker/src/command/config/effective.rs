//! What holds, in the form of a config file: what `check` prints.

use std::{path::Path, time::Duration};

use toml::{Table, Value};

use crate::master::{Orphan, Plan, RolePlan};

/// The whole plan, defaults and resolved paths included.
pub(crate) fn effective(plan: &Plan) -> String {
    let mut master = Table::new();
    set(&mut master, "socket", path(&plan.socket));
    set(&mut master, "shutdown_timeout", time(plan.shutdown_timeout));
    set(
        &mut master,
        "give_up_after",
        time(plan.give_up_after.unwrap_or_default()),
    );
    let orphan = match plan.orphan {
        Orphan::Kill => "kill",
        Orphan::Term => "term",
    };
    set(&mut master, "orphan", orphan.to_owned());
    let listen = plan.listen.iter().map(|listen| {
        let mut table = Table::new();
        set(&mut table, "name", listen.name.clone());
        set(&mut table, "address", listen.address.to_string());
        set(&mut table, "mode", "inherit".to_owned());
        Value::Table(table)
    });
    let mut reload = Table::new();
    set(&mut reload, "min_ready_for", time(plan.min_ready_for));
    let mut worker = role(&plan.worker, plan.workers);
    set(&mut worker, "count", i64::from(plan.workers));

    let mut file = Table::new();
    set(&mut file, "master", master);
    set(&mut file, "listen", listen.collect::<Vec<_>>());
    if let Some(agent) = &plan.agent {
        set(&mut file, "agent", role(agent, 1));
    }
    set(&mut file, "worker", worker);
    set(&mut file, "reload", reload);
    file.to_string().trim_end().to_owned()
}

fn role(role: &RolePlan, processes: u32) -> Table {
    let (program, rules) = (&role.program, &role.rules);
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let command: Vec<Value> = [path(&program.command)]
        .into_iter()
        .chain(program.arguments.iter().map(|argument| text(argument)))
        .map(Value::String)
        .collect();
    let mut env = Table::new();
    for (name, value) in &program.environment {
        set(&mut env, &text(name), text(value));
    }
    let mut table = Table::new();
    set(&mut table, "command", command);
    set(&mut table, "dir", path(&program.directory));
    set(&mut table, "env", env);
    for (key, value) in [
        ("start_timeout", rules.start_timeout),
        ("drain_timeout", rules.drain_timeout),
        ("term_grace", rules.term_grace),
        ("stable_after", rules.stable_after),
        ("backoff_first", rules.backoff_first),
        ("backoff_max", rules.backoff_max),
        ("watchdog", rules.watchdog.unwrap_or_default()),
        ("age_max", rules.age_max.unwrap_or_default()),
    ] {
        set(&mut table, key, time(value));
    }
    set(
        &mut table,
        "intensity",
        i64::from(rules.intensity_of(processes)),
    );
    table
}

fn set(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.to_owned(), value.into());
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
