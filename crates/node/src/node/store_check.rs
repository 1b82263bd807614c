//! The object store at the start: it answers and honours conditional writes,
//! or was given up.

use super::StartError;
use super::start::{STORE_RETRY, entropy};
use crate::once::Once;
use crate::settings::Settings;
use crate::stand_in::{self, FormerStore};
use std::path::Path;
use std::sync::Arc;
use understudy_protocol::Member;
use understudy_store::{LocalStore, ObjectStore, ProbeRefusal, probe};
use understudy_types::{BootTime, Nonce};

/// A store that has shown that it honours conditional writes.
pub(super) struct Proved {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) at: BootTime,
    /// Used in its place, because it was given up.
    pub(super) stand_in: Option<LocalStore>,
}

impl Proved {
    /// The one that this node's lease is in.
    pub(super) fn in_use(&self) -> Arc<dyn ObjectStore> {
        match &self.stand_in {
            Some(stand_in) => Arc::new(stand_in.clone()),
            None => Arc::clone(&self.store),
        }
    }

    /// The store itself, for looking at it, when it was given up.
    pub(super) fn former(&self, me: &Member, settings: &Settings) -> Option<FormerStore> {
        let own = self.stand_in.clone()?;
        Some(FormerStore::new(self.store.clone(), own, me, settings))
    }
}

/// Probes the store until it answers, or is given up.
pub(super) async fn check_store(
    store: &dyn ObjectStore,
    data: &Path,
) -> Result<Option<LocalStore>, StartError> {
    let mut told = Once::default();
    loop {
        if stand_in::is_there(data) && !stand_in::gives_way_to(data, store).await {
            return Ok(Some(stand_in::take(data).map_err(StartError::StandIn)?));
        }
        match probe(store, Nonce::from_bytes(entropy())).await {
            Ok(_) => return Ok(None),
            Err(ProbeRefusal::Unanswered { error, .. }) if error.kind().is_outage() => {
                if told.is_news(&error) {
                    tracing::warn!("waiting for the object store: {error}");
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
}
