//! All shards of a node, recovered and running, or none.

use super::{Fatal, StartError};
use crate::audit::Audit;
use crate::authority::Authority;
use crate::maintenance::Maintenance;
use crate::meters::NodeMeters;
use crate::settings::Settings;
use crate::shard::boot::{Booted, Ground, boot, stop};
use std::sync::Arc;
use understudy_log::{DataRoot, OsDisk};
use understudy_state::StateMachine;
use understudy_types::{Clock, ShardName};

/// What all shards share. A clone is another grip on the same.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) authority: Arc<Authority>,
    pub(super) fatal: Fatal,
    pub(super) audit: Audit,
    pub(super) meters: Arc<NodeMeters>,
    pub(super) maintenance: Maintenance,
}

/// Recovers all shards at once, each on a thread of its own. When one fails,
/// the others are stopped, and the root is free again.
pub(super) async fn boot_shards<S: StateMachine>(
    shared: &Shared,
    root: &Arc<DataRoot<OsDisk>>,
    empty: &Arc<impl Fn(&ShardName) -> S + Send + Sync + 'static>,
) -> Result<Vec<Booted<S>>, StartError> {
    let mut booting = Vec::new();
    for shard in shared.settings.shards.clone() {
        let (shared, root, empty) = (shared.clone(), root.clone(), empty.clone());
        let runtime = tokio::runtime::Handle::current();
        booting.push(tokio::task::spawn_blocking(move || {
            let ground = Ground {
                settings: &shared.settings,
                root: &root,
                node: &shared.settings.node,
                clock: &shared.clock,
                authority: &shared.authority,
                fatal: &shared.fatal,
                audit: &shared.audit,
                meters: &shared.meters,
                maintenance: &shared.maintenance,
                runtime: &runtime,
            };
            let name = shard.name.clone();
            boot(&ground, &shard, move || empty(&name))
        }));
    }
    let mut booted = Vec::new();
    let mut failed = None;
    for shard in booting {
        match shard.await.expect("recovery does not panic") {
            Ok(shard) => booted.push(shard),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let Some(failed) = failed else {
        return Ok(booted);
    };
    for shard in &booted {
        stop(&shard.core);
    }
    let threads = booted.into_iter().flat_map(|shard| shard.threads);
    let joined = threads.map(|thread| tokio::task::spawn_blocking(move || drop(thread.join())));
    futures::future::join_all(joined).await;
    Err(failed)
}
