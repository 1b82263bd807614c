//! An old primary that comes back as a standby, alive all the time, with
//! records that only it has: from the new primary's first answer until the
//! old one has applied all that the new one has.

use crate::pair::PATIENCE;
use crate::{Process, Rig, RigOptions, Shape, Side, Wire, until};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// For loading many keys.
const LOAD_PATIENCE: Duration = Duration::from_secs(600);

/// How often the two nodes are looked at while time is measured.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What to measure.
#[derive(Clone, Debug)]
pub struct ReturningOptions {
    /// Of the state that both share.
    pub keys: u64,
    /// Records that only the old primary has.
    pub divergent: u64,
    pub value_size: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Returned {
    pub keys: u64,
    pub quarantined: u64,
    /// From the new primary's first answer.
    pub followed_after: Duration,
    pub rolled_back: u64,
    pub made_anew: u64,
}

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} keys: {} divergent records, followed again after {:.0} ms; state rolled back {} times, made anew {} times",
            self.keys,
            self.quarantined,
            self.followed_after.as_secs_f64() * 1000.0,
            self.rolled_back,
            self.made_anew,
        )
    }
}

/// Runs it once, on a pair of its own.
pub async fn run(options: &ReturningOptions) -> Returned {
    let (mut rig, link) = Rig::prepare_over(Shape::default(), RigOptions::local()).await;
    rig.bring_up().await;
    put(&rig, options.keys, options.keys, options.value_size).await;
    rig.wait_for_standby(Side::Bravo).await;
    rig.wait_for_equal_heads().await;
    link.set(Wire::Cut);
    put(&rig, options.divergent, options.keys, options.value_size).await;
    let epoch = rig.epoch().await;
    let word = ["--accept-loss", "unknown"];
    let (failover, followed_after) = tokio::join!(
        rig.failover(Side::Bravo, epoch, &word),
        followed_again(&rig)
    );
    failover.expect_code(0);
    let status = rig.status(Side::Alpha).await.expect("alpha lives");
    let shard = &status["shards"]["main"];
    let number = |value: &Value| value.as_u64().expect("a number");
    Returned {
        keys: options.keys,
        quarantined: number(&shard["quarantined_records"]),
        followed_after,
        rolled_back: number(&shard["state_restored"]["rolled_back"]),
        made_anew: number(&shard["state_restored"]["made_anew"]),
    }
}

async fn put(rig: &Rig, count: u64, keys: u64, value_size: u32) {
    let mut command = rig.understudy(&["bench", "put", "--in-flight", "256"]);
    command
        .args(["--endpoints", &rig.clients(Side::Alpha).to_string()])
        .args(["--count", &count.to_string()])
        .args(["--key-space", &keys.to_string()])
        .args(["--value-size", &value_size.to_string()]);
    let log = rig.path().join("load.log");
    let mut loading = Process::start("the load", &mut command, &log);
    let status = loading.ended(LOAD_PATIENCE).await;
    assert!(status.success(), "{}", loading.said());
}

/// Waits until bravo serves; gives how long alpha then takes to stream from
/// it, with all of it applied.
async fn followed_again(rig: &Rig) -> Duration {
    until("bravo is primary", PATIENCE, || async {
        rig.is_primary(Side::Bravo).await.then_some(())
    })
    .await;
    let began = Instant::now();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    while began.elapsed() < PATIENCE {
        looks.tick().await;
        let (alpha, bravo) = tokio::join!(rig.status(Side::Alpha), rig.status(Side::Bravo));
        let (Some(alpha), Some(bravo)) = (alpha, bravo) else {
            continue;
        };
        let head = |status: &Value| status["shards"]["main"]["flushed"].clone();
        let applied = |status: &Value| status["shards"]["main"]["applied"].clone();
        if alpha["role"] == "standby"
            && head(&alpha) == head(&bravo)
            && applied(&alpha) == applied(&bravo)
            && alpha["shards"]["main"]["state"]["outcome"] == "equal"
        {
            return began.elapsed();
        }
    }
    panic!("alpha does not follow");
}
