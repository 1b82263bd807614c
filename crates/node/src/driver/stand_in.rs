//! Noticing that the operator has given up the object store.

use super::Driver;
use crate::node::Fatal;
use crate::stand_in::{self, FormerStore, Looked};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use understudy_protocol::Event;
use understudy_store::{LocalStore, ObjectStore};
use understudy_types::BootTime;

const EVERY: Duration = Duration::from_millis(500);

/// What the driver knows of the store that it was configured with.
pub(crate) struct Configured {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// Whether a stand-in is used in its place.
    pub(crate) given_up: bool,
    pub(crate) checked: Option<BootTime>,
    /// When a stand-in was first seen in the data root.
    pub(crate) noticed: Option<BootTime>,
}

/// What is done about a stand-in that was found.
enum Use {
    /// The store has answered since.
    Refuse,
    /// It may still answer.
    Wait,
    Take,
}

impl Driver {
    /// A stand-in that has come into the data root is used from now on, unless
    /// the object store answers.
    pub(super) async fn check_stand_in(&mut self) {
        let now = self.clock.now();
        let checked = self.configured.checked;
        if self.configured.given_up || checked.is_some_and(|last| now.since(last) < EVERY) {
            return;
        }
        self.configured.checked = Some(now);
        let data = self.settings.data.clone();
        if !stand_in::is_there(&data) {
            self.configured.noticed = None;
            return;
        }
        let noticed = *self.configured.noticed.get_or_insert(now);
        let done = match self.use_of_stand_in(now, noticed) {
            Use::Wait => return,
            Use::Refuse => stand_in::refuse(&data),
            Use::Take => match stand_in::take(&data) {
                Ok(store) => {
                    self.give_store_up(store).await;
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = done {
            tracing::error!(%error, "the stand-in for the object store cannot be used: see to the data root's disk");
        }
    }

    fn use_of_stand_in(&self, now: BootTime, noticed: BootTime) -> Use {
        let patience = self.setup.timing.store_patience();
        match self.control.store_answered() {
            Some(answered) if answered > noticed => Use::Refuse,
            Some(answered) if now.since(answered) <= patience => Use::Wait,
            // Nothing was asked yet, perhaps.
            None if now.since(noticed) <= patience => Use::Wait,
            Some(_) | None => Use::Take,
        }
    }

    async fn give_store_up(&mut self, store: LocalStore) {
        self.configured.given_up = true;
        self.store.replace(Arc::new(store.clone()));
        if let Some(mark) = stand_in::mark(&store).await {
            let facts = json!({
                "reason": mark.reason,
                "fenced_by": mark.fenced_by,
                "former_epoch": mark.former_epoch,
            });
            self.audit.note("store_given_up", mark.by, facts);
        }
        let objects = Arc::clone(&self.configured.objects);
        self.watch_former(FormerStore::new(
            objects,
            store,
            &self.setup.me,
            &self.settings,
        ));
        self.step(Event::Knock).await;
    }

    /// Looks at the store that was given up, until it turns out to be in
    /// force or the node ends.
    pub(crate) fn watch_former(&self, former: FormerStore) {
        let (every, fatal) = (self.setup.timing.poll_every, self.fatal.clone());
        let stop = self.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = watch(former, every, fatal) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    pub(super) fn keep_last_seen(&mut self) {
        if let Some(lease) = self.control.last_lease() {
            self.state.last_seen.note(&self.disk, lease);
        }
    }
}

async fn watch(former: FormerStore, every: Duration, fatal: Fatal) {
    let mut told = Looked::Silent;
    loop {
        tokio::time::sleep(every).await;
        let found = match former.look().await {
            Ok(found) => found,
            Err(out_of_force) => return fatal.raise(out_of_force),
        };
        if found == Looked::Fenced && told != found {
            tracing::error!(
                "the object store that was given up answers again, and its lease is fenced: go back to it, or to another one, with `understudy store adopt`"
            );
        }
        told = found;
    }
}
