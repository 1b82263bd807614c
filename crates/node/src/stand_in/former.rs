//! The object store that was given up, looked at again and again: should it
//! answer, either its lease is fenced, or this node falls silent.

use crate::driver::LEASE_KEY;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use understudy_protocol::{Lease, LeaseState, Member, judge_former};
use understudy_store::{Condition, Fetched, LocalStore, ObjectStore, PutAnswer};
use understudy_types::{Epoch, Nonce};

/// What is known of the store that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Former {
    /// It does not answer, or has no lease of this cluster.
    Silent,
    /// It answers, and nobody can take an epoch there but by an operator's
    /// word.
    Fenced,
    /// Another node holds an epoch there that was taken since.
    Overtaken { epoch: Epoch, holder: String },
    /// This node's own lease stands there: an adoption was not brought to its
    /// end.
    Adopted,
}

#[derive(Clone, Debug)]
pub(crate) struct FormerStore {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) own: LocalStore,
    pub(crate) me: Member,
    /// Of each request.
    pub(crate) patience: Duration,
}

impl FormerStore {
    /// One look. Cancelled, the fence may have been written.
    pub(crate) async fn look(&self) -> Former {
        self.answer().await.unwrap_or(Former::Silent)
    }

    fn holds(&self, own: &Lease) -> bool {
        let holder = own.holder.as_ref();
        own.state == LeaseState::Held
            && holder.is_some_and(|holder| holder.data_id == self.me.data_id)
    }

    /// `None` without an answer that says anything.
    async fn answer(&self) -> Option<Former> {
        let (_, own) = lease_in(&self.own).await?;
        let mark = own.without_store.clone()?;
        let read = tokio::time::timeout(self.patience, lease_in(&*self.objects));
        let (etag, found) = read.await.ok()??;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).ok()?;
        let judged = judge_former(&found, &own, &mark, &self.me, Nonce::from_bytes(nonce));
        match judged {
            understudy_protocol::Former::Foreign => None,
            understudy_protocol::Former::Fenced => Some(Former::Fenced),
            understudy_protocol::Former::Adopted => Some(Former::Adopted),
            understudy_protocol::Former::Overtaken => Some(Former::Overtaken {
                epoch: found.epoch,
                holder: holder_of(&found),
            }),
            // Before its own epoch is taken this node deposes nobody.
            understudy_protocol::Former::Fence(_) if !self.holds(&own) => None,
            understudy_protocol::Former::Fence(fence) => {
                let body = Bytes::from(fence.encode());
                let put = self.objects.put(LEASE_KEY, body, Condition::Matches(etag));
                // Any other answer is settled by the next look.
                match tokio::time::timeout(self.patience, put).await {
                    Ok(Ok(PutAnswer::Applied(_))) => Some(Former::Fenced),
                    _ => None,
                }
            }
        }
    }
}

fn holder_of(lease: &Lease) -> String {
    let holder = lease.holder.as_ref();
    holder.map_or("nobody".to_owned(), |holder| holder.node.to_string())
}

async fn lease_in(store: &dyn ObjectStore) -> Option<(understudy_store::ETag, Lease)> {
    match store.get(LEASE_KEY, None).await.ok()? {
        Fetched::Found(object) => Some((object.etag, Lease::decode(&object.body).ok()?)),
        Fetched::Absent | Fetched::NotModified => None,
    }
}
