//! Noticing that the operator has given up the object store.

use super::Driver;
use crate::node::Fatal;
use crate::stand_in::{self, Former, FormerStore};
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
        let answers = self.store_answers(now);
        let found = tokio::task::spawn_blocking(move || {
            if !stand_in::is_there(&data) {
                return Ok(None);
            }
            if answers {
                return stand_in::refuse(&data).map(|()| None);
            }
            stand_in::open(&data).map(Some)
        });
        match found.await {
            Ok(Ok(Some(store))) => self.give_store_up(store).await,
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the stand-in for the object store cannot be used")
            }
        }
    }

    fn store_answers(&self, now: BootTime) -> bool {
        let patience = self.setup.timing.store_patience();
        let answered = self.control.view(now).store_answered;
        answered.is_some_and(|answered| now.since(answered) <= patience)
    }

    async fn give_store_up(&mut self, store: LocalStore) {
        self.configured.given_up = true;
        self.store.replace(Arc::new(store.clone()));
        tracing::error!(
            "the object store is given up: this node's lease is kept on its own disk until `understudy store adopt`"
        );
        self.audit
            .note("store_given_up", "operator".to_owned(), json!({}));
        self.watch_former(store);
        self.step(Event::Knock).await;
    }

    /// Looks at the store that was given up, until it turns out to be in
    /// force or the node ends.
    pub(crate) fn watch_former(&self, own: LocalStore) {
        let former = FormerStore {
            objects: Arc::clone(&self.configured.objects),
            own,
            me: self.setup.me.clone(),
            patience: self.setup.timing.attempt_timeout,
        };
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
    let mut told = Former::Silent;
    loop {
        tokio::time::sleep(every).await;
        let found = former.look().await;
        if let Former::Overtaken { epoch, holder } = &found {
            fatal.raise(overtaken(*epoch, holder));
            return;
        }
        if found == Former::Fenced && told != found {
            tracing::error!(
                "the object store that was given up answers again, and its lease is fenced: go back to it, or to another one, with `understudy store adopt`"
            );
        }
        told = found;
    }
}

pub(crate) fn overtaken(epoch: understudy_types::Epoch, holder: &str) -> String {
    format!(
        "E325: the object store that was given up answers, and {holder} holds epoch {epoch} there, taken since: both sides may have acknowledged writes. This node serves no more; to let it follow {holder}, remove the directory {} from its data root and start it: what only it has goes to quarantine",
        stand_in::DIRECTORY
    )
}
