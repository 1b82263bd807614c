//! A standby's stream, over all its shards.

use super::Observer;
use crate::follow::{Context, KnowledgeView};
use crate::status::{ShardStatus, StreamStatus};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use understudy_protocol::lag::Condition;
use understudy_types::{BootTime, ShardName};

impl Observer {
    pub(super) fn stream_status(
        &self,
        context: &Context,
        shards: &BTreeMap<ShardName, ShardStatus>,
        now: BootTime,
    ) -> StreamStatus {
        let views = self.views(context);
        // The node is as far as the worst of its shards.
        let connected = views.iter().map(|view| view.connected).min().flatten();
        let worst = |moment: fn(&KnowledgeView) -> Option<BootTime>| {
            let moment = views.iter().map(moment).min().flatten();
            moment.map(|moment| now.since(moment))
        };
        let heartbeat = worst(|view| view.last.map(|heard| heard.arrived));
        // While much is behind, batches come and no heartbeat does.
        let anything = worst(|view| {
            let heard = view.last.map(|heard| heard.arrived);
            heard.max(view.last_batch)
        });
        let limit = self.settings.stream.heartbeat_every * 2;
        let state = match connected {
            None => "connecting",
            Some(_) if anything.is_none_or(|age| age > limit) => "silent",
            Some(_) => "streaming",
        };
        let broken = views.iter().find_map(|view| view.broken.as_ref());
        StreamStatus {
            state: state.to_owned(),
            primary: context.target.primary.node.clone(),
            epoch: context.target.epoch,
            connected_seconds: connected.map(|since| now.since(since).as_secs_f64()),
            heartbeat_age_seconds: heartbeat.map(|age| age.as_secs_f64()),
            round_trip_seconds: views
                .iter()
                .filter_map(|view| view.round_trip)
                .max()
                .map(|time| time.as_secs_f64()),
            cause: broken.map(|broken| broken.cause.clone()),
            condition: worst_condition(shards),
            catchup_seconds: catchup_seconds(&views).filter(|seconds| seconds.is_finite()),
            reconnects: context.reconnects.load(Ordering::Relaxed),
        }
    }

    /// What each shard knows of the primary.
    pub(super) fn views(&self, context: &Context) -> Vec<KnowledgeView> {
        let view = |shard: &std::sync::Arc<crate::shard::ShardCore>| {
            let applied = shard.marks.lock().applied;
            context.knowledge[&shard.name].view(applied)
        };
        self.shards.iter().map(view).collect()
    }
}

/// Until the last shard has applied all that is known of; infinite while one
/// of them comes no nearer.
pub(super) fn catchup_seconds(views: &[KnowledgeView]) -> Option<f64> {
    let seconds: Option<Vec<f64>> = views.iter().map(|view| view.catchup_seconds).collect();
    seconds?.into_iter().reduce(f64::max)
}

/// The first of them in the order in which they matter.
fn worst_condition(shards: &BTreeMap<ShardName, ShardStatus>) -> Option<String> {
    let has = |condition: &&Condition| {
        let word = Some(condition.name());
        shards
            .values()
            .any(|shard| shard.condition.as_deref() == word)
    };
    let worst = Condition::ALL.iter().find(has)?;
    Some(worst.to_string())
}
