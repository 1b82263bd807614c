//! The `understudy` binary: one node, the pair for development, and the
//! operator's commands.
//!
//! It decides nothing about the lease: it writes requests and shows what
//! nodes answer. It never skips a check: overrides name what they override.
//! What is unknown is printed as unknown.
//!
//! Start with [`commands`], the list of what it can do; `exit` has the codes,
//! `run` is one node, `activate` the two verbs.

mod acts;
mod admin;
mod collector;
mod colour;
mod commands;
mod credentials;
mod errands;
mod exit;
mod files;
mod format;
mod logging;
mod nodes;
mod operator;
mod progress;
mod refusal;
mod settings;
mod store;

mod activate;
mod adopt;
mod audit;
mod bench;
mod cert;
mod check;
mod completions;
mod config;
mod dev;
mod dev_store;
mod diff;
mod explain;
mod health;
mod history;
mod init;
mod log;
mod maintenance;
mod man;
mod neighbours;
mod parity;
mod people;
mod quarantine;
mod rebuild;
mod run;
mod signals;
mod status;
mod supervisor;
mod top;

use commands::Cli;
use exit::Exit;
use format::{OutputFormat, print_json_instead};
use refusal::Refusal;
use serde_json::{Value, json};
use std::process::ExitCode;

/// A primary makes small allocations on many threads, all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (cli, output) = Cli::read();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into(), output).into(),
    };
    let result = runtime.block_on(cli.run());
    // Whatever still waits in the background must not hold the process.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit.into(),
        Err(error) => report(&error, output).into(),
    }
}

fn report(error: &anyhow::Error, output: OutputFormat) -> Exit {
    if output == OutputFormat::Json {
        print_json_instead(&as_json(error));
    }
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => {
            eprintln!("{refusal}");
            if let Some(command) = refusal.more() {
                eprintln!("  more: {command}");
            }
            refusal.exit()
        }
        None => {
            eprintln!("error: {}", told(error));
            Exit::Failed
        }
    }
}

fn as_json(error: &anyhow::Error) -> Value {
    match error.downcast_ref::<Refusal>() {
        Some(Refusal { id, fact, way_out }) => {
            json!({ "refused": { "id": id, "fact": fact, "way_out": way_out } })
        }
        None => json!({ "error": told(error) }),
    }
}

/// The chain of causes in one line. Many messages of ours hold their cause
/// already; it is not told twice.
fn told(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::told;

    #[derive(Debug, thiserror::Error)]
    #[error("the root cannot be opened: {0}; free it")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn cause_inside_a_message_is_told_once() {
        let inner = std::io::Error::other("it is locked");
        let error = anyhow::Error::from(Outer(inner)).context("at start");
        assert_eq!(
            told(&error),
            "at start: the root cannot be opened: it is locked; free it"
        );
    }
}
