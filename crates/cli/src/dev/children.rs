//! The three processes.

use super::layout::{ACCESS_KEY, DevNode, Layout, SECRET_KEY};
use crate::admin;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{self, Command};

/// A node needs three seconds at most to release its lease.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How a process ended: "killed by signal 9", "exit status: 1".
pub(crate) type Ending = String;

/// A process of this binary, with its log file.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    pub(crate) log: PathBuf,
    process: process::Child,
    reported: bool,
}

impl Child {
    pub(crate) fn store(layout: &Layout) -> anyhow::Result<Child> {
        let mut command = this_binary()?;
        command
            .arg("dev-store")
            .arg("--listen")
            .arg(layout.store_address.to_string())
            .arg("--dir")
            .arg(layout.store_dir())
            .arg("--access-key")
            .arg(ACCESS_KEY)
            .env("UNDERSTUDY_DEV_STORE_SECRET_KEY", SECRET_KEY);
        Self::spawn("store", layout, command)
    }

    fn node(layout: &Layout, node: &DevNode) -> anyhow::Result<Child> {
        let mut command = this_binary()?;
        command.arg("run").arg("--config").arg(&node.file);
        Self::spawn(node.name, layout, command)
    }

    fn spawn(name: &'static str, layout: &Layout, mut command: Command) -> anyhow::Result<Child> {
        let log = layout.log_file(name);
        let file = open_log(&log).with_context(|| format!("cannot open {}", log.display()))?;
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Ctrl-C goes to this process alone, which ends them in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Child {
            name,
            log,
            process,
            reported: false,
        })
    }

    /// Waits for its end, which is told once. Cancel-safe.
    pub(crate) async fn ended(&mut self) -> Ending {
        if self.reported {
            return std::future::pending().await;
        }
        let status = self.process.wait().await;
        self.reported = true;
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// An error with the log's last lines when it has ended.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended ({status}); {} says:\n{}",
                self.name,
                self.log.display(),
                last_lines(&self.log)
            ),
        }
    }

    /// Asks it to end, and ends it when it does not.
    pub(crate) async fn stop(&mut self) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(id as i32)) {
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(STOP_PATIENCE, self.process.wait())
            .await
            .is_err()
        {
            let _ = self.process.kill().await;
        }
    }
}

/// Variables for one node would hit both.
fn this_binary() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNDERSTUDY_") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

fn open_log(path: &Path) -> std::io::Result<std::fs::File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// alpha and bravo.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) nodes: [Child; 2],
}

impl Pair {
    pub(crate) fn start(layout: &Layout) -> anyhow::Result<Pair> {
        let [alpha, bravo] = [&layout.nodes[0], &layout.nodes[1]];
        Ok(Pair {
            nodes: [Child::node(layout, alpha)?, Child::node(layout, bravo)?],
        })
    }

    /// Which one ended, and how. Cancel-safe.
    pub(crate) async fn any_ended(&mut self) -> (usize, Ending) {
        let [alpha, bravo] = &mut self.nodes;
        tokio::select! {
            ended = alpha.ended() => (0, ended),
            ended = bravo.ended() => (1, ended),
        }
    }

    /// The primary first: its last writes still find their standby, and it
    /// releases the lease.
    pub(crate) async fn stop(&mut self, layout: &Layout) {
        let mut order = [0, 1];
        let address = &layout.nodes[1].configuration.settings.replication.advertise;
        if admin::status(address)
            .await
            .is_ok_and(|status| status.is_primary())
        {
            order.reverse();
        }
        for index in order {
            self.nodes[index].stop().await;
        }
    }
}
