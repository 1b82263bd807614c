//! The object store that was given up, looked at again and again: should it
//! answer, either its lease is fenced, or this node falls silent.

use super::{DIRECTORY, lease_in};
use crate::driver::LEASE_KEY;
use crate::settings::Settings;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use understudy_log::{OsDisk, read_optional, replace_durably};
use understudy_protocol::{Former, Lease, LeaseState, Member, judge_former};
use understudy_store::{Condition, ETag, LocalStore, ObjectStore, PutAnswer};
use understudy_types::Nonce;

const OVERTAKEN: &str = "overtaken";
const ADOPTION_NOT_ENDED: &str = "E326";

/// What a look has found, when this node may serve all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// The store does not answer, or has no lease of this cluster.
    Silent,
    /// It answers, and nobody can take an epoch there but by an operator's
    /// word.
    Fenced,
}

/// Why this node may not serve, and what to do.
pub(crate) type OutOfForce = String;

#[derive(Clone, Debug)]
pub(crate) struct FormerStore {
    objects: Arc<dyn ObjectStore>,
    own: LocalStore,
    me: Member,
    data: PathBuf,
    /// Of each request.
    patience: Duration,
}

impl FormerStore {
    pub(crate) fn new(
        objects: Arc<dyn ObjectStore>,
        own: LocalStore,
        me: &Member,
        settings: &Settings,
    ) -> FormerStore {
        FormerStore {
            objects,
            own,
            me: me.clone(),
            data: settings.data.clone(),
            patience: settings.timing.attempt_timeout,
        }
    }

    /// A process's first look: what an earlier one found holds, even if the
    /// store is silent by now.
    pub(crate) async fn check(&self) -> Result<(), OutOfForce> {
        if let Some(told) = self.overtaken_before() {
            return Err(told);
        }
        self.look().await.map(drop)
    }

    /// One look. Cancelled, the fence may have been written.
    pub(crate) async fn look(&self) -> Result<Looked, OutOfForce> {
        self.answer().await.unwrap_or(Ok(Looked::Silent))
    }

    /// `None` without an answer that says anything.
    async fn answer(&self) -> Option<Result<Looked, OutOfForce>> {
        let (_, own) = lease_in(&self.own).await?;
        let mark = own.without_store.clone()?;
        let read = tokio::time::timeout(self.patience, lease_in(&*self.objects));
        let (etag, found) = read.await.ok()??;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).ok()?;
        match judge_former(&found, &own, &mark, &self.me, Nonce::from_bytes(nonce)) {
            Former::Foreign => None,
            Former::Fenced => Some(Ok(Looked::Fenced)),
            Former::Adopted => Some(Err(half_adopted())),
            Former::Overtaken => {
                let told = overtaken(&found);
                self.remember_overtaken(&told);
                Some(Err(told))
            }
            // Before its own epoch is taken this node deposes nobody.
            Former::Fence(_) if !self.holds(&own) => None,
            Former::Fence(fence) => self.write(&fence, etag).await,
        }
    }

    fn holds(&self, own: &Lease) -> bool {
        let holder = own.holder.as_ref();
        own.state == LeaseState::Held
            && holder.is_some_and(|holder| holder.data_id == self.me.data_id)
    }

    async fn write(&self, fence: &Lease, over: ETag) -> Option<Result<Looked, OutOfForce>> {
        let body = Bytes::from(fence.encode());
        let put = self.objects.put(LEASE_KEY, body, Condition::Matches(over));
        // Any other answer is settled by the next look.
        match tokio::time::timeout(self.patience, put).await {
            Ok(Ok(PutAnswer::Applied(_))) => Some(Ok(Looked::Fenced)),
            _ => None,
        }
    }

    /// Durably: a look that gets no answer later must not make this node serve
    /// again. Blocks.
    fn remember_overtaken(&self, told: &str) {
        if let Err(error) = replace_durably(&self.directory(), OVERTAKEN, told.as_bytes()) {
            tracing::error!(%error, "it could not be kept that another node is in force");
        }
    }

    /// What was remembered so. Blocks.
    fn overtaken_before(&self) -> Option<String> {
        let told = read_optional(&self.directory(), OVERTAKEN).ok().flatten()?;
        Some(String::from_utf8_lossy(&told).into_owned())
    }

    fn directory(&self) -> OsDisk {
        OsDisk::new(self.data.join(DIRECTORY))
    }
}

fn overtaken(found: &Lease) -> OutOfForce {
    let (epoch, holder) = (found.epoch, found.holder_name());
    format!(
        "E325: the object store that was given up answers, and {holder} holds epoch {epoch} there, taken since: both sides may have acknowledged writes. This node serves no more; to let it follow {holder}, remove the directory {DIRECTORY} from its data root and start it: what only it has goes to quarantine"
    )
}

fn half_adopted() -> OutOfForce {
    format!(
        "{ADOPTION_NOT_ENDED}: this node's own lease stands in the object store already, and its stand-in is still there: run `understudy store adopt` again, which brings that to its end, and start the node then"
    )
}
