//! What is under `deploy/`, judged by the tools of those who will read it.

mod chart;
mod compose;
mod container;
mod iam;
mod package;
mod unit;

use rig::{Answer, run, understudy_binary};
use serde_json::Value;
use std::process::Command;

/// The binary, free of the caller's variables.
async fn understudy(arguments: &[&str]) -> Answer {
    let mut command = Command::new(understudy_binary());
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNDERSTUDY_") {
            command.env_remove(name);
        }
    }
    run(command).await
}

fn strings(list: &Value) -> Vec<&str> {
    let items = list.as_array();
    let items = items.unwrap_or_else(|| panic!("{list} is no list"));
    let text = |item| Value::as_str(item).expect("text");
    items.iter().map(text).collect()
}

/// A command line with one flag more that nobody knows: whatever comes before
/// it was understood when it alone is complained of.
async fn expect_understood(arguments: &[&str]) {
    let line = [arguments, &["--no-such-flag"]].concat();
    let answer = understudy(&line).await.expect_code(2);
    answer.expect_said("unexpected argument '--no-such-flag'");
}
