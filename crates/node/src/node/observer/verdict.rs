//! The verdict, for whoever asks and at each scrape.

use super::Observer;
use crate::node::verdict::{self, Subject, Surroundings};
use crate::status::Verdict;
use std::sync::Arc;
use std::time::Duration;
use understudy_protocol::Mode;
use understudy_types::Epoch;

impl Observer {
    /// What stands for and against a promotion of this node now. Changes
    /// nothing; takes `verdict.time_limit` at most, and a moment.
    pub async fn verdict(&self, mode: Mode, expected: Option<Epoch>) -> Verdict {
        let began = self.clock.now();
        let surroundings = self.look().await;
        let mut verdict = self.judge(mode, expected, &surroundings);
        verdict.took_micros = self.clock.now().since(began).as_micros() as u64;
        verdict
    }

    /// Both verdicts from one look.
    pub(super) async fn verdicts(&self) -> Vec<Verdict> {
        let surroundings = self.look().await;
        let modes = [Mode::Switchover, Mode::Failover];
        let verdicts = modes.map(|mode| self.judge(mode, None, &surroundings));
        verdicts.into()
    }

    async fn look(&self) -> Surroundings {
        let limit = self.settings.verdict.time_limit;
        let (surroundings, ()) = tokio::join!(
            Surroundings::look(&self.settings, limit),
            self.ask_primary(limit)
        );
        surroundings
    }

    fn judge(&self, mode: Mode, expected: Option<Epoch>, surroundings: &Surroundings) -> Verdict {
        let status = self.status();
        let control = self.snapshot.lock().control.clone();
        let wall_millis = self.clock.wall_millis();
        let lease = control.as_ref().and_then(|control| control.lease.as_ref());
        let lease = lease.map(|seen| &seen.lease);
        let pending = control.as_ref().and_then(|control| {
            let request = control.pending.as_ref()?;
            lease
                .is_some_and(|lease| request.can_act(lease, wall_millis))
                .then_some(request)
        });
        verdict::verdict(&Subject {
            mode,
            expected,
            settings: &self.settings,
            status: &status,
            lease,
            pending,
            own: &self.profile_with(&status, wall_millis),
            primary: self.sources.primary.get().as_ref(),
            surroundings,
            flush_p99: self.flush_p99(),
            store_proved: self.sources.store_proved,
            now: self.clock.now(),
        })
    }

    /// Of the worst shard.
    pub(super) fn flush_p99(&self) -> Option<Duration> {
        let p99 = |shard: &Arc<crate::shard::ShardCore>| shard.meters.recent_flushes.p99();
        self.shards.iter().filter_map(p99).max()
    }

    /// Unless the primary was heard lately.
    async fn ask_primary(&self, limit: Duration) {
        let following = self.snapshot.lock().following.clone();
        if let Some(context) = following {
            let primary = &context.target.primary;
            let known = &self.sources.primary;
            if !known.is_fresh(primary) {
                known.ask(primary, limit).await;
            }
        }
    }
}
