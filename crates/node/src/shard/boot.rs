//! Starting a shard: recover the log, rebuild the state in the same pass,
//! start the two threads.

use super::answers::{Answers, Lane, Unanswered};
use super::core::{LogCommand, ShardCore, StateFacts};
use super::log_thread::{LogThread, Mode, Room, outline};
use super::marks::Marks;
use super::queue::ProposalQueue;
use super::scrub::{ScrubFacts, ScrubThread, Stop};
use super::state_thread::{StateThread, apply};
use super::tail::Tail;
use crate::audit::Audit;
use crate::authority::Authority;
use crate::handle::{HandleInner, ShardHandle, ShardView};
use crate::maintenance::Maintenance;
use crate::meters::{NodeMeters, ShardMeters};
use crate::node::{Fatal, StartError};
use crate::pulse::Pulse;
use crate::settings::{Settings, ShardSettings};
use crossbeam_channel::bounded;
use parking_lot::{Condvar, Mutex, RwLock};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, watch};
use understudy_log::{Batch, DataRoot, Log, LogConfig, OsDisk, RecoveryReport, quarantine};
use understudy_protocol::shard::{DIGESTS_KEPT, StateComparison};
use understudy_state::StateMachine;
use understudy_types::{ByteCount, Clock, Lsn, NodeId, Position, StateAt, lsn_value};

/// Commands to a log thread that may wait, batches of a stream included. The
/// room for intake is what really bounds them.
const COMMANDS_MAX: usize = 8192;

/// What all shards of a node are started with.
pub(crate) struct Ground<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) root: &'a DataRoot<OsDisk>,
    pub(crate) node: &'a NodeId,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) authority: &'a Arc<Authority>,
    pub(crate) fatal: &'a Fatal,
    pub(crate) audit: &'a Audit,
    pub(crate) meters: &'a Arc<NodeMeters>,
    pub(crate) maintenance: &'a Maintenance,
    pub(crate) runtime: &'a tokio::runtime::Handle,
}

/// A shard that runs.
pub(crate) struct Booted<S: StateMachine> {
    pub(crate) core: Arc<ShardCore>,
    pub(crate) handle: ShardHandle<S>,
    pub(crate) view: watch::Sender<ShardView>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) pulses: [Arc<Pulse>; 2],
}

/// Applies what a log being recovered knows to be committed.
struct Replay<S> {
    state: S,
    /// Canonical bytes of what is applied.
    applied_bytes: u64,
    /// The digests of the way here: a state may be rolled back to each.
    comparison: StateComparison,
    /// Recovered, but not known to be committed by any later header yet.
    open: VecDeque<Batch>,
    /// The latest date in the log.
    wall_millis: u64,
}

impl<S: StateMachine> Replay<S> {
    fn visit(&mut self, batch: &Batch) {
        self.wall_millis = self.wall_millis.max(batch.wall_millis());
        self.open.push_back(batch.clone());
        let committed = batch.committed();
        while let Some(first) = self.open.front()
            && Some(first.last_lsn()) <= committed
        {
            let batch = self.open.pop_front().expect("just seen");
            drop(apply(&mut self.state, &batch));
            self.applied_bytes += batch.bytes().len() as u64;
            let (lsn, digest) = (batch.last_lsn(), self.state.digest());
            // No primary has said anything yet that this could differ from.
            let _ = self.comparison.applied(StateAt { lsn, digest });
        }
    }
}

/// Recovers a shard and starts its threads. Blocks on the disk.
pub(crate) fn boot<S: StateMachine>(
    ground: &Ground<'_>,
    shard: &ShardSettings,
    empty: impl Fn() -> S + Send + 'static,
) -> Result<Booted<S>, StartError> {
    let Ground { settings, root, .. } = ground;
    let cluster = root.identity().cluster;
    let config = LogConfig {
        cluster,
        shard: shard.name.clone(),
        segment_size: settings.log.segment_size,
    };
    let mut replay = Replay {
        state: empty(),
        applied_bytes: 0,
        comparison: StateComparison::new(DIGESTS_KEPT, None),
        open: VecDeque::new(),
        wall_millis: 0,
    };
    let (log, report) = Log::open_with(Arc::clone(root.disk()), config, &mut |batch| {
        replay.visit(batch)
    })?;
    tell_recovery(shard, &report);
    let Replay {
        state,
        applied_bytes,
        comparison,
        open,
        wall_millis,
    } = replay;
    drop(open);
    let (commands, command_receiver) = bounded(COMMANDS_MAX);
    let (proposals, proposal_receiver) = ProposalQueue::new(&settings.limits);
    let facts = StateFacts::of(&state);
    let marks = Marks::recovered(
        outline(&log).history,
        log.bytes_total().get(),
        applied_bytes,
        comparison,
    );
    let intake = usize::try_from(settings.stream.intake_memory.get()).expect("fits in memory");
    let core = Arc::new(ShardCore {
        cluster,
        name: shard.name.clone(),
        client_address: shard.clients.advertise.clone(),
        applied: watch::Sender::new(marks.applied),
        marks: Mutex::new(marks),
        moved: Condvar::new(),
        changed: watch::Sender::new(()),
        tail: Tail::new(settings.log.tail_memory),
        readers: log.reader_factory(),
        commands,
        intake_room: Arc::new(Semaphore::new(intake)),
        unanswered: Unanswered::default(),
        state: Mutex::new(facts),
        quarantined_records: AtomicU64::new(quarantined(root.disk(), shard)),
        scrub: Mutex::new(ScrubFacts {
            verified: log.flushed().map(|head| head.lsn),
            ..ScrubFacts::default()
        }),
        scrub_stop: Stop::default(),
        meters: ShardMeters::default(),
    });
    let answers = Arc::new(Answers::new());
    let state = Arc::new(RwLock::new(state));
    let view = watch::Sender::new(ShardView::default());
    let handle = ShardHandle {
        inner: Arc::new(HandleInner {
            cluster,
            node: ground.node.clone(),
            shard: shard.name.clone(),
            proposals,
            state: Arc::clone(&state),
            applied: core.applied.subscribe(),
            view: view.subscribe(),
            authority: Arc::clone(ground.authority),
            request_timeout: settings.limits.request_timeout,
        }),
        lane: Lane::on(ground.runtime, settings.limits.commands_max),
    };
    let scrub_thread = settings.log.scrub_rate.map(|rate| ScrubThread {
        shard: Arc::clone(&core),
        scrub: log.scrub(),
        clock: Arc::clone(ground.clock),
        rate,
    });
    let pulse = |thread: &str| Pulse::new(format!("{thread} {}", shard.name), ground.clock.clone());
    let pulses = [pulse("log"), pulse("state")];
    let log_thread = LogThread {
        log,
        disk: Arc::clone(root.disk()),
        shard: Arc::clone(&core),
        node: ground.node.clone(),
        commands: command_receiver,
        proposals: proposal_receiver,
        answers: Arc::clone(&answers),
        clock: Arc::clone(ground.clock),
        pulse: Arc::clone(&pulses[0]),
        maintenance: ground.maintenance.clone(),
        heartbeat_every: settings.stream.heartbeat_every,
        batch_bytes_max: settings.log.batch_bytes_max.get() as usize,
        fatal: ground.fatal.clone(),
        audit: ground.audit.clone(),
        meters: Arc::clone(ground.meters),
        mode: Mode::Closed,
        next_beat: ground.clock.now(),
        beats: 0,
        wall_millis,
        room: Room::Enough,
        intake_failed: false,
    };
    let state_thread = StateThread {
        shard: Arc::clone(&core),
        state,
        empty: Box::new(empty),
        answers,
        clock: Arc::clone(ground.clock),
        fatal: ground.fatal.clone(),
        pulse: Arc::clone(&pulses[1]),
    };
    let mut threads = vec![
        spawn(format!("log {}", shard.name), move || log_thread.run())?,
        spawn(format!("state {}", shard.name), move || state_thread.run())?,
    ];
    if let Some(thread) = scrub_thread {
        threads.push(spawn(format!("scrub {}", shard.name), move || {
            thread.run();
        })?);
    }
    Ok(Booted {
        core,
        handle,
        view,
        threads,
        pulses,
    })
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new()
        .name(name)
        .spawn(run)
        .map_err(StartError::Thread)
}

fn tell_recovery(shard: &ShardSettings, report: &RecoveryReport) {
    let head = report
        .head
        .map_or("empty".to_owned(), |head| head.to_string());
    tracing::info!(shard = %shard.name, %head, records = report.records, "log recovered");
    if let Some(torn) = &report.torn_tail {
        tracing::warn!(
            shard = %shard.name, file = %torn.file, offset = torn.offset, bytes = torn.bytes,
            "an interrupted write was cut off the log's end"
        );
    }
}

fn quarantined(disk: &OsDisk, shard: &ShardSettings) -> u64 {
    quarantine::list(disk, &shard.name)
        .map(|summaries| summaries.iter().map(quarantine::Summary::records).sum())
        .unwrap_or(0)
}

/// Keeps everything beyond `keep` in the quarantine, durably. The error says
/// what stands in the way.
pub(super) fn quarantine_tail<S: StateMachine>(
    thread: &LogThread<S>,
    keep: Option<Position>,
    reason: String,
) -> Result<(), String> {
    let kept = keep.map(|position| position.lsn);
    let Some(head) = thread.log.flushed().filter(|head| Some(head.lsn) > kept) else {
        return Ok(());
    };
    let from = Lsn::after(kept);
    let mut reader = thread
        .log
        .reader_factory()
        .read_from(from)
        .map_err(|error| error.to_string())?;
    let tail = std::iter::from_fn(|| {
        // A long tail takes long to copy.
        thread.pulse.beat();
        reader.next(head.lsn).transpose()
    });
    let notice = quarantine::Notice {
        cluster: thread.shard.cluster,
        shard: thread.shard.name.clone(),
        node: thread.node.clone(),
        reason,
        fork: keep,
        wall_millis: thread.clock.wall_millis(),
    };
    let summary = quarantine::store(&*thread.disk, &notice, tail).map_err(|e| e.to_string())?;
    tracing::warn!(
        shard = %thread.shard.name, records = summary.records(), file = %summary.path(),
        bytes = %ByteCount(summary.bytes.get()), fork = lsn_value(kept),
        "divergent records were set aside: look at them with `understudy quarantine list`"
    );
    let facts = json!({
        "shard": thread.shard.name, "file": summary.path(), "records": summary.records(),
        "fork": lsn_value(kept), "last": head.lsn.get(), "reason": notice.reason,
    });
    thread.audit.keep("quarantined", "node", facts);
    thread
        .shard
        .quarantined_records
        .fetch_add(summary.records(), Ordering::Relaxed);
    Ok(())
}

/// Ends both threads. What was flushed stays; nothing else is waited for.
pub(crate) fn stop(core: &ShardCore) {
    core.command(LogCommand::Stop);
    core.scrub_stop.stop();
    core.update(|marks| marks.stopping = true);
}
