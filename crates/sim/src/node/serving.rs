//! The data plane of a primary: places, flushes, commits, answers.

use super::process::Plane;
use super::shard::Appended;
use super::{Halt, Process, Task};
use crate::client::{Reply, ReturnAddress, answer};
use crate::env::Env;
use crate::invariants;
use crate::machine::{Command, CommandId};
use crate::mutation::Mutation;
use crate::network::ConnectionId;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use understudy_log::batch::BatchStart;
use understudy_log::{Batch, BatchBuilder, EpochStart};
use understudy_protocol::StandbyId;
use understudy_protocol::shard::{CommitTracker, Requirement};
use understudy_types::{BootTime, Epoch, Lsn, Position};

/// A client's command on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) to: ReturnAddress,
    pub(super) command: Command,
}

/// An acknowledgement that is ready to leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(super) to: ReturnAddress,
    pub(super) id: CommandId,
    pub(super) lsn: Lsn,
    pub(super) epoch: Epoch,
}

/// A connected standby's stream of one shard.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) standby: StandbyId,
    pub(super) heard: BootTime,
    /// The tick of its last Progress.
    pub(super) echo: Option<BootTime>,
}

#[derive(Debug)]
pub(super) struct ServedShard {
    pub(super) tracker: CommitTracker,
    /// Where the epoch forked, and whether its first batch has a place.
    pub(super) fork: Option<Position>,
    pub(super) begun: bool,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) placed: BTreeMap<Lsn, Waiting>,
    pub(super) senders: BTreeMap<ConnectionId, Sender>,
}

#[derive(Debug)]
pub(super) struct Serving {
    pub(super) epoch: Epoch,
    pub(super) lossy: bool,
    pub(super) is_open: bool,
    pub(super) held: bool,
    pub(super) told_sealed: bool,
    pub(super) told_answered: bool,
    /// Acknowledgements on their last way.
    pub(super) leaving: u64,
    pub(super) shards: Vec<ServedShard>,
    pub(super) peers: BTreeMap<StandbyId, understudy_protocol::Heads>,
    pub(super) read_lease: bool,
    /// The round in which a word is asked for; 0 for none.
    pub(super) asks: u64,
}

impl Serving {
    /// Of all shards.
    pub(super) fn senders(&self) -> Vec<ConnectionId> {
        let of_each = self.shards.iter().map(|served| served.senders.keys());
        of_each.flatten().copied().collect()
    }
}

impl Process {
    pub(super) fn write(
        &mut self,
        env: &mut Env,
        to: ReturnAddress,
        shard: usize,
        command: Command,
    ) -> Result<(), Halt> {
        let Some(serving) = self.serving() else {
            answer(env, to, Reply::NotAccepted);
            return Ok(());
        };
        serving.shards[shard]
            .waiting
            .push_back(Waiting { to, command });
        let delay = env.chance.between(Duration::ZERO, Duration::from_millis(1));
        self.task(env, delay, Task::Gather(shard));
        Ok(())
    }

    /// Gives everything that waits a place in one batch, unless the former
    /// batch is still being flushed.
    pub(super) fn gather(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        if self.shards[shard].is_flushing {
            return Ok(());
        }
        let epoch = serving.epoch;
        let lossy = serving.lossy;
        let held = serving.held;
        let served = &mut serving.shards[shard];
        if served.begun && (held || served.waiting.is_empty()) {
            return Ok(());
        }
        let log = &self.shards[shard].log;
        let start = BatchStart {
            epoch,
            first_lsn: log.next_lsn(),
            committed: served.tracker.committed(),
            wall_millis: self.clock.wall_millis(env.now),
            previous: log.head_hash(),
        };
        let mut builder = BatchBuilder::with_capacity(start, 256);
        if served.begun {
            served
                .waiting
                .iter()
                .for_each(|w| builder.push_command(&w.command.encode()));
        } else {
            let holder = self.member.node.clone();
            builder.push_epoch_start(&EpochStart { lossy, holder });
        }
        self.place(env, shard, &builder.finish())
    }

    fn place(&mut self, env: &mut Env, shard: usize, batch: &Batch) -> Result<(), Halt> {
        let id = self.id();
        invariants::stored(env, id, batch.epoch(), self.promise.promised());
        if self.shards[shard].append(batch)? == Appended::Full {
            return self.refuse_for_space(env, shard);
        }
        invariants::placed(env, id, shard, batch);
        env.say(|| {
            format!(
                "n{} s{shard} placed {} .. {} epoch {}",
                self.index,
                batch.first_lsn(),
                batch.position(),
                batch.epoch()
            )
        });
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        let served = &mut serving.shards[shard];
        if std::mem::replace(&mut served.begun, true) {
            for (index, waiting) in std::mem::take(&mut served.waiting).into_iter().enumerate() {
                served
                    .placed
                    .insert(batch.first_lsn().plus(index as u64), waiting);
            }
        }
        self.flush_soon(env, shard);
        if env.is_broken(Mutation::UnflushedSent) {
            self.send_at_once(env, shard, batch);
        }
        if env.is_broken(Mutation::AckBeforeFlush) {
            let Plane::Serving(serving) = &mut self.plane else {
                return Ok(());
            };
            serving.shards[shard].tracker.flushed(batch.last_lsn());
            self.committed_moved(env, shard);
        }
        Ok(())
    }

    /// The disk is full, and the log has made sure that nobody will ever find
    /// the batch.
    fn refuse_for_space(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        let served = &mut serving.shards[shard];
        if served.begun {
            for waiting in std::mem::take(&mut served.waiting) {
                answer(env, waiting.to, Reply::NotAccepted);
            }
        } else {
            self.task(env, Duration::from_millis(200), Task::Gather(shard));
        }
        Ok(())
    }

    pub(super) fn flushed_as_primary(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let flushed = self.shards[shard].log.flushed();
        if let Some(position) = flushed {
            let Plane::Serving(serving) = &mut self.plane else {
                return Ok(());
            };
            serving.shards[shard].tracker.flushed(position.lsn);
            let epoch = serving.epoch;
            invariants::flushed_in(env, epoch, shard, Some(position.lsn));
        }
        self.committed_moved(env, shard);
        self.fill_more(env, shard)?;
        let upto = flushed.map(|position| position.lsn);
        let committed = self.shards[shard].committed;
        invariants::counted(env, self.id(), shard, upto, committed);
        self.pump_soon(env, shard);
        self.tell_opened(env);
        self.tell_sealed(env);
        self.gather(env, shard)
    }

    /// Takes the tracker's word into the shard.
    pub(super) fn committed_moved(&mut self, env: &mut Env, shard: usize) {
        let Plane::Serving(serving) = &mut self.plane else {
            return;
        };
        let committed = serving.shards[shard].tracker.committed();
        if committed > self.shards[shard].committed {
            self.shards[shard].committed = committed;
            self.apply_soon(env, shard);
        }
    }

    pub(super) fn require(&mut self, env: &mut Env, requirement: Requirement) -> Result<(), Halt> {
        let requirement = match requirement {
            Requirement::Local if env.is_broken(Mutation::LocalWaitsForStandby) => {
                Requirement::AllOf([self.member.standby_id()].into())
            }
            other => other,
        };
        self.requirement = requirement.clone();
        let Plane::Serving(serving) = &mut self.plane else {
            return Ok(());
        };
        for served in &mut serving.shards {
            served.tracker.require(requirement.clone());
        }
        for shard in 0..self.shards.len() {
            self.committed_moved(env, shard);
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, env: &mut Env, shard: usize) -> Result<(), Halt> {
        let id = self.id();
        let here = &mut self.shards[shard];
        here.is_applying = false;
        let flushed = here.log.flushed().map(|head| head.lsn);
        let broken =
            env.is_broken(Mutation::ApplyUncommitted) && !matches!(self.plane, Plane::Serving(_));
        let early = env.is_broken(Mutation::AckBeforeFlush);
        let upto = if broken {
            flushed
        } else if early {
            here.committed
        } else {
            here.committed.min(flushed)
        };
        let done = here.apply(env, id, upto);
        for batch in &done {
            self.answer_batch(env, shard, batch);
        }
        self.tell_opened(env);
        self.tell_answered(env);
        Ok(())
    }
}
