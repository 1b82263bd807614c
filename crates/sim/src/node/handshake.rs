//! A standby's answer to a welcome: what it has beyond the common position
//! is kept aside, then cut.

use super::process::Plane;
use super::shard::halt;
use super::{Halt, Process};
use crate::env::Env;
use crate::invariants;
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use understudy_log::quarantine::{self, Notice, QuarantineError};
use understudy_log::{DiskErrorKind, LogError};
use understudy_protocol::shard::Intake;
use understudy_types::{Epoch, Lsn, Position};

impl Process {
    pub(super) fn welcomed(
        &mut self,
        env: &mut Env,
        shard: usize,
        epoch: Epoch,
        common: Option<Position>,
    ) -> Result<(), Halt> {
        assert!(
            self.shards[shard].is_quiet(),
            "a standby says hello when its log is quiet"
        );
        if common != self.shards[shard].log.flushed() && !self.cut_tail(env, shard, common)? {
            self.drop_stream(env, shard);
            return Ok(());
        }
        let log = &self.shards[shard].log;
        let intake = Intake::new(epoch, log.last_epoch(), log.flushed(), log.head_hash());
        let Plane::Following(following) = &mut self.plane else {
            return Ok(());
        };
        following.streams[shard].intake = Some(intake);
        self.shards[shard].comparison.follow(epoch);
        Ok(())
    }

    /// False: there is no space for the copy; nothing was cut.
    pub(super) fn cut_tail(
        &mut self,
        env: &mut Env,
        shard: usize,
        common: Option<Position>,
    ) -> Result<bool, Halt> {
        let removed =
            self.shards[shard].shadow.records() - common.map_or(0, |common| common.lsn.get());
        env.stats.truncations += 1;
        env.say(|| {
            format!(
                "n{} s{shard} cuts {removed} records after {common:?}",
                self.index
            )
        });
        let kept = match self.keep_tail(env, shard, common) {
            Ok(kept) => kept,
            Err(QuarantineError::Disk(error)) if error.kind == DiskErrorKind::Full => {
                return Ok(false);
            }
            Err(QuarantineError::Disk(error)) => return Err(Halt::Disk(error.to_string())),
            Err(QuarantineError::Tail(error)) => return Err(halt(&error)),
            Err(error) => return Err(Halt::Broken(error.to_string())),
        };
        invariants::truncated(env, self.id(), removed, kept);
        let id = self.id();
        let here = &mut self.shards[shard];
        match here.log.truncate_after(common) {
            Ok(()) => {}
            Err(LogError::Full(_)) => return Ok(false),
            Err(error) => return Err(halt(&error)),
        }
        here.rebuild(env, id)?;
        Ok(true)
    }

    /// How many records are in quarantine now, durably.
    fn keep_tail(
        &self,
        env: &Env,
        shard: usize,
        common: Option<Position>,
    ) -> Result<u64, QuarantineError> {
        if env.is_broken(Mutation::TruncateWithoutQuarantine) {
            return Ok(0);
        }
        let log = &self.shards[shard].log;
        let Some(head) = log.flushed() else {
            return Ok(0);
        };
        let notice = Notice {
            cluster: env.scenario.cluster,
            shard: Scenario::shard_name(shard),
            node: self.member.node.clone(),
            reason: "the primary does not have it".to_owned(),
            fork: common,
            wall_millis: self.clock.wall_millis(env.now),
        };
        let mut reader = log
            .reader_factory()
            .read_from(Lsn::after(common.map(|common| common.lsn)))?;
        let tail = std::iter::from_fn(|| reader.next(head.lsn).transpose());
        let summary = quarantine::store(&*self.disk, &notice, tail)?;
        Ok(summary.records())
    }
}
