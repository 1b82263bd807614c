//! The standby's side of the stream: one task for each shard, all ended
//! together.

mod knowledge;
mod stream;
mod unpack;

pub(crate) use knowledge::{Knowledge, KnowledgeView};
pub(crate) use stream::MESSAGE_BYTES_MAX;

use crate::driver::DriverHandle;
use crate::meters::NodeMeters;
use crate::profile::KnownPrimary;
use crate::settings::StreamSettings;
use crate::shard::ShardCore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use understudy_protocol::{Member, StandbyId};
use understudy_tls::Dialer;
use understudy_types::{Clock, ClusterId, Epoch, ShardName};

/// What a stream is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) epoch: Epoch,
    pub(crate) promised: Epoch,
    pub(crate) primary: Member,
}

/// What the streams of one target share.
pub(crate) struct Context {
    pub(crate) cluster: ClusterId,
    pub(crate) me: StandbyId,
    pub(crate) target: Target,
    pub(crate) settings: StreamSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) driver: DriverHandle,
    pub(crate) known: KnownPrimary,
    pub(crate) meters: Arc<NodeMeters>,
    pub(crate) dialer: Dialer,
    /// False once a promise stands above the target's epoch: from then on
    /// nothing is reported to that primary any more.
    pub(crate) reporting: AtomicBool,
    /// The last round in which this node gave its word to the target.
    pub(crate) vouched: AtomicU64,
    pub(crate) stop: CancellationToken,
    pub(crate) knowledge: BTreeMap<ShardName, Arc<Knowledge>>,
    pub(crate) reconnects: AtomicU64,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Streams that run.
pub(crate) struct Following {
    pub(crate) context: Arc<Context>,
    tasks: JoinSet<()>,
}

impl Following {
    pub(crate) fn begin(context: Context, shards: &[Arc<ShardCore>]) -> Following {
        let context = Arc::new(context);
        let mut tasks = JoinSet::new();
        for shard in shards {
            tasks.spawn(stream::follow(Arc::clone(&context), Arc::clone(shard)));
        }
        Following { context, tasks }
    }

    /// From now on the primary is told nothing.
    pub(crate) fn drain(&self) {
        self.context.reporting.store(false, Ordering::SeqCst);
    }

    /// Ends every stream. On return no task hands a batch to a log any more;
    /// what was handed over before may still be on its way to the disk.
    pub(crate) async fn end(mut self) {
        self.drain();
        self.context.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
