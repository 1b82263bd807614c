//! What must hold, one file each, worded after the design. The nodes say
//! what they do; these files say whether they may.

mod acked_survives;
mod automatic_holds_back;
mod corruption_is_refused;
mod epochs_grow;
mod fsync_failure_stops;
mod hooks_are_obeyed;
mod lag_is_honest;
mod loss_is_known;
mod no_half_promotion;
mod nothing_falls;
mod one_writer;
mod prefix_of_primary;
mod reads_are_fresh;
mod standby_never_slows_primary;
mod state_is_a_function;

pub(crate) use corruption_is_refused::Rot;
pub(crate) use lag_is_honest::Reading;
pub(crate) use loss_is_known::Statement;
pub(crate) use nothing_falls::{at_rest, unique_at_rest};

use crate::env::Env;
use crate::node::{Applied, Shadow};
use crate::oracle::Floor;
use std::fmt;
use std::time::Duration;
use understudy_log::{Batch, Damage};
use understudy_protocol::control::HookPhase;
use understudy_protocol::{ActivationRequest, Lease, RequestId, StandbyId};
use understudy_types::{Epoch, Lsn, Position, StateAt, lsn_value};

/// `Err` says what was found.
pub(crate) type Verdict = Result<(), String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    OneWriter,
    EpochsGrow,
    PrefixOfPrimary,
    AckedSurvives,
    LossIsKnown,
    StateIsAFunction,
    NothingFalls,
    CorruptionIsRefused,
    StandbyNeverSlowsPrimary,
    NoHalfPromotion,
    FsyncFailureStops,
    ReadsAreFresh,
    AutomaticHoldsBack,
    HooksAreObeyed,
    LagIsHonest,
    /// Not of the design's list: when faults stop, the pair heals.
    Heals,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One life of one node's process.
pub(crate) type Life = (usize, u32);

#[derive(Debug, Default)]
pub(crate) struct Invariants {
    one_writer: one_writer::OneWriter,
    epochs_grow: epochs_grow::EpochsGrow,
    prefix: prefix_of_primary::PrefixOfPrimary,
    survives: acked_survives::AckedSurvives,
    loss: loss_is_known::LossIsKnown,
    function: state_is_a_function::StateIsAFunction,
    promotion: no_half_promotion::NoHalfPromotion,
    fsync: fsync_failure_stops::FsyncFailureStops,
    automatic: automatic_holds_back::AutomaticHoldsBack,
    hooks: hooks_are_obeyed::HooksAreObeyed,
    lag: lag_is_honest::LagIsHonest,
}

/// A conditional write of the lease was applied.
/// `before` had stood still for so long.
pub(crate) fn lease_written(env: &mut Env, before: &Lease, after: &Lease, stood_still: Duration) {
    let verdict = env.invariants.epochs_grow.lease_written(before, after);
    env.demand(Invariant::EpochsGrow, verdict);
    let verdict = env.invariants.promotion.lease_written(before, after);
    env.demand(Invariant::NoHalfPromotion, verdict);
    let hold_off = env.scenario.failover.hold_off().unwrap_or_default();
    let automatic = &mut env.invariants.automatic;
    let verdict = automatic.lease_written(before, after, stood_still, hold_off);
    env.stats.unasked += u64::from(verdict == Ok(true));
    env.demand(Invariant::AutomaticHoldsBack, verdict.map(|_| ()));
    if env.scenario.hooks.contains(&HookPhase::BeforePromotion) {
        let verdict = env.invariants.hooks.lease_written(before, after);
        env.demand(Invariant::HooksAreObeyed, verdict);
    }
}

/// A node runs its hook before a promotion.
pub(crate) fn hook_ran(env: &mut Env, root: StandbyId, id: RequestId, passed: bool) {
    let verdict = env.invariants.hooks.ran(root, id, passed);
    env.demand(Invariant::HooksAreObeyed, verdict);
    env.stats.fault(match passed {
        true => "hook: passed",
        false => "hook: failed",
    });
}

/// A node asks for a failover itself.
pub(crate) fn asks_itself(env: &mut Env, request: &ActivationRequest) {
    env.invariants.automatic.asked_itself(request.id);
    requested(env, request);
}

/// An operator acknowledges the last automatic failover.
pub(crate) fn acknowledged(env: &mut Env, epoch: Epoch) {
    env.invariants.automatic.acknowledged(epoch);
}

/// An operator asks for something.
pub(crate) fn requested(env: &mut Env, request: &ActivationRequest) {
    let seen = env.store.lease();
    let version = seen.and_then(|lease| env.store.version_of(&lease));
    env.invariants.promotion.requested(request, version);
}

/// A node refuses a request by what it knows of the lease.
pub(crate) fn refused(env: &mut Env, life: Life, id: RequestId, known: &Lease) {
    let Some(version) = env.store.version_of(known) else {
        return;
    };
    let verdict = env.invariants.promotion.refused(life, id, version);
    env.demand(Invariant::NoHalfPromotion, verdict);
}

/// An epoch is open for answers.
pub(crate) fn opens(env: &mut Env, epoch: Epoch) {
    env.invariants.one_writer.opened(epoch);
}

/// An acknowledgement or a linearizable read leaves.
pub(crate) fn effect(env: &mut Env, life: Life, epoch: Epoch) {
    let verdict = env.invariants.one_writer.effect(life, epoch);
    env.demand(Invariant::OneWriter, verdict);
    said(env, life);
}

/// Something leaves that rests on this process' disk.
pub(crate) fn said(env: &mut Env, life: Life) {
    let verdict = env.invariants.fsync.said(life);
    env.demand(Invariant::FsyncFailureStops, verdict);
}

pub(crate) fn flush_failed(env: &mut Env, life: Life) {
    env.invariants.fsync.failed(life);
}

/// A batch was read from a disk at the start of a process.
pub(crate) fn recovered(env: &mut Env, life: Life, shard: usize, batch: &Batch) {
    let verdict = nothing_falls::accepted(&env.oracle, life, shard, batch);
    env.demand(Invariant::NothingFalls, verdict);
    flushed(env, shard, batch.position());
}

/// A batch is flushed on its primary.
pub(crate) fn flushed(env: &mut Env, shard: usize, position: Position) {
    env.invariants.prefix.flushed(shard, position);
}

/// A primary of an epoch has flushed so many records.
pub(crate) fn flushed_in(env: &mut Env, epoch: Epoch, shard: usize, flushed: Option<Lsn>) {
    let records = lsn_value(flushed);
    env.invariants.lag.flushed(epoch, shard, env.now, records);
}

/// A primary makes its heartbeats.
pub(crate) fn beats(env: &mut Env, epoch: Epoch) {
    env.invariants.lag.beats(epoch, env.now);
}

/// Somebody looks at a standby's lag.
pub(crate) fn lag_read(env: &mut Env, life: Life, shard: usize, reading: Reading) {
    let verdict = env.invariants.lag.read(life, shard, env.now, reading);
    env.demand(Invariant::LagIsHonest, verdict);
}

/// A primary's flush is done, and counted.
pub(crate) fn counted(
    env: &mut Env,
    life: Life,
    shard: usize,
    flushed: Option<Lsn>,
    committed: Option<Lsn>,
) {
    let policy = env.scenario.ack_policy;
    let verdict = standby_never_slows_primary::flushed(life, shard, policy, flushed, committed);
    env.demand(Invariant::StandbyNeverSlowsPrimary, verdict);
}

/// A process did not start, because of this damage to its log.
pub(crate) fn damage_refused(env: &mut Env, life: Life, rot: &Rot, damage: &Damage) {
    let verdict = corruption_is_refused::refused(life, rot, damage);
    env.demand(Invariant::CorruptionIsRefused, verdict);
}

/// A process started on a disk with a flipped bit.
pub(crate) fn damage_missed(env: &mut Env, life: Life, rot: &Rot) {
    let verdict = corruption_is_refused::opened(life, rot);
    env.demand(Invariant::CorruptionIsRefused, verdict);
}

/// A standby appended a batch of a stream.
pub(crate) fn taken(env: &mut Env, life: Life, shard: usize, batch: &Batch) {
    let verdict = env.invariants.prefix.taken(life, shard, batch.position());
    env.demand(Invariant::PrefixOfPrimary, verdict);
}

/// A node is about to store a batch of an epoch.
pub(crate) fn stored(env: &mut Env, life: Life, epoch: Epoch, promised: Option<Epoch>) {
    let verdict = epochs_grow::stored(life, epoch, promised);
    env.demand(Invariant::EpochsGrow, verdict);
}

/// A standby that does not drain takes a batch from a stream of this epoch.
pub(crate) fn fenced(env: &mut Env, life: Life, stream: Epoch, promised: Option<Epoch>) {
    let verdict = epochs_grow::fenced(life, stream, promised);
    env.demand(Invariant::EpochsGrow, verdict);
}

/// A primary gave a batch its place.
pub(crate) fn placed(env: &mut Env, life: Life, shard: usize, batch: &Batch) {
    let verdict = env.invariants.epochs_grow.placed(life, shard, batch);
    env.demand(Invariant::EpochsGrow, verdict);
}

/// A node applied a batch.
pub(crate) fn applied(
    env: &mut Env,
    life: Life,
    shard: usize,
    before: Option<Position>,
    now: Applied,
    batch: &Batch,
) {
    let verdict = nothing_falls::applied(life, shard, before, batch);
    env.demand(Invariant::NothingFalls, verdict);
    let verdict = nothing_falls::accepted(&env.oracle, life, shard, batch);
    env.demand(Invariant::NothingFalls, verdict);
    let verdict = env.invariants.function.applied(life, shard, now);
    env.demand(Invariant::StateIsAFunction, verdict);
    env.invariants
        .survives
        .shown(life.0, shard, now.position, batch.epoch());
}

/// A standby heard what its primary's state is.
pub(crate) fn claimed(env: &mut Env, life: Life, shard: usize, claim: StateAt) {
    env.invariants.function.claimed(life, shard, claim);
}

/// A state is made from the log's first record.
pub(crate) fn made_anew(env: &mut Env, life: Life, shard: usize) {
    env.invariants.function.made_anew(life, shard);
}

/// A node that does not serve writes the lease.
pub(crate) fn takes(env: &mut Env, life: Life, epoch: Epoch) {
    let verdict = env.invariants.function.takes(life, epoch);
    env.demand(Invariant::StateIsAFunction, verdict);
}

/// A promotion stated what it may lose.
pub(crate) fn stated(env: &mut Env, epoch: Epoch, statement: Statement) {
    let request = statement
        .request
        .and_then(|id| env.invariants.promotion.request(id))
        .cloned();
    let verdict = env
        .invariants
        .loss
        .stated(epoch, statement, request.as_ref());
    env.demand(Invariant::LossIsKnown, verdict);
}

/// A node begins to serve an epoch on top of these logs.
pub(crate) fn opened(
    env: &mut Env,
    epoch: Epoch,
    lossy: bool,
    logs: &[&Shadow],
    clock: crate::time::NodeClock,
) {
    if env.invariants.one_writer.newest() > epoch {
        // It comes too late to answer anybody.
        return;
    }
    let lease = env.store.lease();
    let history = lease.as_ref().map_or(&[][..], |lease| &lease.history);
    let former = history.iter().rev().find(|record| record.epoch < epoch);
    env.invariants.loss.opens(epoch);
    for (shard, log) in logs.iter().enumerate() {
        let verdict = epochs_grow::forks_as_recorded(lease.as_ref(), epoch, shard, log.head());
        env.demand(Invariant::EpochsGrow, verdict);
        let missing = acked_survives::missing(&env.oracle, shard, log);
        if lossy {
            let verdict = env
                .invariants
                .loss
                .opened(epoch, former, &env.oracle, &missing, &clock);
            env.demand(Invariant::LossIsKnown, verdict);
            env.oracle.declare_lost(shard, &missing, log);
            env.invariants.survives.forget(shard, epoch, log);
        } else {
            let verdict = env.invariants.survives.opened(epoch, shard, log, &missing);
            env.demand(Invariant::AckedSurvives, verdict);
        }
    }
}

/// A node cuts its log; these records are kept in quarantine.
pub(crate) fn truncated(env: &mut Env, life: Life, removed: u64, quarantined: u64) {
    let verdict = loss_is_known::truncated(life, removed, quarantined);
    env.demand(Invariant::LossIsKnown, verdict);
}

/// A linearizable read came back to its client.
pub(crate) fn read_answered(
    env: &mut Env,
    shard: usize,
    key: u64,
    floor: Floor,
    found: Option<Lsn>,
) {
    let verdict = reads_are_fresh::answered(&env.oracle, shard, key, floor, found);
    env.demand(Invariant::ReadsAreFresh, verdict);
    if let Some(lsn) = found {
        env.oracle.raise_floor(shard, key, lsn);
    }
}

/// Everything is quiet: what was acknowledged must be in this log.
pub(crate) fn survived(env: &mut Env, shard: usize, log: &Shadow) {
    let missing = acked_survives::missing(&env.oracle, shard, log);
    let verdict = acked_survives::at_rest(shard, &missing);
    env.demand(Invariant::AckedSurvives, verdict);
}
