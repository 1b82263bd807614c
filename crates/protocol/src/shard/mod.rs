//! What one shard decides by itself: what is committed, which batch may be
//! taken, where two histories part, and whether two states are equal.

mod commit;
mod comparison;
mod handshake;
mod intake;

pub use commit::{CommitTracker, Requirement};
pub use comparison::{DIGESTS_KEPT, Divergence, Findings, StateComparison};
pub use handshake::{HandshakeRefusal, History, common_position};
pub use intake::{BatchRefusal, Intake, Offered};
