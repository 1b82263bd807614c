//! **LagIsHonest**: a lag that a standby calls known is not less than what it
//! was within the last two heartbeats; so a lag of nothing that is known was
//! nothing within them, and a primary that is gone or frozen for longer makes
//! it unknown. And the seconds never fall while no heartbeat comes and nothing
//! moves here.

use super::{Life, Verdict};
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::time::Duration;
use understudy_protocol::lag::{Here, Lag, Stage};
use understudy_types::{Epoch, lsn_value};

/// Clocks run up to two per cent wrong.
const SLOWER: f64 = 1.03;

/// What a standby says of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub epoch: Epoch,
    /// When it began to follow: what it knows began anew then.
    pub since: SimTime,
    /// Heartbeats since then.
    pub heard: u64,
    pub here: Here,
    pub lag: Lag,
    pub heartbeat_every: Duration,
}

impl Reading {
    /// Nothing was heard and nothing moved since the other one.
    fn rests_on_the_same(&self, earlier: &Reading) -> bool {
        let facts = |reading: &Reading| (reading.epoch, reading.since, reading.heard, reading.here);
        facts(self) == facts(earlier)
    }
}

#[derive(Debug, Default)]
pub(super) struct LagIsHonest {
    /// What the primary of an epoch had flushed, and since when.
    flushed: BTreeMap<(Epoch, usize), Vec<(SimTime, u64)>>,
    /// When the primary of an epoch last made heartbeats.
    alive: BTreeMap<Epoch, SimTime>,
    last: BTreeMap<(Life, usize), Reading>,
}

impl LagIsHonest {
    pub(super) fn flushed(&mut self, epoch: Epoch, shard: usize, now: SimTime, records: u64) {
        let flushed = self.flushed.entry((epoch, shard)).or_default();
        flushed.push((now, records));
    }

    pub(super) fn beats(&mut self, epoch: Epoch, now: SimTime) {
        self.alive.insert(epoch, now);
    }

    fn flushed_at(&self, epoch: Epoch, shard: usize, moment: SimTime) -> u64 {
        let Some(flushed) = self.flushed.get(&(epoch, shard)) else {
            return 0;
        };
        let after = flushed.partition_point(|(at, _)| *at <= moment);
        after.checked_sub(1).map_or(0, |before| flushed[before].1)
    }

    pub(super) fn read(
        &mut self,
        life: Life,
        shard: usize,
        now: SimTime,
        reading: Reading,
    ) -> Verdict {
        let earlier = self.last.insert((life, shard), reading);
        if let Some(earlier) = earlier.filter(|earlier| reading.rests_on_the_same(earlier)) {
            for stage in Stage::ALL {
                let (then, now) = (earlier.lag.at(stage).age, reading.lag.at(stage).age);
                if now < then {
                    return Err(format!(
                        "n{} says s{shard} is {now:?} behind ({}), and said {then:?} before, in the same silence",
                        life.0,
                        stage.name()
                    ));
                }
            }
        }
        if !reading.lag.known {
            return Ok(());
        }
        let within = (reading.heartbeat_every * 2).mul_f64(SLOWER);
        let alive = self.alive.get(&reading.epoch).copied();
        if alive.is_none_or(|alive| alive < now.before(within)) {
            return Err(format!(
                "n{} knows how far s{shard} is behind, and the primary of epoch {} made its last heartbeat at {alive:?}, longer than {within:?} ago",
                life.0, reading.epoch
            ));
        }
        let there = self.flushed_at(reading.epoch, shard, now.before(within));
        for stage in Stage::ALL {
            let here = lsn_value(reading.here.at(stage).lsn);
            let said = reading.lag.at(stage).records;
            if here + said < there {
                return Err(format!(
                    "n{} has {here} of s{shard} ({}) and says that {said} are missing, but the primary had {there} already {within:?} ago",
                    life.0,
                    stage.name()
                ));
            }
        }
        Ok(())
    }
}
