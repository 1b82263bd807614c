use crate::{Rig, Side};
use std::time::Duration;
use understudy_loadgen::{AckedWrites, Endpoint, Recorder, RecorderOptions, Verification};

const PATIENCE: Duration = Duration::from_secs(30);

/// Writers on the named sides' client addresses, with a pause after each
/// acknowledged write so that two cores have time for everything else.
pub fn load_on(rig: &Rig, sides: &[Side]) -> RecorderOptions {
    RecorderOptions {
        writers: 8,
        pace: Some(Duration::from_millis(5)),
        ..RecorderOptions::new(endpoints(rig, sides))
    }
}

/// Load on these sides, once this many writes of it are acknowledged.
pub async fn recording(rig: &Rig, sides: &[Side], acked: u64) -> Recorder {
    let recorder = Recorder::start(&load_on(rig, sides)).expect("a recorder");
    assert!(recorder.wait_for_acked(acked, PATIENCE).await);
    recorder
}

/// The client addresses of these sides.
pub fn endpoints(rig: &Rig, sides: &[Side]) -> Vec<Endpoint> {
    let parse = |side: &Side| rig.clients(*side).to_string().parse();
    sides
        .iter()
        .map(|side| parse(side).expect("an address is an endpoint"))
        .collect()
}

/// Compares the ledger with what `side` has.
pub async fn verified(rig: &Rig, writes: &AckedWrites, side: Side) -> Verification {
    verified_at(writes, &endpoints(rig, &[side])).await
}

/// Each of these sides has every acknowledged write once, and in its order.
pub async fn expect_verified(rig: &Rig, writes: &AckedWrites, sides: &[Side]) {
    for side in sides {
        let verification = verified(rig, writes, *side).await;
        assert!(verification.passed(), "{side}: {verification:?}");
    }
}

/// Moves the primary from alpha to bravo and back, under load on both, so that
/// the standby sends on what its clients ask; gives what they wrote.
pub async fn moved_there_and_back(rig: &Rig) -> AckedWrites {
    let recorder = Recorder::start(&load_on(rig, &Side::BOTH)).expect("a recorder");
    for to in [Side::Bravo, Side::Alpha] {
        assert!(recorder.wait_for_acked(200, PATIENCE).await);
        rig.wait_for_standby(to).await;
        let epoch = rig.epoch().await;
        rig.switchover(to, epoch).await.expect_code(0);
        rig.wait_for_primary(to).await;
        rig.wait_for_standby(to.other()).await;
        assert!(recorder.wait_for_acked(200, PATIENCE).await);
    }
    recorder.stop().await
}

/// Compares the ledger with what these endpoints have.
pub async fn verified_at(writes: &AckedWrites, endpoints: &[Endpoint]) -> Verification {
    writes
        .verify(endpoints, PATIENCE)
        .await
        .expect("the run can be read back")
}

/// The number, within its writer, of the first acknowledged write that is
/// missing.
pub fn missing_number(verification: &Verification) -> Option<u64> {
    let key = verification.missing.keys.first()?;
    key.rsplit('/').next()?.parse().ok()
}
