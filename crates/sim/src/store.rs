//! The object store: linearizable registers, and the way to them.
//!
//! A request that goes out has one of these fates: answered; applied with the
//! answer lost; lost; applied long after the caller gave up; delivered twice
//! by something on the way; refused as a conflict (409) without effect.

use crate::env::Env;
use crate::node::Task;
use crate::queue::Happening;
use crate::scenario::Scenario;
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;
use understudy_log::sim::Moment;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::fallback::{Slot, SlotContents, SlotNumber};
use understudy_protocol::{ETag, Lease, adopted_lease};
use understudy_types::{ClusterId, Nonce};

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

/// How the caller learns what became of a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    After(Duration),
    Never,
}

#[derive(Clone, Debug)]
pub(crate) struct StoreRequest {
    node: usize,
    life: u32,
    operation: Operation,
    answer: Answer,
    generation: u32,
}

#[derive(Clone, Debug)]
struct Object {
    etag: ETag,
    body: Vec<u8>,
}

impl Object {
    /// As on S3, the tag is a hash of the body.
    fn new(body: Vec<u8>) -> Object {
        let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Object {
            etag: ETag(format!("\"{hash:016x}\"")),
            body,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    lease: Option<Object>,
    activation: Option<Object>,
    slots: BTreeMap<(usize, SlotNumber), Object>,
    /// The lease while someone has deleted it by mistake.
    deleted: Option<Object>,
    /// Until then nothing works, for all or for one node.
    pub dark_until: SimTime,
    pub dark_for_node_until: Vec<SimTime>,
    /// Which write each lease came from, counted from the founding one.
    versions: BTreeMap<Nonce, u64>,
    /// When the lease was last written.
    written_at: SimTime,
    /// The one node that reaches it: it stands in for a store that is lost.
    pub alone: Option<usize>,
    /// How many stores there have been. What was on its way to another one
    /// never arrives.
    generation: u32,
}

impl Store {
    pub(crate) fn new(scenario: &Scenario) -> Store {
        let nonce = Nonce::from_bytes([0; 16]);
        let first = Scenario::node_name(0);
        let lease = Lease::founding(scenario.cluster, "sim".to_owned(), first, nonce);
        Store {
            lease: Some(Object::new(lease.encode())),
            activation: None,
            slots: BTreeMap::new(),
            deleted: None,
            dark_until: SimTime::ZERO,
            dark_for_node_until: vec![SimTime::ZERO; scenario.nodes],
            versions: BTreeMap::from([(nonce, 0)]),
            written_at: SimTime::ZERO,
            alone: None,
            generation: 0,
        }
    }

    /// All that was in the store is gone; one node has one of its own.
    pub(crate) fn stand_in(&mut self, node: usize, lease: &Lease) {
        self.replace(lease);
        self.slots.clear();
        self.activation = None;
        self.deleted = None;
        self.alone = Some(node);
        self.dark_until = SimTime::ZERO;
        self.dark_for_node_until[node] = SimTime::ZERO;
    }

    /// What one node had is in a store for all.
    pub(crate) fn adopt(&mut self, nonce: Nonce) {
        let lease = self
            .lease()
            .and_then(|lease| adopted_lease(&lease, None, nonce));
        self.replace(&lease.expect("a stand-in's lease"));
        self.alone = None;
    }

    fn replace(&mut self, lease: &Lease) {
        let version = self.versions.len() as u64;
        self.versions.insert(lease.nonce, version);
        self.lease = Some(Object::new(lease.encode()));
        self.generation += 1;
    }

    /// How many writes had been applied when the store held this lease;
    /// `None` when it never did.
    pub(crate) fn version_of(&self, lease: &Lease) -> Option<u64> {
        self.versions.get(&lease.nonce).copied()
    }

    /// The lease as it truly is, for the operator and the checks.
    pub(crate) fn lease(&self) -> Option<Lease> {
        let object = self.lease.as_ref().or(self.deleted.as_ref())?;
        Some(Lease::decode(&object.body).expect("only leases are written"))
    }

    pub(crate) fn put_activation(&mut self, body: Vec<u8>) {
        self.activation = Some(Object::new(body));
    }

    pub(crate) fn delete_lease(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.deleted = Some(lease);
        }
    }

    /// The operator puts the very object back.
    pub(crate) fn restore_lease(&mut self) {
        if let Some(lease) = self.deleted.take() {
            self.lease = Some(lease);
        }
    }

    fn fetch(&self, object: ObjectName, known: Option<&ETag>) -> ObjectFetched {
        let object = match object {
            ObjectName::Lease => &self.lease,
            ObjectName::Activation => &self.activation,
        };
        match object {
            None => ObjectFetched::Absent,
            Some(object) if known == Some(&object.etag) => ObjectFetched::NotModified,
            Some(Object { etag, body }) => ObjectFetched::Found {
                etag: etag.clone(),
                body: body.clone(),
            },
        }
    }

    fn fetch_slot(&self, place: SlotPlace) -> ObjectFetched {
        match self.slots.get(&(place.shard, place.number)) {
            None => ObjectFetched::Absent,
            Some(Object { etag, body }) => ObjectFetched::Found {
                etag: etag.clone(),
                body: body.clone(),
            },
        }
    }

    fn put_slot(&mut self, place: SlotPlace, body: Vec<u8>) -> WriteAnswer {
        match self.slots.entry((place.shard, place.number)) {
            Entry::Occupied(_) => WriteAnswer::Refused,
            Entry::Vacant(free) => {
                let object = free.insert(Object::new(body));
                WriteAnswer::Applied(object.etag.clone())
            }
        }
    }

    /// A seal stays for ever.
    fn remove_slot(&mut self, place: SlotPlace, cluster: ClusterId) {
        if let Entry::Occupied(slot) = self.slots.entry((place.shard, place.number)) {
            let shard = Scenario::shard_name(place.shard);
            let held = Slot::decode(&slot.get().body, cluster, &shard, place.number);
            let seal = held.is_ok_and(|slot| slot.contents == SlotContents::Seal);
            if !seal {
                slot.remove();
            }
        }
    }

    fn is_dark(&self, node: usize, now: SimTime) -> bool {
        now < self.dark_until || now < self.dark_for_node_until[node]
    }
}

/// Where a request is lost, delayed or doubled.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Normal,
    RequestLost,
    AnswerLost,
    Zombie,
    Doubled,
    Conflict,
    FailsAtOnce,
}

fn draw_fate(env: &mut Env, node: usize) -> Fate {
    if env.store.alone.is_some_and(|alone| alone != node) {
        return Fate::RequestLost;
    }
    if env.store.is_dark(node, env.now) {
        return env.chance.pick(&[
            Fate::RequestLost,
            Fate::RequestLost,
            Fate::RequestLost,
            Fate::AnswerLost,
            Fate::Zombie,
            Fate::FailsAtOnce,
        ]);
    }
    let trouble = if env.healing {
        0
    } else {
        env.scenario.store_trouble_per_mille
    };
    if !env.chance.per_mille(trouble) {
        return Fate::Normal;
    }
    env.chance.pick(&[
        Fate::RequestLost,
        Fate::AnswerLost,
        Fate::AnswerLost,
        Fate::Zombie,
        Fate::Doubled,
        Fate::Conflict,
        Fate::FailsAtOnce,
    ])
}

/// Sends a request; exactly one answer comes to the node's life.
pub(crate) fn send(env: &mut Env, node: usize, life: u32, operation: Operation) {
    let fate = draw_fate(env, node);
    if !matches!(fate, Fate::Normal) {
        env.stats.fault(fate_name(fate));
        env.say(|| format!("n{node} store request meets {fate:?}"));
    }
    let timeout = env.scenario.timing.attempt_timeout;
    let there = env.chance.millis(2, 40);
    let back = env.chance.millis(2, 40);
    let generation = env.store.generation;
    let request = |answer| StoreRequest {
        node,
        life,
        operation: operation.clone(),
        answer,
        generation,
    };
    let arrive = |env: &mut Env, delay, answer| {
        env.after(delay, Happening::StoreArrives(Box::new(request(answer))));
    };
    match fate {
        Fate::Normal => arrive(env, there, Answer::After(back)),
        Fate::RequestLost => time_out(env, node, life, &operation, timeout),
        Fate::AnswerLost => {
            arrive(env, there, Answer::Never);
            time_out(env, node, life, &operation, timeout);
        }
        Fate::Zombie => {
            let late = timeout + env.chance.millis(0, 9000);
            arrive(env, late, Answer::Never);
            time_out(env, node, life, &operation, timeout);
        }
        Fate::Doubled => {
            let again = there + env.chance.millis(1, 60);
            arrive(env, there, Answer::Never);
            arrive(env, again, Answer::After(back));
        }
        Fate::Conflict => {
            let task = failed(&operation, WriteAnswer::NotApplied);
            env.task(there + back, node, life, task);
        }
        Fate::FailsAtOnce => time_out(env, node, life, &operation, there + back),
    }
}

fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Normal => "store: none",
        Fate::RequestLost => "store: request lost",
        Fate::AnswerLost => "store: answer lost",
        Fate::Zombie => "store: applied later",
        Fate::Doubled => "store: sent twice",
        Fate::Conflict => "store: conflict",
        Fate::FailsAtOnce => "store: failed at once",
    }
}

fn failed(operation: &Operation, write: WriteAnswer) -> Task {
    match operation {
        Operation::WriteLease { .. } => Task::LeaseWritten(write),
        Operation::Fetch { object, .. } => Task::Fetched(*object, ObjectFetched::Failed),
        Operation::FetchSlot(place) => Task::SlotFetched(*place, ObjectFetched::Failed),
        Operation::PutSlot { place, .. } => Task::SlotPut(*place, write),
        Operation::RemoveSlot(_) => Task::SlotRemoved,
    }
}

fn time_out(env: &mut Env, node: usize, life: u32, operation: &Operation, after: Duration) {
    let task = failed(operation, WriteAnswer::Unknown);
    env.task(after, node, life, task);
}

/// A request reaches the store.
pub(crate) fn arrive(env: &mut Env, request: StoreRequest) {
    let StoreRequest {
        node,
        life,
        operation,
        answer,
        generation,
    } = request;
    if generation != env.store.generation {
        if let Answer::After(delay) = answer {
            time_out(env, node, life, &operation, delay);
        }
        return;
    }
    let task = match operation {
        Operation::Fetch { object, known } => {
            Task::Fetched(object, env.store.fetch(object, known.as_ref()))
        }
        Operation::WriteLease { base, body } => {
            Task::LeaseWritten(write(env, (node, life), &base, body))
        }
        Operation::FetchSlot(place) => Task::SlotFetched(place, env.store.fetch_slot(place)),
        Operation::PutSlot { place, body } => {
            let answer = env.store.put_slot(place, body);
            env.say(|| format!("store: n{node} puts slot {place:?}: {answer:?}"));
            Task::SlotPut(place, answer)
        }
        Operation::RemoveSlot(place) => {
            env.store.remove_slot(place, env.scenario.cluster);
            Task::SlotRemoved
        }
    };
    if let Answer::After(delay) = answer {
        env.task(delay, node, life, task);
    }
}

/// Applies a write, unless the crash matrix has the writer's power go first.
fn write(env: &mut Env, (node, life): (usize, u32), base: &ETag, body: Vec<u8>) -> WriteAnswer {
    let Some(current) = &env.store.lease else {
        return WriteAnswer::Refused;
    };
    if current.etag != *base {
        return WriteAnswer::Refused;
    }
    let before = Lease::decode(&current.body).expect("only leases are written");
    let after = Lease::decode(&body).expect("only leases are written");
    let cut = env.lease_steps.meets(node, &before, &after);
    if matches!(cut, Some(Moment::Before | Moment::After)) {
        env.after(Duration::ZERO, Happening::PowerFails { node, life });
    }
    if cut == Some(Moment::Before) {
        return WriteAnswer::Unknown;
    }
    let object = Object::new(body);
    let etag = object.etag.clone();
    env.store.lease = Some(object);
    let version = env.store.versions.len() as u64;
    env.store.versions.insert(after.nonce, version);
    env.say(|| {
        let in_sync: Vec<_> = after.in_sync.iter().map(|s| s.node.as_str()).collect();
        format!(
            "store: n{node} wrote epoch {} {:?} by {} renewal {} in sync {in_sync:?} handover {:?}",
            after.epoch,
            after.state,
            after.holder.as_ref().map_or("-", |h| h.node.as_str()),
            after.renewals,
            after.handover.as_ref().map(|h| h.successor.as_str()),
        )
    });
    let stood_still = env.now.since(env.store.written_at);
    env.store.written_at = env.now;
    crate::invariants::lease_written(env, &before, &after, stood_still);
    match cut {
        Some(_) => WriteAnswer::Unknown,
        None => WriteAnswer::Applied(etag),
    }
}
