//! `understudy health`: a node's console asked one question over HTTP, for
//! probes where nothing else could ask it.

use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(5);

/// An answer's first line is shorter.
const FIRST_LINE_MAX: u64 = 256;

/// Asks a node's console one question, and answers with the exit code: 0 yes,
/// 1 no or no answer. For health checks in an image without a shell.
#[derive(Args, Debug)]
pub(crate) struct HealthArgs {
    #[arg(value_enum, default_value_t)]
    question: Question,
    /// The node's console.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2391")]
    endpoint: String,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Question {
    /// Does the process answer?
    #[default]
    Live,
    /// Does the node do its part: serve, or stream?
    Ready,
    /// Is its lease valid at this moment?
    Primary,
    /// Is it a standby that streams?
    Standby,
}

impl Question {
    fn path(self) -> &'static str {
        match self {
            Question::Live => "/live",
            Question::Ready => "/ready",
            Question::Primary => "/primary",
            Question::Standby => "/standby",
        }
    }
}

pub(crate) async fn health(args: HealthArgs) -> anyhow::Result<Exit> {
    let path = args.question.path();
    let asked = tokio::time::timeout(PATIENCE, status_of(&args.endpoint, path));
    let asked = asked.await.context("no answer in time");
    let status = asked
        .flatten()
        .with_context(|| format!("{}{path}", args.endpoint))?;
    match args.output {
        OutputFormat::Json => {
            print_json(&json!({ "endpoint": args.endpoint, "path": path, "status": status }))?;
        }
        OutputFormat::Text => print(&format!("{}{path}: {status}", args.endpoint)),
    }
    Ok(match status {
        200 => Exit::Done,
        _ => Exit::Failed,
    })
}

/// The status code. HTTP/1.0, so that the answer ends with the connection.
async fn status_of(endpoint: &str, path: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(endpoint).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {endpoint}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(FIRST_LINE_MAX).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let Some(status) = answer.split(' ').nth(1).and_then(|code| code.parse().ok()) else {
        bail!("this is no answer of a console");
    };
    Ok(status)
}
