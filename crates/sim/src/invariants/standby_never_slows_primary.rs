//! **StandbyNeverSlowsPrimary**: under `local` what a primary has flushed is
//! committed at once, whatever its standbys do. (What a slow standby may cost
//! in memory is not seen here: the simulator's connections have no bound.)

use super::{Life, Verdict};
use understudy_protocol::AckPolicy;
use understudy_types::Lsn;

pub(super) fn flushed(
    life: Life,
    shard: usize,
    policy: AckPolicy,
    flushed: Option<Lsn>,
    committed: Option<Lsn>,
) -> Verdict {
    if policy == AckPolicy::Replicated || committed == flushed {
        return Ok(());
    }
    Err(format!(
        "n{} has flushed s{shard} up to {flushed:?}, but waits with it at {committed:?} under `local`",
        life.0
    ))
}
