//! What a service manager is told by the protocol of systemd (`NOTIFY_SOCKET`):
//! that the node serves, what it does, that it lives, that it ends.
//!
//! The watchdog is fed only while every thread that the node lives by goes
//! round. This task shares the runtime with the driver and the services, so a
//! runtime that hangs does not feed it either.

use sd_notify::NotifyState;
use std::time::Duration;
use understudy_node::{Observer, Pulses};

/// How often the status line is brought up to date where no watchdog runs.
const STATUS_EVERY: Duration = Duration::from_secs(5);

pub(crate) fn starting() {
    tell(&[NotifyState::Status(
        "starting: asks the store, recovers the log",
    )]);
}

pub(crate) fn stopping(why: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(why)]);
}

/// Says that the ports are served, and from then on that the node lives.
pub(crate) async fn watch(pulses: Pulses, observer: Observer) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    tell(&[NotifyState::Ready]);
    let patience = sd_notify::watchdog_enabled();
    let every = patience.map_or(STATUS_EVERY, |patience| patience / 4);
    let mut told = String::new();
    let mut fed = Fed::Yes;
    loop {
        let status = observer.status();
        let epoch = status.lease.map(|lease| format!(", epoch {}", lease.epoch));
        let line = format!("{}{}", status.role, epoch.unwrap_or_default());
        if line != told {
            tell(&[NotifyState::Status(&line)]);
            told = line;
        }
        if let Some(patience) = patience {
            fed = feed(fed, &pulses, patience / 2);
        }
        tokio::time::sleep(every).await;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fed {
    Yes,
    No,
}

/// Feeds the watchdog, unless a thread has been silent for longer than
/// `limit`; says once when that begins.
fn feed(before: Fed, pulses: &Pulses, limit: Duration) -> Fed {
    let Some((thread, silence)) = pulses.silent_for(limit) else {
        tell(&[NotifyState::Watchdog]);
        return Fed::Yes;
    };
    if before == Fed::Yes {
        tracing::warn!(
            thread,
            silent_seconds = silence.as_secs_f64(),
            "the watchdog is not fed: a thread hangs, and the service manager will restart this node"
        );
    }
    Fed::No
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
