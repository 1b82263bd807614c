//! A pair of nodes in one process: the shell's own duties.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::OrderBook;
use support::Pair;
use understudy_node::handle::{ProposeError, Refusal};
use understudy_protocol::{AcceptLoss, AckPolicy, Mode};

async fn trade(pair: &Pair<OrderBook>, node: &str, orders: std::ops::Range<u64>) {
    let handle = pair.handle(node);
    for id in orders {
        let (side, price) = if id % 2 == 0 {
            ("B", 100)
        } else {
            ("S", 99 + id % 3)
        };
        let order = format!("{side} {id} {price} 3");
        handle
            .propose(order.into())
            .await
            .expect("the primary takes orders");
    }
}

/// Waits until both logs and states are equal.
async fn settle(pair: &Pair<OrderBook>) {
    pair.until("both are equal", |pair| {
        let [a, b] = ["alpha", "bravo"].map(|node| {
            let shard = pair
                .observer(node)
                .status()
                .shards
                .into_values()
                .next()
                .expect("one");
            (shard.flushed, shard.applied, shard.state_digest)
        });
        a == b && a.0.map(|position| position.lsn.get()) == a.1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_applies_what_the_primary_acknowledged() {
    let pair = Pair::start(AckPolicy::Local, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..200).await;
    settle(&pair).await;
    let refused = pair.handle("bravo").propose("C 1".into()).await;
    assert_eq!(
        refused.unwrap_err(),
        ProposeError::NotAccepted(Refusal::NotPrimary)
    );
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_book_survives_switchovers_back_and_forth() {
    let pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..50).await;
    pair.switchover("bravo").await;
    trade(&pair, "bravo", 50..100).await;
    settle(&pair).await;
    pair.switchover("alpha").await;
    trade(&pair, "alpha", 100..150).await;
    settle(&pair).await;
    assert_eq!(pair.lease().await.epoch.get(), 3);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_book_survives_a_failover_while_the_primary_lives() {
    let pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..50).await;
    pair.request(Mode::Failover, "bravo", AcceptLoss::Nothing)
        .await;
    pair.until("bravo serves", |pair| {
        pair.observer("bravo").is_primary_now()
    })
    .await;
    trade(&pair, "bravo", 50..100).await;
    settle(&pair).await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn released_lease_is_taken_again_by_its_own_node() {
    let mut pair = Pair::start(AckPolicy::Local, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..20).await;
    pair.end_node("alpha").await;
    assert!(!pair.observer("bravo").is_primary_now());
    pair.start_node("alpha").await;
    pair.until("alpha serves", |pair| {
        pair.observer("alpha").is_primary_now()
    })
    .await;
    trade(&pair, "alpha", 20..40).await;
    settle(&pair).await;
    assert_eq!(pair.lease().await.epoch.get(), 2);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_that_was_away_catches_up() {
    let mut pair = Pair::start(AckPolicy::Local, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..20).await;
    pair.end_node("bravo").await;
    trade(&pair, "alpha", 20..400).await;
    pair.start_node("bravo").await;
    settle(&pair).await;
    pair.end().await;
}
