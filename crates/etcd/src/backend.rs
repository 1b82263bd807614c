//! What the services need of a node, and nothing else.

use bytes::Bytes;
use std::future::Future;
use tokio::sync::watch;
use understudy_kv::KvState;
use understudy_node::handle::{Applied, ProposeError, Refusal, ShardHandle, ShardView};
use understudy_state::StateMachine;
use understudy_types::{ClusterId, Lsn, NodeId};

/// What a committed command is answered with.
pub type CommandResult = <KvState as StateMachine>::Response;

/// One shard of a node, as [`ShardHandle`] offers it.
pub trait Backend: Clone + Send + Sync + 'static {
    fn cluster(&self) -> ClusterId;

    fn node(&self) -> &NodeId;

    /// The same shard, for tasks of the runtime that this is called on.
    fn on_this_runtime(&self) -> Self;

    /// Commits and applies a command. Dropped, it may still happen.
    fn propose(
        &self,
        command: Bytes,
    ) -> impl Future<Output = Result<Applied<CommandResult>, ProposeError>> + Send;

    /// Reads what this node has applied.
    fn read<T>(&self, read: impl FnOnce(&KvState) -> T) -> T;

    /// Reads what is acknowledged, on the primary only.
    fn read_linearizable<T>(&self, read: impl FnOnce(&KvState) -> T) -> Result<T, Refusal>;

    /// Changes after each applied batch.
    fn applied(&self) -> watch::Receiver<Option<Lsn>>;

    /// Changes with each change of role.
    fn view(&self) -> watch::Receiver<ShardView>;
}

impl Backend for ShardHandle<KvState> {
    fn cluster(&self) -> ClusterId {
        ShardHandle::cluster(self)
    }

    fn node(&self) -> &NodeId {
        ShardHandle::node(self)
    }

    fn on_this_runtime(&self) -> Self {
        ShardHandle::on_this_runtime(self)
    }

    fn propose(
        &self,
        command: Bytes,
    ) -> impl Future<Output = Result<Applied<CommandResult>, ProposeError>> + Send {
        ShardHandle::propose(self, command)
    }

    fn read<T>(&self, read: impl FnOnce(&KvState) -> T) -> T {
        ShardHandle::read(self, read)
    }

    fn read_linearizable<T>(&self, read: impl FnOnce(&KvState) -> T) -> Result<T, Refusal> {
        ShardHandle::read_linearizable(self, read)
    }

    fn applied(&self) -> watch::Receiver<Option<Lsn>> {
        ShardHandle::applied(self)
    }

    fn view(&self) -> watch::Receiver<ShardView> {
        ShardHandle::view(self)
    }
}
