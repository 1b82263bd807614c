//! Follows a written request on every node until one ends it.

use crate::admin;
use crate::exit::Exit;
use crate::format::{print, print_json};
use crate::history;
use crate::store::ClusterStore;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::mpsc;
use understudy_console::{Outcome, Step, Told};
use understudy_node::BootClock;
use understudy_node::config::Configuration;
use understudy_node::status::{Receipt, Verdict};
use understudy_protocol::{ActivationRequest, Mode, Override};
use understudy_types::{BootTime, Clock};
use understudy_wire::v1::ActivationStep;

const RETRY_EVERY: Duration = Duration::from_millis(200);
/// After the end, for the other side's last steps.
const AFTERGLOW: Duration = Duration::from_millis(500);

/// How a request ended.
pub(super) type End = understudy_console::Ended;

/// How a step ends a request, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastStep {
    Serving,
    AlreadyDone,
    Refused,
}

pub(super) fn end_of(step: &ActivationStep) -> Option<LastStep> {
    match step.step.as_str() {
        "serving" => Some(LastStep::Serving),
        "already_done" => Some(LastStep::AlreadyDone),
        "refused" | "aborted" => Some(LastStep::Refused),
        _ => None,
    }
}

/// Prints what a command's request comes to.
pub(super) fn tell(told: Told) {
    match told {
        Told::Step(step) => print(&format!(
            " {:7.3}  {:<8} {}",
            step.seconds, step.node, step.detail
        )),
        Told::Receipt(receipt) => print(&history::describe(&receipt)),
    }
}

/// The last word, where it is not a receipt.
pub(super) fn tell_end(end: &End) -> Exit {
    match end.outcome {
        Outcome::Done => print(&end.text),
        Outcome::Refused | Outcome::EndNotSeen => eprintln!("{}", end.text),
    }
    exit_of(end)
}

fn exit_of(end: &End) -> Exit {
    match end.outcome {
        Outcome::Done => Exit::Done,
        Outcome::Refused => Exit::Refused,
        Outcome::EndNotSeen => Exit::EndNotSeen,
    }
}

/// All that a command tells, for programs.
#[derive(Serialize)]
pub(super) struct Document {
    verdict: Verdict,
    overrides: Vec<Override>,
    steps: Vec<Step>,
    receipt: Option<Receipt>,
    ended: Option<End>,
}

impl Document {
    pub(super) fn new(verdict: &Verdict, overrides: &[Override]) -> Document {
        Document {
            verdict: verdict.clone(),
            overrides: overrides.to_vec(),
            steps: Vec::new(),
            receipt: None,
            ended: None,
        }
    }

    pub(super) fn note(&mut self, told: Told) {
        match told {
            Told::Step(step) => self.steps.push(step),
            Told::Receipt(receipt) => self.receipt = Some(*receipt),
        }
    }

    pub(super) fn print(mut self, end: &End) -> anyhow::Result<Exit> {
        self.ended = Some(end.clone());
        print_json(&self)?;
        Ok(exit_of(end))
    }
}

/// Tells each step as it comes, then the receipt.
pub(super) async fn follow(
    store: &ClusterStore,
    configuration: &Configuration,
    request: &ActivationRequest,
    addresses: Vec<String>,
    tell: &mut (dyn FnMut(Told) + Send),
) -> anyhow::Result<End> {
    let began = BootClock.now();
    let (sender, mut steps) = mpsc::channel(64);
    let watchers: Vec<_> = addresses
        .into_iter()
        .map(|address| tokio::spawn(watch(address, request.clone(), sender.clone())))
        .collect();
    drop(sender);
    let patience = patience(configuration, request);
    let end = tokio::time::timeout(patience, until_end(began, &mut steps, tell)).await;
    let end = match end {
        Ok(Some((LastStep::Serving | LastStep::AlreadyDone, _))) => {
            let _ = tokio::time::timeout(AFTERGLOW, until_end(began, &mut steps, tell)).await;
            ended(Outcome::Done, String::new())
        }
        Ok(Some((LastStep::Refused, step))) => ended_otherwise(store, request, &step).await?,
        Ok(None) | Err(_) => unseen(store, request).await?,
    };
    watchers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(end)
}

fn ended(outcome: Outcome, text: String) -> End {
    End { outcome, text }
}

/// As long as the slowest sound activation takes, and some more.
fn patience(configuration: &Configuration, request: &ActivationRequest) -> Duration {
    let timing = &configuration.settings.timing;
    let wait = match request.mode {
        Mode::Switchover => timing.handover_timeout,
        Mode::Failover => timing.ttl * 2,
    };
    let hooks = &configuration.settings.hooks;
    let hooked = hooks.before_promotion.as_ref().map(|hook| hook.timeout);
    wait + hooked.unwrap_or_default() + timing.poll_every + 4 * timing.attempt_timeout
}

async fn until_end(
    began: BootTime,
    steps: &mut mpsc::Receiver<ActivationStep>,
    tell: &mut (dyn FnMut(Told) + Send),
) -> Option<(LastStep, ActivationStep)> {
    while let Some(step) = steps.recv().await {
        tell(Told::Step(Step {
            seconds: BootClock.now().since(began).as_secs_f64(),
            node: step.node.clone(),
            step: step.step.clone(),
            detail: step.detail.clone(),
            failed: step.failed,
        }));
        if let Some(end) = end_of(&step) {
            if let Ok(receipt) = serde_json::from_str::<Receipt>(&step.receipt_json) {
                tell(Told::Receipt(Box::new(receipt)));
            }
            return Some((end, step));
        }
    }
    None
}

/// Knocks, then forwards the node's steps; a node that goes away is asked
/// again until nobody listens.
async fn watch(address: String, request: ActivationRequest, steps: mpsc::Sender<ActivationStep>) {
    let mut forwarded = 0;
    loop {
        // A hint only: the node looks by itself within its poll.
        let _ = admin::knock(&address).await;
        if let Ok(mut stream) = admin::watch(&address, request.id).await {
            let mut index = 0;
            while let Ok(Some(step)) = stream.message().await {
                index += 1;
                if index <= forwarded {
                    continue;
                }
                forwarded = index;
                if steps.send(step).await.is_err() {
                    return;
                }
            }
        }
        if steps.is_closed() {
            return;
        }
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

/// A refusal or an abort: perhaps because an equal request was faster.
async fn ended_otherwise(
    store: &ClusterStore,
    request: &ActivationRequest,
    step: &ActivationStep,
) -> anyhow::Result<End> {
    if let Some(done) = done_by_now(store, request).await? {
        return Ok(ended(Outcome::Done, done));
    }
    let text = format!("{} {}: {}", step.node, step.step, step.detail);
    Ok(ended(Outcome::Refused, text))
}

async fn unseen(store: &ClusterStore, request: &ActivationRequest) -> anyhow::Result<End> {
    if let Some(done) = done_by_now(store, request).await? {
        return Ok(ended(Outcome::Done, done));
    }
    let text = format!(
        "the request {} is written, but no node has ended it in time; it is void a minute after it was made: look at `understudy status`",
        request.id
    );
    Ok(ended(Outcome::EndNotSeen, text))
}

async fn done_by_now(
    store: &ClusterStore,
    request: &ActivationRequest,
) -> anyhow::Result<Option<String>> {
    let Some(lease) = store.lease().await? else {
        return Ok(None);
    };
    let holds = lease
        .holder
        .as_ref()
        .is_some_and(|holder| holder.node == request.target);
    let held = lease.state == understudy_protocol::LeaseState::Held;
    let done = holds && held && lease.epoch == request.expect_epoch.next();
    Ok(done.then(|| format!("epoch {}: {} holds the lease", lease.epoch, request.target)))
}
