//! A damaged log, at the start. Segments between sound ones are fetched anew
//! first ([`fill_gaps`]). What is damaged then has no known end: it is set
//! aside from there on, and the stream brings it again.
//!
//! That is safe while another node serves and lives: it has all that was
//! acknowledged. What this data root has acknowledged it gives up first, by a
//! new data id: an in-sync set that names the old one says nothing of it any
//! more, nobody can be promoted on that entry, and the primary takes it out,
//! durably, before it acknowledges anything without it.

use super::StartError;
use super::refetch::fill_gaps;
use super::start::entropy;
use crate::driver::LEASE_KEY;
use crate::meters::{NodeMeters, Resync};
use crate::once::Once;
use crate::settings::Settings;
use std::time::Duration;
use understudy_log::{Damage, DamagedEnd, DataRoot, LogError, OsDisk, find_damaged_end};
use understudy_protocol::{Lease, NotByItself, may_refetch};
use understudy_store::{ETag, Fetched, ObjectStore};
use understudy_tls::Dialer;
use understudy_types::{BootTime, Clock, DataId, Epoch, NodeId};

/// Makes all logs sound, or says why an operator must.
pub(super) async fn mend(
    root: &mut DataRoot<OsDisk>,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    settings: &Settings,
    meters: &NodeMeters,
    dialer: &Dialer,
    damage: Box<Damage>,
) -> Result<(), StartError> {
    tracing::warn!("{damage}");
    fill_gaps(root, store, settings, dialer).await?;
    let ends = damaged_ends(root, settings).await?;
    if ends.is_empty() {
        return Ok(());
    }
    let sound = ends.iter().map(|end| end.sound_epoch).min().flatten();
    let watch = Watch {
        store,
        clock,
        settings,
        sound,
    };
    if let Err(why) = watch.primary_lives().await {
        return Err(StartError::Damaged { damage, why });
    }
    root.set_aside(DataId::from_bytes(entropy()), &ends)
        .map_err(LogError::from)?;
    for end in &ends {
        meters.resyncs.add(Resync::Damaged);
        tracing::warn!(
            shard = %end.shard, segments = end.segments.len(), bytes = %end.bytes, kept_in = end.directory(),
            "the damaged end of the log was set aside: this node is a new standby, and fetches it anew from the primary"
        );
    }
    Ok(())
}

async fn damaged_ends(
    root: &DataRoot<OsDisk>,
    settings: &Settings,
) -> Result<Vec<DamagedEnd>, LogError> {
    let (disk, cluster) = (root.disk().clone(), root.identity().cluster);
    let shards: Vec<_> = settings.shards.iter().map(|s| s.name.clone()).collect();
    let found = tokio::task::spawn_blocking(move || {
        let ends = shards
            .iter()
            .filter_map(|shard| find_damaged_end(&*disk, cluster, shard).transpose());
        ends.collect()
    });
    found.await.expect("a walk does not panic")
}

struct Watch<'a> {
    store: &'a dyn ObjectStore,
    clock: &'a dyn Clock,
    settings: &'a Settings,
    sound: Option<Epoch>,
}

impl Watch<'_> {
    /// Waits until the primary renews the lease before this node's eyes. It
    /// has the time in which any living one does.
    async fn primary_lives(&self) -> Result<(), NotByItself> {
        let mut first: Option<(ETag, BootTime)> = None;
        let mut told = Once::default();
        loop {
            match self.store.get(LEASE_KEY, None).await {
                Ok(Fetched::Found(object)) => {
                    let lease = Lease::decode(&object.body).ok();
                    let lease = lease.ok_or(NotByItself::NobodyServes)?;
                    let me: &NodeId = &self.settings.node;
                    may_refetch(&lease, me, self.sound)?;
                    let now = self.clock.now();
                    let (etag, since) = first.get_or_insert((object.etag.clone(), now));
                    if *etag != object.etag {
                        return Ok(());
                    }
                    if now.since(*since) > lease.ttl() + lease.ttl() / 10 {
                        return Err(NotByItself::PrimarySilent);
                    }
                }
                Ok(_) => return Err(NotByItself::NobodyServes),
                Err(error) if told.is_news(&error) => {
                    tracing::warn!("waiting for the object store: {error}");
                }
                Err(_) => {}
            }
            let pause: Duration = self.settings.timing.poll_every;
            tokio::time::sleep(pause).await;
        }
    }
}
