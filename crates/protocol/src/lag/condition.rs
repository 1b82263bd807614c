use super::{Lag, Stage};
use std::fmt;
use std::time::Duration;

/// Why a stream ended, as the metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The primary could not be reached.
    Unreachable,
    /// It was reached, and did not take this node.
    Refused,
    /// It was not heard for too long.
    Silent,
    /// It closed the stream, or the network did.
    Closed,
    /// A batch left a gap, or did not join the log.
    Gap,
    /// A batch or a heartbeat was of another epoch.
    OtherEpoch,
    /// A batch was damaged on its way.
    Damaged,
    /// This node could not store a batch.
    NotStored,
    /// What came does not fit the protocol.
    Malformed,
}

impl StreamEnd {
    pub const ALL: [StreamEnd; 9] = [
        StreamEnd::Unreachable,
        StreamEnd::Refused,
        StreamEnd::Silent,
        StreamEnd::Closed,
        StreamEnd::Gap,
        StreamEnd::OtherEpoch,
        StreamEnd::Damaged,
        StreamEnd::NotStored,
        StreamEnd::Malformed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            StreamEnd::Unreachable => "unreachable",
            StreamEnd::Refused => "refused",
            StreamEnd::Silent => "silent",
            StreamEnd::Closed => "closed",
            StreamEnd::Gap => "gap",
            StreamEnd::OtherEpoch => "other_epoch",
            StreamEnd::Damaged => "damaged",
            StreamEnd::NotStored => "not_stored",
            StreamEnd::Malformed => "malformed",
        }
    }
}

/// How a standby's shard does, in one word: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Something came from an epoch that is not the stream's.
    Conflict,
    /// The last stream left a gap; it is opened again.
    Gap,
    /// There is no stream, or none that has said anything yet.
    Unknown,
    /// The stream is open, and brings nothing.
    Silent,
    /// The state is made from this node's own log, whatever the stream does.
    ReplayingLocal,
    /// Data comes, or what came is worked off.
    CatchingUp,
    FlushStalled,
    ApplyStalled,
    /// All that is known of is flushed and applied, but for the last moments.
    UpToDate,
}

impl Condition {
    pub const ALL: [Condition; 9] = [
        Condition::Conflict,
        Condition::Gap,
        Condition::Unknown,
        Condition::Silent,
        Condition::ReplayingLocal,
        Condition::CatchingUp,
        Condition::FlushStalled,
        Condition::ApplyStalled,
        Condition::UpToDate,
    ];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Condition::Conflict => "CONFLICT",
            Condition::Gap => "GAP",
            Condition::Unknown => "UNKNOWN",
            Condition::Silent => "SILENT",
            Condition::ReplayingLocal => "REPLAYING LOCAL",
            Condition::CatchingUp => "CATCHING UP",
            Condition::FlushStalled => "FLUSH STALLED",
            Condition::ApplyStalled => "APPLY STALLED",
            Condition::UpToDate => "UP TO DATE",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the word rests on, of one shard at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// For how long the stream is open.
    pub connected: Option<Duration>,
    /// Why the last one ended.
    pub ended: Option<StreamEnd>,
    /// Since the last heartbeat, and since the last batch.
    pub heartbeat_age: Option<Duration>,
    pub batch_age: Option<Duration>,
    pub lag: Option<&'a Lag>,
    /// The state is being made from the log.
    pub restoring: bool,
    /// Something that is committed is not applied.
    pub to_apply: bool,
    /// Since the state was last seen to move.
    pub work_age: Option<Duration>,
    pub heartbeat_every: Duration,
}

pub fn judge(evidence: &Evidence<'_>) -> Condition {
    let limit = evidence.heartbeat_every * 2;
    let Some(connected) = evidence.connected else {
        return match evidence.ended {
            Some(StreamEnd::OtherEpoch) => Condition::Conflict,
            Some(StreamEnd::Gap) => Condition::Gap,
            _ => Condition::Unknown,
        };
    };
    let within = |age: Option<Duration>| age.is_some_and(|age| age <= limit);
    if evidence.restoring {
        return Condition::ReplayingLocal;
    }
    // What was heard by a former stream says nothing of this one.
    if !within(evidence.heartbeat_age) {
        return if within(evidence.batch_age) {
            Condition::CatchingUp
        } else if connected > limit {
            Condition::Silent
        } else {
            Condition::Unknown
        };
    }
    let Some(lag) = evidence.lag else {
        return Condition::Unknown;
    };
    let waits = |stage: Stage| {
        let lag = lag.at(stage);
        lag.records > 0 && lag.age > limit
    };
    let stalled = match (waits(Stage::Flushed), waits(Stage::Applied)) {
        (true, _) => Some(Condition::FlushStalled),
        (_, true) if evidence.to_apply => Some(Condition::ApplyStalled),
        _ => None,
    };
    match stalled {
        Some(_) if within(evidence.work_age) => Condition::CatchingUp,
        Some(stalled) => stalled,
        // The knowledge is old, though something arrived just now.
        None if !lag.known => Condition::Unknown,
        None => Condition::UpToDate,
    }
}
