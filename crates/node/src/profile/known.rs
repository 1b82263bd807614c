//! The primary's profile as this node last heard it, kept over restarts.

use super::NodeProfile;
use crate::driver::Snapshot;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use understudy_log::{Disk, OsDisk, read_optional, replace_durably};
use understudy_protocol::Member;
use understudy_tls::{Dialer, Expected};
use understudy_types::{BootTime, Clock, Nonce};
use understudy_wire::v1::{ProfileRequest, admin_client::AdminClient};

const FILE: &str = "primary.json";

/// How often the primary is asked again.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How soon a primary that has not answered yet is asked again.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// The longest that one question in the background may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where what is known of the primary came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The primary's process `by` said it at `at`; its wall clock was ahead
    /// of ours by so much, give or take the round trip.
    Heard {
        by: Nonce,
        at: BootTime,
        clock_offset_millis: i64,
    },
    /// A process before this one on the same data root heard it.
    Kept,
}

#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) profile: NodeProfile,
    pub(crate) source: Source,
}

/// What is known of the primary. Clones share it.
#[derive(Clone)]
pub(crate) struct KnownPrimary {
    heard: Arc<Mutex<Option<Heard>>>,
    disk: Arc<OsDisk>,
    clock: Arc<dyn Clock>,
    dialer: Dialer,
}

impl KnownPrimary {
    /// With what an earlier process kept. A file that cannot be read is as
    /// good as none: the primary is asked again.
    pub(crate) fn load(disk: Arc<OsDisk>, clock: Arc<dyn Clock>, dialer: Dialer) -> KnownPrimary {
        let kept = read_optional(&*disk, FILE).ok().flatten();
        let profile = kept.and_then(|body| serde_json::from_slice(&body).ok());
        let heard = profile.map(|profile| Heard {
            profile,
            source: Source::Kept,
        });
        KnownPrimary {
            heard: Arc::new(Mutex::new(heard)),
            disk,
            clock,
            dialer,
        }
    }

    pub(crate) fn get(&self) -> Option<Heard> {
        self.heard.lock().clone()
    }

    /// Whether this very process of the primary has been heard lately.
    pub(crate) fn is_fresh(&self, primary: &Member) -> bool {
        let now = self.clock.now();
        self.heard.lock().as_ref().is_some_and(|heard| {
            matches!(heard.source, Source::Heard { by, at, .. }
                if by == primary.incarnation && now.since(at) < ASK_EVERY * 2)
        })
    }

    /// Asks the primary within the limit, and keeps what it says. Without an
    /// answer what was known stays.
    pub(crate) async fn ask(&self, primary: &Member, limit: Duration) {
        let fetched = tokio::time::timeout(limit, self.fetch(primary)).await;
        if let Ok(Some(json)) = fetched {
            self.hear(primary, &json).await;
        }
    }

    /// Keeps what the primary said, durably on return where more changed than
    /// what changes all the time. What cannot be read changes nothing.
    pub(crate) async fn hear(&self, primary: &Member, json: &str) {
        let Ok(profile) = serde_json::from_str::<NodeProfile>(json) else {
            return;
        };
        let ahead = profile.wall_millis as i64 - self.clock.wall_millis() as i64;
        let source = Source::Heard {
            by: primary.incarnation,
            at: self.clock.now(),
            clock_offset_millis: ahead,
        };
        let heard = Heard { profile, source };
        let former = self.heard.lock().replace(heard.clone());
        if former.is_none_or(|former| differs(&former.profile, &heard.profile)) {
            self.keep(heard.profile).await;
        }
    }

    async fn fetch(&self, primary: &Member) -> Option<String> {
        let address = &primary.replication;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).ok()?;
        let expected = Expected::Node(primary.node.clone());
        let channel = self.dialer.connect(&endpoint, expected).await.ok()?;
        let response = AdminClient::new(channel).profile(ProfileRequest {}).await;
        Some(response.ok()?.into_inner().json)
    }

    async fn keep(&self, profile: NodeProfile) {
        let disk = self.disk.clone();
        let kept = tokio::task::spawn_blocking(move || store(&*disk, &profile)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "what the primary said of itself could not be kept");
        }
    }
}

/// Whether more has changed than what changes all the time.
fn differs(former: &NodeProfile, now: &NodeProfile) -> bool {
    let comparable = NodeProfile {
        wall_millis: now.wall_millis,
        state_memory_bytes: now.state_memory_bytes,
        standbys: now.standbys.clone(),
        ..former.clone()
    };
    comparable != *now
}

fn store<D: Disk>(disk: &D, profile: &NodeProfile) -> Result<(), understudy_log::DiskError> {
    let body = serde_json::to_vec_pretty(profile).expect("a profile is always representable");
    replace_durably(disk, FILE, &body)
}

/// Asks whoever this node follows, again and again, until the node ends.
pub(crate) async fn watch(
    known: KnownPrimary,
    snapshot: Arc<Mutex<Snapshot>>,
    stopped: CancellationToken,
) {
    loop {
        let following = snapshot.lock().following.clone();
        let primary = following.map(|context| context.target.primary.clone());
        let mut wait = RETRY_EVERY;
        if let Some(primary) = primary {
            known.ask(&primary, PATIENCE).await;
            if known.is_fresh(&primary) {
                wait = ASK_EVERY;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopped.cancelled() => return,
        }
    }
}
