//! The object store: what it holds, and for whom it answers.

mod objects;
mod requests;

pub(crate) use requests::{StoreRequest, arrive, send};

use crate::scenario::Scenario;
use crate::time::SimTime;
use objects::{Object, Objects};
use std::collections::BTreeMap;
use understudy_protocol::fallback::SlotNumber;
use understudy_protocol::{ETag, Lease, adopted_lease};
use understudy_types::Nonce;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectName {
    Lease,
    Activation,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Fetch {
        object: ObjectName,
        known: Option<ETag>,
    },
    WriteLease {
        base: ETag,
        body: Vec<u8>,
    },
    FetchSlot(SlotPlace),
    /// Create-only.
    PutSlot {
        place: SlotPlace,
        body: Vec<u8>,
    },
    /// Nobody waits for it.
    RemoveSlot(SlotPlace),
}

/// A slot, and the work of a process that the answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotPlace {
    pub shard: usize,
    pub number: SlotNumber,
    pub work: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    objects: Objects,
    /// The lease while someone has deleted it by mistake.
    deleted: Option<Object>,
    /// Until then nothing works, for all or for one node.
    pub dark_until: SimTime,
    pub dark_for_node_until: Vec<SimTime>,
    /// Which write each lease came from, counted from the founding one.
    versions: BTreeMap<Nonce, u64>,
    /// The one node that reaches it: it stands in for a store that is lost.
    pub alone: Option<usize>,
    former: Former,
    /// How many stores there have been. What was on its way to another one
    /// never arrives.
    generation: u32,
}

/// The store that was given up, for all but the node that is alone.
#[derive(Debug)]
enum Former {
    Lost,
    Silent(Objects),
    Answers(Objects),
}

impl Store {
    pub(crate) fn new(scenario: &Scenario) -> Store {
        let nonce = Nonce::from_bytes([0; 16]);
        let first = Scenario::node_name(0);
        let lease = Lease::founding(scenario.cluster, "sim".to_owned(), first, nonce);
        Store {
            objects: Objects::with(&lease),
            deleted: None,
            dark_until: SimTime::ZERO,
            dark_for_node_until: vec![SimTime::ZERO; scenario.nodes],
            versions: BTreeMap::from([(nonce, 0)]),
            alone: None,
            former: Former::Lost,
            generation: 0,
        }
    }

    /// All that was in the store is out of reach; one node has one of its own.
    pub(crate) fn stand_in(&mut self, node: usize, lease: &Lease) {
        self.restore_lease();
        self.count(lease);
        let former = std::mem::replace(&mut self.objects, Objects::with(lease));
        self.former = Former::Silent(former);
        self.alone = Some(node);
        self.dark_until = SimTime::ZERO;
        self.dark_for_node_until[node] = SimTime::ZERO;
        self.generation += 1;
    }

    /// The lease in the store that was given up.
    pub(crate) fn former_lease(&self) -> Option<Lease> {
        match &self.former {
            Former::Lost => None,
            Former::Silent(objects) | Former::Answers(objects) => {
                objects.lease.as_ref().map(Object::as_lease)
            }
        }
    }

    /// The store that was given up answers everybody again, and the first that
    /// it is sent is a fence.
    pub(crate) fn answer_again(&mut self, fence: &Lease, now: SimTime) {
        let former = std::mem::replace(&mut self.former, Former::Lost);
        let (Former::Silent(mut objects) | Former::Answers(mut objects)) = former else {
            return;
        };
        objects.lease = Some(Object::of_lease(fence));
        objects.written_at = now;
        self.former = Former::Answers(objects);
    }

    pub(crate) fn former_answers(&self) -> bool {
        matches!(self.former, Former::Answers(_))
    }

    /// What one node had is in a store for all, above its own fence.
    pub(crate) fn adopt(&mut self, nonce: Nonce) {
        let over = self.former_lease().filter(|_| self.former_answers());
        let own = self.lease();
        let lease = own.and_then(|own| adopted_lease(&own, over.as_ref(), nonce));
        let lease = lease.expect("a stand-in's lease");
        self.count(&lease);
        self.objects.lease = Some(Object::of_lease(&lease));
        self.for_all();
    }

    /// The store that was given up, and answers, is in force for all again.
    pub(crate) fn go_back(&mut self) {
        let former = std::mem::replace(&mut self.former, Former::Lost);
        if let Former::Answers(objects) = former {
            self.objects = objects;
            self.lease().iter().for_each(|fence| self.count(fence));
            self.for_all();
        }
    }

    fn for_all(&mut self) {
        self.former = Former::Lost;
        self.alone = None;
        self.generation += 1;
    }

    fn count(&mut self, lease: &Lease) {
        let version = self.versions.len() as u64;
        self.versions.insert(lease.nonce, version);
    }

    /// How many writes had been applied when the store in force held this
    /// lease; `None` when it never did.
    pub(crate) fn version_of(&self, lease: &Lease) -> Option<u64> {
        self.versions.get(&lease.nonce).copied()
    }

    /// The lease as it truly is, for the operator and the checks.
    pub(crate) fn lease(&self) -> Option<Lease> {
        let object = self.objects.lease.as_ref().or(self.deleted.as_ref())?;
        Some(object.as_lease())
    }

    pub(crate) fn put_activation(&mut self, body: Vec<u8>) {
        self.objects.activation = Some(Object::new(body));
    }

    pub(crate) fn delete_lease(&mut self) {
        if let Some(lease) = self.objects.lease.take() {
            self.deleted = Some(lease);
        }
    }

    /// The operator puts the very object back.
    pub(crate) fn restore_lease(&mut self) {
        if let Some(lease) = self.deleted.take() {
            self.objects.lease = Some(lease);
        }
    }

    /// What this node's requests come to, if anything.
    fn seen_by(&mut self, node: usize) -> Option<&mut Objects> {
        if self.alone.is_none_or(|alone| alone == node) {
            return Some(&mut self.objects);
        }
        match &mut self.former {
            Former::Answers(objects) => Some(objects),
            Former::Lost | Former::Silent(_) => None,
        }
    }

    fn is_dark(&self, node: usize, now: SimTime) -> bool {
        now < self.dark_until || now < self.dark_for_node_until[node]
    }
}
