//! The two tasks behind the page: one samples this node each second and tells
//! it to whoever listens, one asks the other nodes while somebody does.

use super::sample::Sample;
use crate::{Console, Subject};
use serde_json::json;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use understudy_node::BootClock;
use understudy_types::Clock;

const EVERY: Duration = Duration::from_secs(1);

/// Until it is dropped.
pub(crate) async fn beat<S: Subject>(console: Console<S>) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        every.tick().await;
        let now = BootClock.now();
        let status = console.subject().status();
        let sample = Sample::of(&status, now);
        let row = sample.row(now);
        console.ring().lock().note(sample);
        let others = console.others_heard(now);
        let own = console.own_answer(status);
        let nodes: Vec<_> = std::iter::once(own).chain(others).collect();
        let event = json!({ "nodes": nodes, "sample": row }).to_string();
        console.tell(event.into());
    }
}

/// Until it is dropped. A node that does not answer costs nobody else time.
pub(crate) async fn ask_others<S: Subject>(console: Console<S>) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if console.listeners() == 0 {
            continue;
        }
        let own = console.subject().status();
        // Kept for the next beat.
        console.ask_others(&own).await;
    }
}
