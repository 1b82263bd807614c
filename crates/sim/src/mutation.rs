//! Deliberate breakages: each must be caught, or the simulator is worth
//! nothing. MUTATIONS.md says by which invariant, and with which seed.

use std::fmt;
use std::str::FromStr;

macro_rules! mutations {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// One line of the shell, broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutation {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Mutation {
            pub const ALL: &'static [Mutation] = &[$(Mutation::$name,)+];

            pub fn name(self) -> &'static str {
                match self {
                    $(Mutation::$name => $text,)+
                }
            }

            pub fn what(self) -> &'static str {
                match self {
                    $(Mutation::$name => concat!($($doc,)+),)+
                }
            }
        }
    };
}

mutations! {
    /// A write counts as flushed when it is appended.
    AckBeforeFlush = "ack-before-flush",
    /// An acknowledgement leaves without a look at the deadline.
    NoDeadlineCheck = "no-deadline-check",
    /// A linearizable read leaves without a look at the deadline.
    ReadWithoutDeadline = "read-without-deadline",
    /// Releasing the lease puts its epoch back by one.
    EpochReusedOnRelease = "epoch-reused-on-release",
    /// The lease is judged by the wall clock, which jumps.
    ExpiryFromWallClock = "expiry-from-wall-clock",
    /// The deadline counts from the answer of the store, not from the request.
    DeadlineFromAnswer = "deadline-from-answer",
    /// An epoch is claimed while the old stream is still taken and reported.
    NoPromiseBeforeClaim = "no-promise-before-claim",
    /// A promise is kept in memory only.
    PromiseNotPersisted = "promise-not-persisted",
    /// A claimed epoch is held at once, as if the old holder had ended.
    ClaimWithoutWait = "claim-without-wait",
    /// A standby reports what it has written, not what it has flushed.
    ProgressBeforeFlush = "progress-before-flush",
    /// A write of the lease whose outcome is unknown is taken for applied.
    UnknownTakenForApplied = "unknown-taken-for-applied",
    /// Acknowledgements go without a standby before its removal is durable.
    RemovalBeforeDurable = "removal-before-durable",
    /// A divergent tail is cut without a copy in quarantine.
    TruncateWithoutQuarantine = "truncate-without-quarantine",
    /// A new primary shows the tail that its standbys may not have.
    TailNotFenced = "tail-not-fenced",
    /// Batches are sent before they are flushed.
    UnflushedSent = "unflushed-sent",
    /// After a failed flush the log is opened again and used.
    FlushRetried = "flush-retried",
    /// The end of an epoch is said before its last batches are sent.
    EndBeforeData = "end-before-data",
    /// A standby is reported to have all that the primary has.
    JoinBeforeReached = "join-before-reached",
    /// A blank disk keeps the identity of the one it replaces.
    BlankDiskKeepsIdentity = "blank-disk-keeps-identity",
    /// A standby applies what it has flushed, committed or not.
    ApplyUncommitted = "apply-uncommitted",
    /// What a heartbeat says counts from its arrival, not from its echo.
    KnownFromArrival = "known-from-arrival",
    /// The state of one node depends on which node it is.
    ApplyDependsOnNode = "apply-depends-on-node",
    /// A batch is left out when the state is built.
    ApplySkipsBatch = "apply-skips-batch",
    /// An operator's request is fitted to whatever epoch is current.
    RequestFitsAnyEpoch = "request-fits-any-epoch",
    /// The evidence that an operator gave is invented.
    FencedWithoutEvidence = "fenced-without-evidence",
    /// What a stream still has under way is not waited for at its end.
    StoppedBeforeFlushed = "stopped-before-flushed",
    /// A promise is neither said to the primary nor kept against its stream.
    OldStreamTaken = "old-stream-taken",
    /// A switchover is sealed while the log still flushes.
    SealedBeforeFlushed = "sealed-before-flushed",
    /// A node that may act by itself does so as soon as the lease is over.
    NoHoldOff = "no-hold-off",
    /// A renewal drops the mark of an automatic failover.
    MarkDropped = "mark-dropped",
    /// The read of the lease that a request asks for is answered from memory.
    ReadFromMemory = "read-from-memory",
    /// A damaged segment and all behind it are removed, and the log is used.
    DamageCutOff = "damage-cut-off",
    /// A put of a slot whose outcome is unknown is left, and the next slot
    /// taken for the same batches.
    SlotLeftBehind = "slot-left-behind",
    /// A slot counts as stored when its put is sent.
    StoredWhenSent = "stored-when-sent",
    /// A promotion drains the slots, and does not seal them.
    NoSeal = "no-seal",
    /// A promotion drains from the first slot of all, whatever the mark says.
    MarkNotRead = "mark-not-read",
    /// Slots are removed before the mark behind them is durable.
    RemovedBeforeMark = "removed-before-mark",
    /// A promotion does not drain the slots.
    SlotsNotDrained = "slots-not-drained",
    /// A standby gives its word, and does not keep it.
    WordNotKept = "word-not-kept",
    /// Under `local` a write waits for the flush of a standby.
    LocalWaitsForStandby = "local-waits-for-standby",
    /// A hook before a promotion that fails is taken for one that passes.
    FailedHookPasses = "failed-hook-passes",
    /// A standby does not look at its primary's digests.
    DigestsNotCompared = "digests-not-compared",
    /// What the comparison found is not told to the role's owner.
    DivergenceNotTold = "divergence-not-told",
    /// A heartbeat counts as made when it arrives, however long it was held up.
    LagFromArrival = "lag-from-arrival",
    /// Without its store a node takes the next epoch after the last it saw.
    NoBandOfItsOwn = "no-band-of-its-own",
    /// Without its store a node still counts on the in-sync set it last saw.
    StandInCountsOnSet = "stand-in-counts-on-set",
    /// A store that answers again is left as it was found.
    FormerNotFenced = "former-not-fenced",
    /// A fence says that slots of its store hold what was acknowledged alone.
    FenceKeepsBase = "fence-keeps-base",
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMutation(String);

impl fmt::Display for UnknownMutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Mutation::ALL.iter().map(|m| m.name()).collect();
        write!(
            f,
            "no mutation is called {:?}; there are: {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownMutation {}

impl FromStr for Mutation {
    type Err = UnknownMutation;
    fn from_str(name: &str) -> Result<Self, UnknownMutation> {
        let found = Mutation::ALL.iter().copied().find(|m| m.name() == name);
        found.ok_or_else(|| UnknownMutation(name.to_owned()))
    }
}
