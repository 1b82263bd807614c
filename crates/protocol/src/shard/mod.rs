//! What one shard decides by itself: what is committed, which batch may be
//! taken, and where two histories part.

mod commit;
mod handshake;
mod intake;

pub use commit::{CommitTracker, Requirement};
pub use handshake::{HandshakeRefusal, History, common_position};
pub use intake::{BatchRefusal, Intake, Offered};
