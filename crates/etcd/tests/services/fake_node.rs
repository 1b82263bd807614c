//! A node without a log: what it accepts, it and its followers apply.

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use tokio::sync::watch;
use understudy_etcd::{Backend, CommandResult};
use understudy_kv::{Command, KvState, PutRequest};
use understudy_node::handle::{Applied, PrimaryView, ProposeError, Refusal, ShardView};
use understudy_state::{CommandContext, StateMachine};
use understudy_types::{ClusterId, Epoch, Lsn, NodeId};

/// What a node does with a proposal while it is primary.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proposals {
    Answered,
    Refused(Refusal),
    /// Applied, but the answer is lost.
    AnswerLost,
}

pub(crate) struct FakeNode {
    name: NodeId,
    state: RwLock<KvState>,
    applied: watch::Sender<Option<Lsn>>,
    view: watch::Sender<ShardView>,
    followers: Mutex<Vec<Arc<FakeNode>>>,
    proposals: Mutex<Proposals>,
    proposal_count: watch::Sender<u64>,
}

/// Counted, so tests may wait for it: proposals that a node was given.
pub(crate) type Count = watch::Receiver<u64>;

impl FakeNode {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Arc::new(FakeNode {
            name: name.parse().expect("a valid name"),
            state: RwLock::new(KvState::new()),
            applied: watch::Sender::new(None),
            view: watch::Sender::new(ShardView::default()),
            followers: Mutex::default(),
            proposals: Mutex::new(Proposals::Answered),
            proposal_count: watch::Sender::new(0),
        })
    }

    pub(crate) fn set_view(&self, epoch: u64, primary: Option<(&FakeNode, &str)>) {
        let view = ShardView {
            epoch: Epoch::new(epoch),
            here: primary.is_some_and(|(node, _)| node.name == self.name),
            primary: primary.map(|(node, address)| PrimaryView {
                node: node.name.clone(),
                client_address: address.to_owned(),
            }),
        };
        self.view.send_replace(view);
    }

    pub(crate) fn set_proposals(&self, proposals: Proposals) {
        *self.proposals.lock() = proposals;
    }

    pub(crate) fn set_followers(&self, followers: Vec<Arc<FakeNode>>) {
        *self.followers.lock() = followers;
    }

    pub(crate) fn proposal_count(&self) -> Count {
        self.proposal_count.subscribe()
    }

    pub(crate) fn revision(&self) -> i64 {
        self.state.read().revision()
    }

    /// Applies here and on the followers, as after a commit.
    pub(crate) fn apply(&self, command: &[u8]) -> CommandResult {
        let lsn = Lsn::after(*self.applied.borrow());
        let context = CommandContext {
            lsn,
            epoch: self.view.borrow().epoch,
            wall_millis: 0,
        };
        let response = self.state.write().apply(context, command);
        self.applied.send_replace(Some(lsn));
        for follower in self.followers.lock().iter() {
            let _ = follower.apply(command);
        }
        response
    }

    pub(crate) fn apply_put(&self, key: &str, value: impl Into<Bytes>) {
        let put = PutRequest {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: value.into(),
            ..PutRequest::default()
        };
        self.apply(&Command::Put(put).encode())
            .expect("a valid put");
    }

    /// As when a divergent tail was removed and the state was built again.
    pub(crate) fn rebuild(&self, state: KvState) {
        *self.state.write() = state;
        self.applied.send_modify(|_| {});
    }

    fn accept(&self, command: &[u8]) -> Result<Applied<CommandResult>, ProposeError> {
        self.proposal_count.send_modify(|count| *count += 1);
        if !self.view.borrow().here {
            return Err(ProposeError::NotAccepted(Refusal::NotPrimary));
        }
        let proposals = *self.proposals.lock();
        if let Proposals::Refused(refusal) = proposals {
            return Err(ProposeError::NotAccepted(refusal));
        }
        let response = self.apply(command);
        if let Proposals::AnswerLost = proposals {
            return Err(ProposeError::Unknown("the test lost the answer"));
        }
        let lsn = self.applied.borrow().expect("just applied");
        Ok(Applied {
            lsn,
            epoch: self.view.borrow().epoch,
            response,
        })
    }
}

/// What a server is given of a fake node.
#[derive(Clone)]
pub(crate) struct Grip(pub(crate) Arc<FakeNode>);

impl Backend for Grip {
    fn cluster(&self) -> ClusterId {
        ClusterId::from_bytes([7; 16])
    }

    fn node(&self) -> &NodeId {
        &self.0.name
    }

    fn on_this_runtime(&self) -> Self {
        self.clone()
    }

    async fn propose(&self, command: Bytes) -> Result<Applied<CommandResult>, ProposeError> {
        self.0.accept(&command)
    }

    fn read<T>(&self, read: impl FnOnce(&KvState) -> T) -> T {
        read(&self.0.state.read())
    }

    fn read_linearizable<T>(&self, read: impl FnOnce(&KvState) -> T) -> Result<T, Refusal> {
        match self.0.view.borrow().here {
            true => Ok(self.read(read)),
            false => Err(Refusal::NotPrimary),
        }
    }

    fn applied(&self) -> watch::Receiver<Option<Lsn>> {
        self.0.applied.subscribe()
    }

    fn view(&self) -> watch::Receiver<ShardView> {
        self.0.view.subscribe()
    }
}
