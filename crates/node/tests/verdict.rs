//! The verdict of real nodes.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::OrderBook;
use support::Pair;
use understudy_node::status::{Verdict, VerdictCheck};
use understudy_protocol::{AckPolicy, Mode};

async fn verdict(pair: &Pair<OrderBook>, mode: Mode) -> Verdict {
    pair.observer("bravo").verdict(mode, None).await
}

fn check<'a>(verdict: &'a Verdict, id: &str) -> &'a VerdictCheck {
    let mut checks = verdict.checks.iter();
    checks.find(|check| check.id == id).expect("it is made")
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_knows_its_primarys_word_also_after_both_have_ended() {
    let mut pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    let order = pair.handle("alpha").propose("B 1 100 3".into()).await;
    order.expect("alpha takes orders");
    pair.until("both states are compared", |pair| {
        let shards = pair.observer("bravo").status().shards;
        let state = shards.into_values().next().and_then(|shard| shard.state);
        state.is_some_and(|state| state.outcome == "equal")
    })
    .await;
    for mode in [Mode::Switchover, Mode::Failover] {
        let verdict = verdict(&pair, mode).await;
        let refused = verdict.checks.iter().find(|c| c.outcome == "refused");
        assert!(refused.is_none(), "{refused:?}");
        assert_eq!(check(&verdict, "P12").outcome, "ok");
        println!("{mode:?}: {} us", verdict.took_micros);
    }
    pair.end_node("alpha").await;
    pair.end_node("bravo").await;
    pair.start_node("bravo").await;
    pair.until("bravo has read the lease", |pair| {
        pair.observer("bravo").status().lease.is_some()
    })
    .await;
    let verdict = verdict(&pair, Mode::Failover).await;
    for id in ["P10", "P11", "P12", "P15"] {
        let check = check(&verdict, id);
        assert_eq!(check.outcome, "ok", "{check:?}");
        assert!(check.fact.contains("an earlier process"), "{check:?}");
    }
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_streamed_for_a_moment_knows_its_primary() {
    let mut pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    pair.end_node("alpha").await;
    let verdict = verdict(&pair, Mode::Failover).await;
    for id in ["P10", "P11", "P12", "P15"] {
        assert_eq!(check(&verdict, id).outcome, "ok");
    }
    pair.end().await;
}
