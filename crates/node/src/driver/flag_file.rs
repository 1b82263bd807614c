//! The activation flag as a file: `activate` in the data root.
//!
//! Its content is the same request as the object's. It is taken once: the
//! file is removed when it has been read, and the request counts from then
//! on exactly as one from the store.

use super::Driver;
use std::time::Duration;
use understudy_log::Disk;
use understudy_protocol::{ActivationRequest, Event};

const FILE: &str = "activate";
const EVERY: Duration = Duration::from_millis(500);

impl Driver {
    pub(super) async fn check_flag_file(&mut self) {
        let now = self.clock.now();
        if self
            .state
            .flag_checked
            .is_some_and(|last| now.since(last) < EVERY)
        {
            return;
        }
        self.state.flag_checked = Some(now);
        let disk = self.disk.clone();
        let read = tokio::task::spawn_blocking(move || {
            let body = disk.read(FILE).ok()?;
            let request = ActivationRequest::decode(&body);
            // Kept under another name, so that nobody wonders where it went.
            let taken = if request.is_ok() {
                "activate.taken"
            } else {
                "activate.refused"
            };
            let renamed = disk.rename(FILE, taken).and_then(|()| disk.sync_dir(""));
            Some((request, renamed))
        });
        match read.await {
            Ok(Some((Ok(request), Ok(())))) => {
                tracing::info!(activation = %request.id, "the file `activate` was taken");
                self.state.local.push_back(Event::ActivationGiven(request));
            }
            Ok(Some((Err(error), _))) => {
                tracing::warn!(%error, "the file `activate` is not a request; it is now `activate.refused`");
            }
            Ok(Some((Ok(_), Err(error)))) => {
                tracing::warn!(%error, "the file `activate` cannot be taken")
            }
            Ok(None) | Err(_) => {}
        }
    }
}
