//! The object store's slots: filled by a primary that has no standby in sync,
//! drained by a promotion, removed when a standby has all of it. What to do
//! next is decided by [`understudy_protocol::fallback`].

mod drain;
mod fill;
mod remove;

pub(crate) use drain::Drain;
pub(crate) use fill::Fill;
pub(crate) use remove::remove;

use std::time::Duration;
use understudy_types::Nonce;

/// How soon what the store did not answer is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

fn draw_nonce() -> Nonce {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has entropy");
    Nonce::from_bytes(bytes)
}
