//! What the client-facing services see of a shard: propose a command, read
//! the state, wait for it to move, know who is primary. Nothing behind it.

use crate::authority::Authority;
use crate::shard::answers::{Answer, Delivered, Lane};
use crate::shard::queue::ProposalQueue;
use bytes::Bytes;
use parking_lot::RwLock;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::watch;
use understudy_state::StateMachine;
use understudy_types::{ClusterId, Epoch, Lsn, NodeId, ShardName};

/// A command's way back: it was committed under the node's ack policy and
/// applied, and the lease was still held when this was made.
#[derive(Debug)]
pub struct Applied<R> {
    pub lsn: Lsn,
    pub epoch: Epoch,
    pub response: R,
}

/// Why a proposal has no answer, split by what the caller may do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Nothing happened: the command was given no place in the log. It may be
    /// sent to the primary, or again later.
    #[error("not accepted: {0}")]
    NotAccepted(Refusal),
    /// The command may or may not be in the log of the next primary.
    #[error("outcome unknown: {0}")]
    Unknown(&'static str),
}

/// Why a node takes no commands or linearizable reads now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this node is not the primary")]
    NotPrimary,
    #[error("the lease could not be renewed in time")]
    LeaseLapsed,
    #[error("the disk is full")]
    DiskFull,
    #[error("the command is too large")]
    TooLarge,
    #[error("maintenance is on: writes are refused until an operator ends it")]
    Maintenance,
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Who is primary, as this node knows it. Changes with the role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardView {
    pub epoch: Epoch,
    /// The holder of the lease, when one is known to serve.
    pub primary: Option<PrimaryView>,
    /// Whether that is this node, with an epoch open for writes.
    pub here: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryView {
    pub node: NodeId,
    /// The primary's client address for this shard, `host:port`.
    pub client_address: String,
}

/// A cheap, cloneable grip on one shard of a running node.
pub struct ShardHandle<S: StateMachine> {
    pub(crate) inner: Arc<HandleInner<S>>,
    /// Where answers to this handle's proposals are delivered.
    pub(crate) lane: Lane<S>,
}

pub(crate) struct HandleInner<S: StateMachine> {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    pub(crate) shard: ShardName,
    pub(crate) proposals: ProposalQueue<S>,
    pub(crate) state: Arc<RwLock<S>>,
    pub(crate) applied: watch::Receiver<Option<Lsn>>,
    pub(crate) view: watch::Receiver<ShardView>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) request_timeout: Duration,
}

impl<S: StateMachine> Clone for ShardHandle<S> {
    fn clone(&self) -> Self {
        ShardHandle {
            inner: Arc::clone(&self.inner),
            lane: self.lane.clone(),
        }
    }
}

impl<S: StateMachine> fmt::Debug for ShardHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardHandle")
            .field("node", &self.inner.node)
            .field("shard", &self.inner.shard)
            .finish_non_exhaustive()
    }
}

impl<S: StateMachine> ShardHandle<S> {
    pub fn cluster(&self) -> ClusterId {
        self.inner.cluster
    }

    pub fn node(&self) -> &NodeId {
        &self.inner.node
    }

    pub fn shard(&self) -> &ShardName {
        &self.inner.shard
    }

    /// The same shard for tasks of the runtime that this is called on: answers
    /// to its proposals are delivered there, a batch at a time.
    pub fn on_this_runtime(&self) -> Self {
        ShardHandle {
            inner: Arc::clone(&self.inner),
            lane: Lane::on(
                &tokio::runtime::Handle::current(),
                self.inner.proposals.commands_max(),
            ),
        }
    }

    /// Proposes a command and waits until it is committed and applied.
    ///
    /// Waits for room in the shard's queue, which is bounded in bytes. When
    /// the future is dropped the command may still be committed.
    pub async fn propose(&self, command: Bytes) -> Result<Applied<S::Response>, ProposeError> {
        let answered = self.place(command);
        match tokio::time::timeout(self.inner.request_timeout, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(ProposeError::Unknown("no answer in time")),
        }
    }

    async fn place(&self, command: Bytes) -> Result<Applied<S::Response>, ProposeError> {
        let (answer, answered) = Answer::new(self.lane.clone());
        self.inner.proposals.push(command, answer).await?;
        let Delivered { applied, place } = answered.await.unwrap_or(Err(ProposeError::Unknown(
            "the primary gave way before it answered",
        )))?;
        // The last check before the reply leaves, after flush and apply.
        let confirmed = self.inner.authority.confirm(applied.epoch);
        drop(place);
        confirmed.map_err(|_| {
            ProposeError::Unknown("the lease ran out before the answer could leave")
        })?;
        Ok(applied)
    }

    /// Reads the state under its lock. What the closure sees is committed,
    /// and on a standby may be older than the primary's.
    pub fn read<T>(&self, read: impl FnOnce(&S) -> T) -> T {
        read(&self.inner.state.read())
    }

    /// Reads the state linearizably: every write acknowledged before the call
    /// is seen, and the lease is still held after the read.
    pub fn read_linearizable<T>(&self, read: impl FnOnce(&S) -> T) -> Result<T, Refusal> {
        let epoch = self.inner.authority.serving()?;
        let value = read(&self.inner.state.read());
        self.inner.authority.confirm(epoch)?;
        Ok(value)
    }

    /// The applied watermark; changes after each applied batch.
    pub fn applied(&self) -> watch::Receiver<Option<Lsn>> {
        self.inner.applied.clone()
    }

    /// Who is primary; changes with every change of role.
    pub fn view(&self) -> watch::Receiver<ShardView> {
        self.inner.view.clone()
    }
}
