//! The pure core: who may write, who follows whom, what is committed, and
//! how a standby becomes the primary. Events and time in, actions out.
//!
//! It never does I/O, never reads a clock, draws no random number, spawns
//! nothing and logs nothing: all of that arrives as arguments, so that the
//! simulator can run the same lines millions of times.
//!
//! Invariants that live here: OneWriter and EpochsGrow ([`control`]),
//! AckedSurvives ([`shard::CommitTracker`], [`fallback`]), PrefixOfPrimary and
//! NothingFalls ([`shard::Intake`]), NoHalfPromotion ([`control`]).
//!
//! Start with [`Lease`], the one object that all nodes agree on; then
//! [`Control`], the owner of a node's role.

mod timing;

mod failover;

mod lease;

mod activation;

mod refetch;

mod without_store;

pub mod shard;

pub mod lag;

pub mod fallback;

pub mod control;

pub use activation::{AcceptLoss, ActivationRequest, Mode, Override, RequestId};
pub use control::{Action, Control, Event, Facts, LossBound, Moment, Notice, RoleName, Setup};
pub use failover::{FailoverPolicy, InvalidHoldOff};
pub use lease::{
    AckPolicy, Consumed, ETag, EpochRecord, Handover, Heads, Lease, LeaseError, LeaseState, Member,
    StandbyId,
};
pub use refetch::{NotByItself, may_refetch};
pub use timing::{InvalidTiming, Timing};
pub use without_store::{
    Former, WithoutStore, adopted_lease, first_epoch_after, judge_former, stand_in_lease,
};

#[cfg(test)]
mod tests;
