//! Runs the operator's command around a promotion: in a process group of its
//! own, with the facts as environment and as JSON on standard input, for so
//! long and no longer.

use super::{Driver, Told};
use crate::settings::{HookCommand, Settings};
use crate::status::HookRecord;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use understudy_log::{HookMark, OsDisk, mark_hook};
use understudy_protocol::control::{HookCall, HookOutcome, HookPhase};
use understudy_protocol::{Event, RequestId};
use understudy_types::ClusterId;

/// Of both outputs together; what is more is read and dropped.
const OUTPUT_BYTES_MAX: usize = 8 << 10;
/// For what is still in the pipes when the command has ended: a process that
/// it left behind may hold them open.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);
const PREFIX: &str = "UNDERSTUDY_";

/// A hook that has ended.
#[derive(Debug)]
pub(crate) struct HookRun {
    pub(super) call: HookCall,
    pub(super) outcome: HookOutcome,
    pub(super) record: HookRecord,
}

impl Driver {
    /// Begins the hook; its end comes as [`Told::HookRan`].
    pub(super) fn run_hook(&self, call: HookCall) {
        let settings = self.settings.clone();
        let (cluster, disk) = (self.setup.cluster, self.disk.clone());
        let (clock, driver) = (self.clock.clone(), self.handle.clone());
        tokio::spawn(async move {
            let began = clock.now();
            let (outcome, output) = match mark_once(&disk, &call).await {
                Ok(()) => run(&settings, cluster, &call).await,
                Err(why) => (HookOutcome::Failed(why), String::new()),
            };
            let record = HookRecord {
                phase: call.phase,
                epoch: call.epoch,
                request: request_id(&call).map(|id| id.to_string()),
                failure: failure(&outcome),
                output,
                took_micros: clock.now().since(began).as_micros() as u64,
            };
            let run = HookRun {
                call,
                outcome,
                record,
            };
            driver.tell(Told::HookRan(Box::new(run))).await;
        });
    }

    /// Notes how a hook ended; the core hears of the one before a promotion.
    pub(super) fn hook_ran(&mut self, run: HookRun) -> Option<Event> {
        let HookRun {
            call,
            outcome,
            record,
        } = run;
        let (phase, epoch, took) = (record.name(), call.epoch, record.took_micros);
        let output = &record.output;
        match &record.failure {
            None => {
                tracing::info!(phase, %epoch, took_micros = took, output, "the hook has passed");
            }
            Some(failure) => {
                tracing::warn!(phase, %epoch, took_micros = took, output, "the hook failed: {failure}");
            }
        }
        self.note_hook(&record);
        self.snapshot.lock().last_hook = Some(record);
        let id = request_id(&call).filter(|_| call.phase == HookPhase::BeforePromotion)?;
        Some(Event::HookEnded { id, outcome })
    }
}

fn request_id(call: &HookCall) -> Option<RequestId> {
    call.request.as_ref().map(|request| request.id)
}

fn failure(outcome: &HookOutcome) -> Option<String> {
    match outcome {
        HookOutcome::Passed => None,
        HookOutcome::Failed(why) => Some(why.clone()),
    }
}

/// Makes durable that the hook runs for this request. `Err` when it did so
/// before, perhaps in an earlier process: how it ended is not known then.
async fn mark_once(disk: &Arc<OsDisk>, call: &HookCall) -> Result<(), String> {
    let Some(id) = request_id(call).filter(|_| call.phase == HookPhase::BeforePromotion) else {
        return Ok(());
    };
    let disk = disk.clone();
    let marked = tokio::task::spawn_blocking(move || mark_hook(&*disk, id));
    match marked.await.map_err(|error| error.to_string())? {
        Ok(HookMark::First) => Ok(()),
        Ok(HookMark::Again) => {
            Err("it has run for this request before, and runs once: ask again".to_owned())
        }
        Err(error) => Err(format!("that it runs could not be made durable: {error}")),
    }
}

/// Runs the command to its end, or to its time limit. Never fails otherwise
/// than by its outcome.
async fn run(settings: &Settings, cluster: ClusterId, call: &HookCall) -> (HookOutcome, String) {
    let hook = match call.phase {
        HookPhase::BeforePromotion => &settings.hooks.before_promotion,
        HookPhase::AfterPromotion => &settings.hooks.after_promotion,
    };
    let Some(hook) = hook else {
        return (HookOutcome::Passed, String::new());
    };
    let facts = facts(settings, cluster, call);
    let mut child = match spawn(hook, &facts) {
        Ok(child) => child,
        Err(error) => {
            let why = format!("{} cannot be started: {error}", hook.command[0]);
            return (HookOutcome::Failed(why), String::new());
        }
    };
    let group = Group::of(&child);
    let output = Arc::new(Mutex::new(Vec::new()));
    let mut pipes = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        pipes.spawn(drain(stdout, output.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        pipes.spawn(drain(stderr, output.clone()));
    }
    if let Some(mut stdin) = child.stdin.take() {
        let body = facts.to_string();
        // A command that does not read it may close its end.
        pipes.spawn(async move { drop(stdin.write_all(body.as_bytes()).await) });
    }
    let outcome = match tokio::time::timeout(hook.timeout, child.wait()).await {
        Ok(Ok(status)) => judge(status),
        Ok(Err(error)) => HookOutcome::Failed(format!("it cannot be waited for: {error}")),
        Err(_) => {
            group.kill();
            let _ = child.wait().await;
            HookOutcome::Failed(format!("it did not end within {:?}", hook.timeout))
        }
    };
    let _ = tokio::time::timeout(OUTPUT_GRACE, async {
        while pipes.join_next().await.is_some() {}
    })
    .await;
    group.forget();
    let output = String::from_utf8_lossy(&output.lock()).trim().to_owned();
    (outcome, output)
}

fn spawn(hook: &HookCommand, facts: &Value) -> std::io::Result<Child> {
    let mut command = std::process::Command::new(&hook.command[0]);
    command.args(&hook.command[1..]);
    // This node's own settings, and with them its secrets, are not for it.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(PREFIX) {
            command.env_remove(name);
        }
    }
    for (name, value) in facts.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // An environment holds no zero byte.
        command.env(
            format!("{PREFIX}{}", name.to_uppercase()),
            value.replace('\0', ""),
        );
    }
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Command::from(command).kill_on_drop(true).spawn()
}

/// The facts by name: the environment has them as `UNDERSTUDY_<NAME>`.
fn facts(settings: &Settings, cluster: ClusterId, call: &HookCall) -> Value {
    let request = call.request.as_ref();
    json!({
        "phase": call.phase,
        "cluster": settings.cluster_name,
        "cluster_id": cluster,
        "node": settings.node,
        "from": call.from,
        "epoch": call.epoch,
        "bound": call.bound.to_string(),
        "request_id": request.map(|request| request.id.to_string()),
        "mode": request.map(|request| request.mode),
        "by": request.map(|request| &request.by),
        "reason": request.map(|request| &request.reason),
        "fenced_by": request.and_then(|request| request.fenced_by.as_ref()),
    })
}

fn judge(status: ExitStatus) -> HookOutcome {
    if status.success() {
        return HookOutcome::Passed;
    }
    HookOutcome::Failed(match status.signal() {
        Some(signal) => format!("it was killed by signal {signal}"),
        None => status.to_string(),
    })
}

async fn drain(mut pipe: impl AsyncRead + Unpin, output: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let mut output = output.lock();
        let room = OUTPUT_BYTES_MAX.saturating_sub(output.len());
        output.extend_from_slice(&buffer[..read.min(room)]);
    }
}

/// The command and all that it started. Killed as a whole when it is dropped
/// before its end: when the node ends.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group(id.and_then(Pid::from_raw))
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // Fails only when nobody of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
