//! The check by which a node refuses to stand on a store that lies.
//!
//! About fifty requests under one random key prefix, in a few round trips.
//! It shows lies; it cannot prove their absence: a race that is lost once in
//! a million passes.

mod basics;
mod lane;
mod races;
mod refusal;

pub use refusal::{ProbeCheck, ProbeRefusal, ProbeReport};

use crate::ObjectStore;
use lane::Lane;
use understudy_types::Nonce;

/// Puts the store to the test, in the prefix that `store` was made with, on
/// keys below `probe/<entropy>/`, and deletes them whatever the outcome.
/// `entropy` is drawn anew for each call.
///
/// Cancelled half-way it leaves at most those keys behind; nothing reads them.
pub async fn probe(store: &dyn ObjectStore, entropy: Nonce) -> Result<ProbeReport, ProbeRefusal> {
    let lane = |name: &str| Lane::new(store, format!("probe/{entropy}/{name}"));
    let (basics_lane, create_lane, swap_lane) = (lane("basics"), lane("create"), lane("swap"));
    let (basics, creates, swaps) = futures::join!(
        basics::run(&basics_lane),
        races::run_creates(&create_lane),
        races::run_swaps(&swap_lane),
    );
    let (first, second, third) =
        futures::join!(basics_lane.clear(), create_lane.clear(), swap_lane.clear());
    let judged = basics.and(creates).and(swaps);
    judged?;
    first.and(second).and(third)?;
    Ok(ProbeReport {
        checks: ProbeCheck::ALL.to_vec(),
    })
}

#[cfg(test)]
mod tests;
