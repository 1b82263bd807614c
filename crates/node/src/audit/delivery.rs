//! Brings kept acts into the log: into this node's own, or the primary's.

use super::{Audit, AuditAct, AuditWriter, outbox};
use crate::driver::Snapshot;
use crate::node::Observer;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use understudy_protocol::Member;
use understudy_tls::{Dialer, Expected};
use understudy_types::Lsn;
use understudy_wire::v1::{AuditRequest, admin_client::AdminClient};

/// How soon what could not be delivered is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// How long one act may wait to be committed before others are looked at.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where acts can go from this node.
pub(crate) struct Ways {
    pub(crate) writer: Arc<AuditWriter>,
    pub(crate) observer: Observer,
    pub(crate) snapshot: Arc<Mutex<Snapshot>>,
    pub(crate) dialer: Dialer,
}

/// Delivers until the node ends. What is left then is delivered after the
/// next start.
pub(crate) async fn deliver(audit: Audit, ways: Ways, stopped: CancellationToken) {
    loop {
        let kept = audit.kept.notified();
        let left = tokio::select! {
            left = round(&audit, &ways) => left,
            () = stopped.cancelled() => return,
        };
        tokio::select! {
            () = kept, if left == Left::Nothing => {}
            () = tokio::time::sleep(RETRY_EVERY), if left == Left::Something => {}
            () = stopped.cancelled() => return,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

async fn round(audit: &Audit, ways: &Ways) -> Left {
    let disk = audit.disk.clone();
    let waiting = tokio::task::spawn_blocking(move || outbox::waiting(&*disk)).await;
    let waiting = match waiting {
        Ok(Ok(waiting)) => waiting,
        Ok(Err(error)) => {
            tracing::warn!(%error, "acts that wait for the audit cannot be read");
            return Left::Something;
        }
        Err(_) => return Left::Something,
    };
    for (name, act) in waiting {
        let delivered = tokio::time::timeout(PATIENCE, ways.take(&act)).await;
        let Ok(Some(lsn)) = delivered else {
            return Left::Something;
        };
        tracing::info!(act = %act.act, id = %act.id, %lsn, "audited");
        let disk = audit.disk.clone();
        let removed = tokio::task::spawn_blocking(move || outbox::remove(&*disk, &name)).await;
        if !matches!(removed, Ok(Ok(()))) {
            return Left::Something;
        }
    }
    Left::Nothing
}

impl Ways {
    async fn take(&self, act: &AuditAct) -> Option<Lsn> {
        if self.observer.is_primary_now() {
            return self.writer.write(act).await;
        }
        let following = self.snapshot.lock().following.clone()?;
        self.send(&following.target.primary, act).await
    }

    async fn send(&self, primary: &Member, act: &AuditAct) -> Option<Lsn> {
        let address = &primary.replication;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).ok()?;
        let expected = Expected::Node(primary.node.clone());
        let channel = self.dialer.connect(&endpoint, expected).await.ok()?;
        let json = String::from_utf8(act.encode()).expect("JSON is text");
        let response = AdminClient::new(channel).audit(AuditRequest { json }).await;
        Lsn::new(response.ok()?.into_inner().lsn)
    }
}
