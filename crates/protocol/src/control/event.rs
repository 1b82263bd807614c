//! What the core is told, and what it asks for.

use super::automatic::Reluctance;
use super::errand::Errand;
use super::failsafe::Failsafe;
use super::hooks::{HookCall, HookOutcome, HookPhase};
use super::loss::{Known, LossBound};
use crate::activation::{ActivationRequest, RequestId};
use crate::failover::FailoverPolicy;
use crate::fallback::{Fallback, SlotNumber, Watermarks};
use crate::lease::{AckPolicy, ETag, EpochRecord, Heads, Member, StandbyId};
use crate::shard::Requirement;
use crate::timing::Timing;
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::{BootTime, ClusterId, Epoch, NodeId, ShardName};

/// What a node is, fixed for the life of its process.
#[derive(Clone, Debug)]
pub struct Setup {
    pub cluster: ClusterId,
    pub me: Member,
    pub shards: Vec<ShardName>,
    pub ack_policy: AckPolicy,
    pub failover: FailoverPolicy,
    pub failsafe: Failsafe,
    pub timing: Timing,
    /// Phases for which there is a command.
    pub hooks: BTreeSet<HookPhase>,
}

/// Now, and what the core may not have of its own.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: BootTime,
    /// For the expiry of requests, and for nothing else.
    pub wall_millis: u64,
    /// 128 bits that nobody has used before.
    pub entropy: [u8; 16],
}

/// What the data plane knows, refreshed before anything is judged.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// This node's flushed position of each shard.
    pub heads: Heads,
    /// The epoch of each shard's last batch.
    pub last_epochs: BTreeMap<ShardName, Epoch>,
    /// A primary's committed watermarks.
    pub committed: Watermarks,
    /// The slot of each shard that a primary fills next, once it is known.
    pub free_slots: BTreeMap<ShardName, SlotNumber>,
    /// Up to where the slots before that hold everything beyond the base.
    pub stored: Watermarks,
    /// What the stream said of the primary, for each shard.
    pub known: BTreeMap<ShardName, Known>,
    /// A shard's state here differed from the primary's at the same Lsn, and
    /// was not made anew since.
    pub state_diverged: bool,
    /// A shard's log here is damaged.
    pub log_damaged: bool,
    /// Standbys of this primary that say so of themselves.
    pub diverged_standbys: BTreeSet<StandbyId>,
}

/// An object as fetched, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectFetched {
    Found { etag: ETag, body: Vec<u8> },
    NotModified,
    Absent,
    Failed,
}

pub type LeaseFetched = ObjectFetched;

/// How a conditional write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    Applied(ETag),
    /// The condition was false: an answer, but perhaps to a retry of a write
    /// of ours that had been applied.
    Refused,
    /// Not applied by this attempt (409, or an error before anything was sent).
    NotApplied,
    /// May have been applied, or may yet be.
    Unknown,
}

#[derive(Clone, Debug)]
pub enum Event {
    Tick,
    LeaseFetched(LeaseFetched),
    LeaseWritten(WriteAnswer),
    ActivationFetched(ObjectFetched),
    /// A request that arrived by another way than the object.
    ActivationGiven(ActivationRequest),
    PromisePersisted(Epoch),
    Facts(Facts),
    /// Someone says that the lease or the flag has changed: look now.
    Knock,
    /// An operator asks the primary for a small change of the lease. Answered
    /// under this id, as a request is.
    Errand {
        id: RequestId,
        errand: Errand,
    },
    Shutdown,
    /// The hook before the promotion for this request has ended.
    HookEnded {
        id: RequestId,
        outcome: HookOutcome,
    },

    /// The epoch's first batch is flushed and all before it is applied.
    Opened(Epoch),
    /// Writes are held, and every shard's log is flushed to its end.
    Sealed(Heads),
    /// Nothing that was given a place is unanswered.
    Answered,
    /// What a connected standby has flushed in this epoch's stream.
    PeerFlushed {
        peer: StandbyId,
        heads: Heads,
    },
    PeerGone(StandbyId),
    /// A standby answered this round of [`Action::AskToVouch`].
    PeerVouched {
        peer: StandbyId,
        round: u64,
    },
    /// The primary of this epoch asks for this node's word.
    VouchAsked {
        epoch: Epoch,
        round: u64,
    },
    /// A standby promised an epoch above ours: it takes nothing from us any
    /// more until we have a higher one.
    PeerPromised(Epoch),

    /// The primary of that epoch said on every shard's stream that it is
    /// silent for good, and all it flushed is flushed here.
    PrimaryEnded(Epoch),
    /// No batch is taken any more, on any shard; these are the ends.
    FollowingStopped(Heads),
    /// The slots were drained and sealed.
    Drained(Drained),
}

/// What a drain of the slots came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The ends of this node's logs now.
    pub heads: Heads,
    pub complete: Completeness,
    /// Each shard's first slot behind the seal.
    pub free_slots: BTreeMap<ShardName, SlotNumber>,
}

/// Whether all that the slots hold is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    All,
    /// A slot did not join the log, or could not be read.
    Gap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Fetch the lease, unless it still has this tag.
    FetchLease {
        known: Option<ETag>,
    },
    /// One attempt, no retries of any kind below.
    WriteLease {
        base: ETag,
        body: Vec<u8>,
    },
    FetchActivation {
        known: Option<ETag>,
    },
    /// Make the promise durable, then say [`Event::PromisePersisted`].
    PersistPromise(Epoch),

    /// Run the hook of this phase; of the one before a promotion say
    /// [`Event::HookEnded`], whatever becomes of it.
    RunHook(Box<HookCall>),

    /// Follow this primary in this epoch; `promised` goes into the hello.
    Follow {
        epoch: Epoch,
        promised: Epoch,
        primary: Box<Member>,
    },
    /// Take what still comes, but report no more to the primary.
    DrainFollowing,
    /// Take nothing more, then say [`Event::FollowingStopped`].
    StopFollowing,
    /// Cut what is not of this history, take over what the slots hold from
    /// the mark on, seal them in the name of `epoch`, then say
    /// [`Event::Drained`]. [`Action::StopFollowing`] ends it.
    Drain {
        epoch: Epoch,
        first: BTreeMap<ShardName, SlotNumber>,
        history: Vec<EpochRecord>,
    },

    /// Commit what is flushed, begin the epoch with a first batch, apply to
    /// its end, then say [`Event::Opened`].
    Open {
        epoch: Epoch,
        lossy: bool,
    },
    /// Answers of this epoch may leave until then.
    Grant {
        epoch: Epoch,
        deadline: BootTime,
    },
    /// No answer may leave any more.
    Revoke,
    Require(Requirement),
    /// Store in slots what is flushed beyond the base, from the mark on. What
    /// the base covers counts as stored at once.
    Fill {
        epoch: Epoch,
        fallback: Fallback,
        /// Each shard's first free slot, where a drain has just found it.
        free: BTreeMap<ShardName, SlotNumber>,
    },
    /// The slots are needed no more, or not by this node. A put that is under
    /// way may still land.
    StopFilling,
    /// The slots in these ranges are needed by nobody: remove them, but no
    /// seal.
    RemoveSlots(BTreeMap<ShardName, std::ops::Range<SlotNumber>>),
    /// Hold new writes (they wait), flush what has a place, then say
    /// [`Event::Sealed`], and [`Event::Answered`] once nothing is open.
    HoldWrites,
    /// Take held writes again.
    ResumeWrites,
    /// The epoch is over here: refuse held writes as not accepted, tell every
    /// standby the end, store nothing more in slots.
    Close,
    /// Ask every standby for its word, in each heartbeat, with this number;
    /// 0 to ask no more.
    AskToVouch(u64),
    /// Answer this round, if it is still that primary that is followed.
    Vouch {
        epoch: Epoch,
        round: u64,
    },
    /// Tell the standbys that the lease has changed.
    HintStandbys,
    Notify(Notice),
    /// The lease is released, or was never held: the process may end.
    Exit,
}

/// One line for the log, the status page and the receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    #[error("following {primary} in epoch {epoch}")]
    Following { primary: NodeId, epoch: Epoch },
    #[error("primary in epoch {epoch}")]
    Serving { epoch: Epoch },
    #[error("superseded: epoch {by} was taken by {holder}, this node gives way")]
    Superseded { by: Epoch, holder: NodeId },
    #[error("the lease could not be renewed in time: no answer leaves until it is")]
    Lapsed,
    #[error("the lease is renewed again")]
    Recovered,
    #[error(
        "the object store is silent: this primary goes on by the word of every node that could take its place (failsafe)"
    )]
    GoesOnByWord,
    #[error("standby {0} entered the in-sync set")]
    InSync(NodeId),
    #[error("standby {0} left the in-sync set")]
    OutOfSync(NodeId),
    #[error("no standby is in sync: acknowledged writes rest in the object store")]
    RestsInStore,
    #[error(
        "epoch {epoch} is claimed, but acknowledged writes in the object store do not join this log, or cannot be read: restore the slots' objects and restart this node, or ask for the failover again with --accept-loss unknown"
    )]
    SlotsHaveGap { epoch: Epoch },
    #[error(
        "lease.json is missing: nobody may take an epoch until it is restored from a copy (never run `understudy init` again)"
    )]
    LeaseMissing,
    #[error("{0}")]
    LeaseUnusable(String),
    #[error(
        "lease.json went back from epoch {seen} to {found}: an old copy was restored; put the newer one back"
    )]
    EpochWentBack { seen: Epoch, found: Epoch },
    #[error(
        "another process writes the lease in this node's name: this one gives way (a copied data root or a cloned machine)"
    )]
    Cloned,
    #[error("this node's log is shorter than lease.json says it was: it will not take the lease")]
    LogShorterThanLease,
    #[error("activation.json cannot be read: {0}")]
    ActivationUnusable(String),
    #[error("the primary is of epoch {lease}, but epoch {promised} is promised here")]
    PromisedBeyondLease { lease: Epoch, promised: Epoch },
    /// This node's own request. It is judged as an operator's is.
    #[error("no operator asked, this node does: request {} to fail over, because {}", .0.id, .0.reason)]
    AsksItself(Box<ActivationRequest>),
    #[error("no automatic failover to this node: {0}")]
    NoAutomaticFailover(Reluctance),
    #[error(
        "epoch {epoch} was taken by an automatic failover: no other happens until an operator has looked and runs `understudy acknowledge`"
    )]
    Unacknowledged { epoch: Epoch },
    /// A step of a request.
    #[error("activation {id}: {step}")]
    Activation { id: RequestId, step: Step },
}

/// How far an operator's request has come on this node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Step {
    #[error("refused {code}: {fact}; {way_out}")]
    Refused {
        code: &'static str,
        fact: String,
        way_out: String,
    },
    #[error("accepted")]
    Accepted { bound: LossBound },
    #[error("writes are held")]
    Holding,
    #[error("sealed")]
    Sealed { heads: Heads },
    #[error("{to} has all of it")]
    Confirmed { to: NodeId },
    #[error("handed over to {to}")]
    HandedOver { to: NodeId },
    #[error("aborted: {why}; this node goes on in its epoch")]
    Aborted { why: &'static str },
    #[error("promised epoch {0}")]
    Promised(Epoch),
    #[error("claimed epoch {0}")]
    Claimed(Epoch),
    #[error("the old lease is over ({why})")]
    Fenced { why: &'static str },
    #[error("the object store's slots are drained and sealed")]
    Drained { complete: Completeness },
    #[error("took epoch {epoch}")]
    Taken {
        epoch: Epoch,
        lossy: bool,
        heads: Heads,
        bound: LossBound,
    },
    #[error("serving epoch {0}")]
    Serving(Epoch),
    #[error("follows {to} in epoch {epoch}")]
    Follows { to: NodeId, epoch: Epoch },
    #[error("the automatic failover is acknowledged in epoch {0}: another one may happen")]
    Acknowledged(Epoch),
    #[error("{standby} is forgotten: it has no row until it follows again")]
    Forgotten { standby: NodeId },
    #[error("already done: {holder} holds epoch {epoch}")]
    AlreadyDone { holder: NodeId, epoch: Epoch },
}

impl Step {
    pub(crate) fn refused(
        code: &'static str,
        fact: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Step {
        Step::Refused {
            code,
            fact: fact.into(),
            way_out: way_out.into(),
        }
    }
}
