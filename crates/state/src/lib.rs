//! The contract between a node and what it replicates.
//!
//! A node is generic over [`StateMachine`]: someone who brings a state
//! machine of their own gets the log, the lease, the standby, the promotion
//! and the tools around it. This crate has no I/O, no clock and no random.

pub use understudy_types::StateDigest;
use understudy_types::{Epoch, Lsn};

/// What the log says about a command, the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandContext {
    pub lsn: Lsn,
    pub epoch: Epoch,
    /// The primary's wall clock in milliseconds since the Unix epoch when it
    /// gave the record its place; never decreases along a log.
    pub wall_millis: u64,
}

/// The beginning of an epoch, applied before its first command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    pub epoch: Epoch,
    pub lsn: Lsn,
    pub wall_millis: u64,
    /// True when the promotion may have lost acknowledged records: whatever
    /// numbers the state hands out (revisions) must then start above all that
    /// the former epoch can have handed out.
    pub lossy: bool,
}

/// A state machine cannot take so many records back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfReach;

/// A deterministic state machine: its state is a pure function of the
/// records that it applied, in their order.
///
/// `apply` is total. A command that makes no sense gives a response that says
/// so; it never panics and never depends on a clock, on chance, or on the
/// order of a hash map.
pub trait StateMachine: Send + Sync + 'static {
    /// What the client who sent the command gets.
    type Response: Send + 'static;

    /// Applies one committed command.
    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Self::Response;

    /// Applies the beginning of an epoch.
    fn begin_epoch(&mut self, start: EpochStart);

    /// Takes back all records after `kept`, so that the state is what it was
    /// when `kept` had been applied. On `OutOfReach` nothing was changed, and
    /// the node makes the state anew from its log, which takes as long as the
    /// log is. Worth having where coming back as a standby must be quick; the
    /// node compares the digest with the one that the state had then.
    fn roll_back(&mut self, _kept: Lsn) -> Result<(), OutOfReach> {
        Err(OutOfReach)
    }

    /// A digest of the whole state, kept up with every apply, so that asking
    /// for it costs nothing. Equal states have equal digests.
    fn digest(&self) -> StateDigest;

    /// Bytes of memory that the state takes, roughly; for metrics.
    fn memory_bytes(&self) -> u64;
}
