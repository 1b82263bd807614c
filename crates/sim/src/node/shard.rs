//! One shard of a process: its log, its state, and how far each is.

use super::{Halt, Shadow};
use crate::env::Env;
use crate::invariants::{self, Life};
use crate::machine::Registers;
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use std::collections::VecDeque;
use std::sync::Arc;
use understudy_log::{
    Batch, Damage, Disk, DiskErrorKind, Log, LogConfig, LogError, Record, SimDisk,
};
use understudy_protocol::shard::{DIGESTS_KEPT, History, Offered, StateComparison};
use understudy_state::{CommandContext, EpochStart, StateDigest, StateMachine};
use understudy_types::{ByteCount, ClusterId, Lsn, Position, StateAt};

/// How far a state is, and what it looks like there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applied {
    pub position: Position,
    pub digest: StateDigest,
    /// A bit of the state's memory has flipped.
    pub flipped: bool,
}

#[derive(Debug)]
pub(crate) struct Shard {
    pub index: usize,
    pub log: Log<SimDisk>,
    pub shadow: Shadow,
    pub state: Registers,
    pub applied: Option<Position>,
    pub comparison: StateComparison,
    flipped: bool,
    /// Written, and not applied.
    unapplied: VecDeque<Batch>,
    /// As far as this node knows.
    pub committed: Option<Lsn>,
    pub is_flushing: bool,
    pub is_applying: bool,
    pub is_pumping: bool,
}

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    Written,
    /// There is no space; no recovery will find it.
    Full,
}

pub(super) fn log_config(cluster: ClusterId, shard: usize) -> LogConfig {
    LogConfig {
        cluster,
        shard: Scenario::shard_name(shard),
        segment_size: ByteCount(8192),
    }
}

impl Shard {
    /// Opens the log and takes everything in it as flushed.
    pub(crate) fn open(
        env: &mut Env,
        life: Life,
        index: usize,
        disk: Arc<SimDisk>,
    ) -> Result<Shard, Halt> {
        let config = log_config(env.scenario.cluster, index);
        if env.is_broken(Mutation::DamageCutOff)
            && let Err(LogError::Damaged(damage)) = Log::open(disk.clone(), config.clone())
        {
            cut_off(&disk, &damage);
        }
        let mut shadow = Shadow::default();
        let mut unapplied = VecDeque::new();
        let opened = Log::open_with(disk, config, &mut |batch| {
            shadow.push(batch);
            unapplied.push_back(batch.clone());
        });
        let (log, report) = opened.map_err(|error| halt(&error))?;
        for batch in &unapplied {
            invariants::recovered(env, life, index, batch);
        }
        let committed = unapplied.iter().filter_map(|batch| batch.committed()).max();
        env.say(|| {
            format!(
                "n{} s{index} recovered {:?}, torn {:?}",
                life.0,
                report.head,
                report.torn_tail.map(|t| t.row)
            )
        });
        let state = Self::blank_state(env, life);
        Ok(Shard {
            index,
            log,
            shadow,
            state,
            applied: None,
            comparison: StateComparison::new(DIGESTS_KEPT, None),
            flipped: false,
            unapplied,
            committed,
            is_flushing: false,
            is_applying: false,
            is_pumping: false,
        })
    }

    fn blank_state(env: &Env, life: Life) -> Registers {
        let mut state = Registers::default();
        if env.is_broken(Mutation::ApplyDependsOnNode) {
            state.taint = life.0 as u64;
        }
        state
    }

    pub(crate) fn is_quiet(&self) -> bool {
        !self.is_flushing && self.log.flushed() == self.log.written()
    }

    pub(crate) fn history(&self) -> History {
        let epochs = self
            .log
            .epoch_history()
            .iter()
            .map(|fork| (fork.epoch, fork.fork))
            .collect();
        History {
            epochs,
            head: self.log.flushed(),
        }
    }

    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Appended, Halt> {
        match self.log.append(batch) {
            Ok(()) => {
                self.shadow.push(batch);
                self.unapplied.push_back(batch.clone());
                Ok(Appended::Written)
            }
            Err(LogError::Full(_)) => Ok(Appended::Full),
            Err(error) => Err(halt(&error)),
        }
    }

    /// Everything that is written becomes durable, or the process ends.
    pub(crate) fn flush(&mut self, env: &mut Env, life: Life) -> Result<Option<Position>, Halt> {
        match self.log.flush() {
            Ok(flushed) => Ok(flushed),
            Err(error) => {
                invariants::flush_failed(env, life);
                Err(halt(&error))
            }
        }
    }

    /// Applies whole batches up to `upto`.
    pub(crate) fn apply(&mut self, env: &mut Env, life: Life, upto: Option<Lsn>) -> Vec<Batch> {
        let mut done = Vec::new();
        while let Some(batch) = self.unapplied.front()
            && Some(batch.last_lsn()) <= upto
        {
            let batch = self.unapplied.pop_front().expect("just seen");
            if env.is_broken(Mutation::ApplySkipsBatch) && env.chance.percent(2) {
                continue;
            }
            apply_batch(&mut self.state, &batch);
            let now = Applied {
                position: batch.position(),
                digest: self.state.digest(),
                flipped: self.flipped,
            };
            invariants::applied(env, life, self.index, self.applied, now, &batch);
            self.applied = Some(batch.position());
            let (lsn, digest) = (now.position.lsn, now.digest);
            if self.comparison.applied(StateAt { lsn, digest }).is_some() {
                env.stats.divergences += 1;
            }
            done.push(batch);
        }
        done
    }

    /// A bit of the memory flips.
    pub(crate) fn flip(&mut self) {
        self.state.flip();
        self.flipped = true;
    }

    /// Whether this node knows that its state is not its primary's.
    pub(crate) fn is_diverged(&self) -> bool {
        self.comparison.is_diverged()
    }

    /// As an operator has it done: the state is made again from the log.
    pub(crate) fn make_anew(&mut self, env: &mut Env, life: Life) -> Result<(), Halt> {
        let mut state = Self::blank_state(env, life);
        if let Some(applied) = self.applied {
            let reader = self.log.reader_factory().read_from(Lsn::FIRST);
            let mut reader = reader.map_err(|error| halt(&error))?;
            while let Some(batch) = reader.next(applied.lsn).map_err(|error| halt(&error))? {
                apply_batch(&mut state, &batch);
            }
        }
        let digest = state.digest();
        self.state = state;
        self.forget_findings(env, life);
        let applied = self.applied.map(|applied| applied.lsn);
        self.comparison
            .made_anew(applied.map(|lsn| StateAt { lsn, digest }));
        Ok(())
    }

    fn forget_findings(&mut self, env: &mut Env, life: Life) {
        self.flipped = false;
        self.comparison.made_anew(None);
        invariants::made_anew(env, life, self.index);
    }

    /// After a cut: forgets the state and builds it again from the log.
    pub(crate) fn rebuild(&mut self, env: &mut Env, life: Life) -> Result<(), Halt> {
        let head = self.log.flushed();
        self.shadow.cut(head);
        let upto = self
            .applied
            .map(|applied| applied.lsn)
            .min(head.map(|head| head.lsn));
        self.committed = self.committed.min(head.map(|head| head.lsn));
        self.state = Self::blank_state(env, life);
        self.forget_findings(env, life);
        self.applied = None;
        self.unapplied.clear();
        if let Some(head) = head {
            let reader = self.log.reader_factory().read_from(Lsn::FIRST);
            let mut reader = reader.map_err(|error| halt(&error))?;
            while let Some(batch) = reader.next(head.lsn).map_err(|error| halt(&error))? {
                self.unapplied.push_back(batch);
            }
        }
        self.apply(env, life, upto);
        Ok(())
    }
}

fn apply_batch(state: &mut Registers, batch: &Batch) {
    let (epoch, wall_millis) = (batch.epoch(), batch.wall_millis());
    for (lsn, record) in batch.records() {
        match record {
            Record::Command(bytes) => {
                let context = CommandContext {
                    lsn,
                    epoch,
                    wall_millis,
                };
                state.apply(context, &bytes);
            }
            Record::Audit(_) => {}
            Record::EpochStart(start) => state.begin_epoch(EpochStart {
                epoch,
                lsn,
                wall_millis,
                lossy: start.lossy,
            }),
        }
    }
}

/// A batch as an intake judges it.
pub(in crate::node) fn offered(batch: &Batch) -> Offered {
    Offered {
        epoch: batch.epoch(),
        first_lsn: batch.first_lsn(),
        previous: batch.previous(),
        position: batch.position(),
    }
}

/// What a failure of the log means for the process.
pub(super) fn halt(error: &LogError) -> Halt {
    match error {
        LogError::Flush(_) | LogError::Full(_) | LogError::Poisoned => {
            Halt::Disk(error.to_string())
        }
        LogError::Disk(disk) if disk.kind == DiskErrorKind::Io => Halt::Disk(error.to_string()),
        LogError::Damaged(damage) => Halt::Damaged(damage.clone()),
        _ => Halt::Broken(error.to_string()),
    }
}

/// The mutation: the damaged segment is taken for the log's torn end.
fn cut_off(disk: &SimDisk, damage: &Damage) {
    let directory = damage
        .file
        .rsplit_once('/')
        .map_or("", |(parent, _)| parent);
    for name in disk.list(directory).unwrap_or_default() {
        let path = format!("{directory}/{name}");
        if path >= damage.file && disk.remove(&path).is_err() {
            return;
        }
    }
}
