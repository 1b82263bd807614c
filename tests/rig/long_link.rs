//! A standby on the far side of a long wire: how much of the wire a catch-up
//! fills, by the size of the stream's window.

use crate::{Link, PATIENCE, Rig, RigOptions, Shape, Side, load_on, until};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use understudy_loadgen::{Recorder, RecorderOptions};

const LOAD_PATIENCE: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What to measure.
#[derive(Clone, Debug)]
pub struct LongLinkOptions {
    pub shape: Shape,
    /// As the configuration spells it.
    pub window: String,
    pub compression: &'static str,
    /// Puts of 4 KiB that the standby has to fetch.
    pub puts: u64,
}

#[derive(Clone, Debug)]
pub struct Fetched {
    pub options: LongLinkOptions,
    pub canonical_bytes: u64,
    pub wire_bytes: u64,
    pub took: Duration,
}

impl Fetched {
    /// Of batches, over what the wire could carry in that time.
    pub fn ratio(&self) -> f64 {
        let rate = self.options.shape.bytes_per_second.unwrap_or(u64::MAX);
        self.canonical_bytes as f64 / (rate as f64 * self.took.as_secs_f64())
    }
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = self.options.shape.bandwidth_times_delay();
        write!(
            f,
            "window {:>7}, {:>4}: {:>5.1} MB in {:>6.2} s, {:.2} x the wire's bandwidth ({:.1} MB on the wire; bandwidth x delay is {:.1} MB)",
            self.options.window,
            self.options.compression,
            self.canonical_bytes as f64 / 1e6,
            self.took.as_secs_f64(),
            self.ratio(),
            self.wire_bytes as f64 / 1e6,
            product as f64 / 1e6,
        )
    }
}

/// A pair over such a wire, with `more` in both configurations: alpha has this
/// many puts already, and bravo begins to fetch them.
pub async fn catching_up(shape: Shape, more: String, puts: u64) -> (Rig, Link) {
    let options = RigOptions {
        more,
        ..RigOptions::local()
    };
    let (mut rig, link) = Rig::prepare_over(shape, options).await;
    rig.start_store();
    rig.found().await;
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    let load = RecorderOptions {
        value_size: 4096,
        writers: 32,
        pace: None,
        ..load_on(&rig, &[Side::Alpha])
    };
    let recorder = Recorder::start(&load).expect("alpha serves");
    assert!(recorder.wait_for_acked(puts, LOAD_PATIENCE).await);
    recorder.stop().await;
    rig.start_node(Side::Bravo);
    (rig, link)
}

/// A blank standby catches up, once, on a pair of its own.
pub async fn run(options: &LongLinkOptions) -> Fetched {
    let LongLinkOptions {
        shape,
        window,
        compression,
        puts,
    } = options;
    let more = format!("[stream]\nwindow = \"{window}\"\ncompression = \"{compression}\"\n");
    let (rig, _link) = catching_up(*shape, more, *puts).await;
    until("bravo connects", PATIENCE, || async {
        (rig.status(Side::Bravo).await?["stream"]["connected_seconds"].is_number()).then_some(())
    })
    .await;
    let began = Instant::now();
    while !is_caught_up(&rig).await {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let took = began.elapsed();
    let sent = rig.status(Side::Alpha).await.expect("alpha runs")["sent"].clone();
    Fetched {
        options: options.clone(),
        canonical_bytes: sent["canonical_bytes"].as_u64().expect("a number"),
        wire_bytes: sent["wire_bytes"].as_u64().expect("a number"),
        took,
    }
}

async fn is_caught_up(rig: &Rig) -> bool {
    let flushed = async |side| {
        let status = rig.status(side).await?;
        Some(status["shards"]["main"]["flushed"].clone())
    };
    let (alpha, bravo) = (flushed(Side::Alpha).await, flushed(Side::Bravo).await);
    alpha.is_some() && alpha == bravo
}
