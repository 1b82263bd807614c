//! The way to the store, and what may happen on it.
//!
//! A request that goes out has one of these fates: answered; applied with the
//! answer lost; lost; applied long after the caller gave up; delivered twice
//! by something on the way; refused as a conflict (409) without effect.

use super::Operation;
use super::objects::Object;
use crate::env::Env;
use crate::node::Task;
use crate::queue::Happening;
use std::time::Duration;
use understudy_log::sim::Moment;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::{ETag, Lease};

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
    if env.store.seen_by(node).is_none() {
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
    let is_current = generation == env.store.generation;
    let cluster = env.scenario.cluster;
    let Some(objects) = env.store.seen_by(node).filter(|_| is_current) else {
        if let Answer::After(delay) = answer {
            time_out(env, node, life, &operation, delay);
        }
        return;
    };
    let task = match operation {
        Operation::Fetch { object, known } => {
            Task::Fetched(object, objects.fetch(object, known.as_ref()))
        }
        Operation::WriteLease { base, body } => {
            Task::LeaseWritten(write(env, (node, life), &base, body))
        }
        Operation::FetchSlot(place) => Task::SlotFetched(place, objects.fetch_slot(place)),
        Operation::PutSlot { place, body } => {
            let answer = objects.put_slot(place, body);
            env.say(|| format!("store: n{node} puts slot {place:?}: {answer:?}"));
            Task::SlotPut(place, answer)
        }
        Operation::RemoveSlot(place) => {
            objects.remove_slot(place, cluster);
            Task::SlotRemoved
        }
    };
    if let Answer::After(delay) = answer {
        env.task(delay, node, life, task);
    }
}

/// Applies a write, unless the crash matrix has the writer's power go first.
fn write(env: &mut Env, (node, life): (usize, u32), base: &ETag, body: Vec<u8>) -> WriteAnswer {
    let objects = env.store.seen_by(node);
    let current = objects.and_then(|objects| objects.lease.as_ref());
    let Some(current) = current.filter(|current| current.etag == *base) else {
        return WriteAnswer::Refused;
    };
    let before = current.as_lease();
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
    let now = env.now;
    let mut stood_still = Duration::ZERO;
    if let Some(objects) = env.store.seen_by(node) {
        stood_still = now.since(objects.written_at);
        objects.lease = Some(object);
        objects.written_at = now;
    }
    env.store.count(&after);
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
    crate::invariants::lease_written(env, &before, &after, stood_still);
    match cut {
        Some(_) => WriteAnswer::Unknown,
        None => WriteAnswer::Applied(etag),
    }
}
