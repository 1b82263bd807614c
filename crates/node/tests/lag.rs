//! Lag on a real node: each part of the way that stops is noticed, and what
//! is measured is there.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::OrderBook;
use support::Pair;
use understudy_node::status::{ShardStatus, Status};
use understudy_protocol::AckPolicy;

async fn start() -> Pair<OrderBook> {
    let pair = Pair::start(AckPolicy::Local, |_| OrderBook::default()).await;
    trade(&pair, "alpha", 0..20).await;
    pair.until("bravo is up to date", |pair| {
        condition(pair) == "UP TO DATE" && is_known(pair)
    })
    .await;
    pair
}

async fn trade(pair: &Pair<OrderBook>, node: &str, orders: std::ops::Range<u64>) {
    for id in orders {
        let order = format!("B {id} 100 3");
        let traded = pair.handle(node).propose(order.into()).await;
        traded.expect("the primary takes orders");
    }
}

fn shard(pair: &Pair<OrderBook>) -> ShardStatus {
    let status = pair.observer("bravo").status();
    status.shards.into_values().next().expect("one")
}

fn condition(pair: &Pair<OrderBook>) -> String {
    shard(pair).condition.unwrap_or_default()
}

fn is_known(pair: &Pair<OrderBook>) -> bool {
    shard(pair).lag.is_some_and(|lag| lag.known)
}

/// Something stops: the lag becomes unknown and grows; and afterwards all is
/// as before.
async fn is_noticed(
    pair: Pair<OrderBook>,
    stop: impl Fn(&Pair<OrderBook>),
    go_on: impl Fn(&Pair<OrderBook>),
) {
    stop(&pair);
    pair.until("the lag is not known any more", |pair| !is_known(pair))
        .await;
    let seconds = |pair: &Pair<OrderBook>| shard(pair).lag.map_or(0.0, |lag| lag.seconds);
    let before = seconds(&pair);
    pair.until("its seconds grow", |pair| seconds(pair) > before + 0.1)
        .await;
    go_on(&pair);
    pair.until("bravo is up to date again", |pair| {
        condition(pair) == "UP TO DATE" && is_known(pair)
    })
    .await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn log_thread_of_the_primary_that_stops_is_noticed() {
    is_noticed(
        start().await,
        |pair| pair.freezer("alpha").freeze("log "),
        |pair| pair.freezer("alpha").thaw(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn sender_that_stops_is_noticed() {
    is_noticed(
        start().await,
        |pair| pair.relay.hold(),
        |pair| pair.relay.release(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn receiver_that_stops_is_noticed() {
    is_noticed(
        start().await,
        |pair| pair.freezer("bravo").freeze("tokio"),
        |pair| pair.freezer("bravo").thaw(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn log_thread_of_the_standby_that_stops_is_noticed() {
    let pair = start().await;
    pair.freezer("bravo").freeze("log ");
    trade(&pair, "alpha", 20..40).await;
    pair.until("what is not flushed grows old", |pair| {
        let lag = shard(pair).lag.filter(|lag| lag.known);
        lag.is_some_and(|lag| {
            lag.records_received == 0 && lag.records_flushed >= 20 && lag.seconds_flushed > 0.2
        })
    })
    .await;
    pair.until("it has a word", |pair| condition(pair) == "FLUSH STALLED")
        .await;
    pair.freezer("bravo").thaw();
    pair.until("bravo is up to date again", |pair| {
        condition(pair) == "UP TO DATE"
    })
    .await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn state_thread_of_the_standby_that_stops_is_noticed() {
    let pair = start().await;
    pair.freezer("bravo").freeze("state ");
    trade(&pair, "alpha", 20..40).await;
    pair.until("what is not applied grows old", |pair| {
        let lag = shard(pair).lag.filter(|lag| lag.known);
        lag.is_some_and(|lag| {
            lag.records_flushed == 0
                && lag.records_applied >= 20
                && lag.bytes_applied > 0
                && lag.seconds > 0.2
        })
    })
    .await;
    pair.until("it has a word", |pair| condition(pair) == "APPLY STALLED")
        .await;
    let stuck = pair.scrape("bravo").await;
    assert_eq!(stuck.catchup_seconds, Some(f64::INFINITY));
    assert_eq!(stuck.readings.failover_seconds, Some(f64::INFINITY));
    pair.freezer("bravo").thaw();
    pair.until("bravo is up to date again", |pair| {
        condition(pair) == "UP TO DATE"
    })
    .await;
    pair.end().await;
}

fn row(pair: &Pair<OrderBook>) -> Option<(bool, u64, f64)> {
    let Status { standbys, .. } = pair.observer("alpha").status();
    let bravo = standbys
        .into_iter()
        .find(|standby| standby.node.as_str() == "bravo")?;
    let behind = bravo.records_behind.into_values().next()?;
    Some((bravo.connected, behind, bravo.last_heard_seconds_ago?))
}

#[tokio::test(flavor = "multi_thread")]
async fn row_of_a_standby_stays_while_it_is_away() {
    let mut pair = start().await;
    pair.until("alpha has a row", |pair| {
        row(pair).is_some_and(|(connected, behind, _)| connected && behind == 0)
    })
    .await;
    pair.end_node("bravo").await;
    trade(&pair, "alpha", 20..40).await;
    pair.until("the row says that it is away", |pair| {
        row(pair).is_some_and(|(connected, behind, _)| !connected && behind >= 20)
    })
    .await;
    let (_, _, age) = row(&pair).expect("it stays");
    pair.until("its age grows", |pair| {
        row(pair).is_some_and(|(_, _, now)| now > age + 0.1)
    })
    .await;
    pair.start_node("bravo").await;
    pair.until("it is back", |pair| {
        row(pair).is_some_and(|(connected, behind, _)| connected && behind == 0)
    })
    .await;
    assert_eq!(pair.observer("alpha").status().standbys.len(), 1, "one row");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_primary_has_no_lag_and_the_old_one_has() {
    let pair = start().await;
    pair.switchover("bravo").await;
    pair.until("alpha follows and is up to date", |pair| {
        let status = pair.observer("alpha").status();
        let stream = status.stream.and_then(|stream| stream.condition);
        stream.as_deref() == Some("UP TO DATE")
    })
    .await;
    let status = pair.observer("bravo").status();
    assert!(status.stream.is_none() && status.loss_bound.is_none());
    let (lag, condition) = (shard(&pair).lag, shard(&pair).condition);
    assert!(lag.is_none() && condition.is_none());
    let promoted = pair.scrape("bravo").await;
    assert!(promoted.verdicts.is_empty() && promoted.catchup_seconds.is_none());
    assert!(promoted.readings.last_promotion.is_some());
    let served = promoted.readings.switchovers;
    assert_eq!(served[0], ("served", 1), "{served:?}");
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_is_there() {
    let pair = start().await;
    // Up to date is also who has only just heard of the newest records.
    pair.until("bravo has applied all there is", |pair| {
        let shards = pair.observer("alpha").status().shards;
        let [alpha, bravo] = [shards.into_values().next().expect("one"), shard(pair)];
        alpha.flushed == bravo.flushed && bravo.applied_bytes == bravo.flushed_bytes
    })
    .await;
    let standby = pair.scrape("bravo").await;
    let shard = standby.status.shards.values().next().expect("one");
    let readings = standby.readings.shards.values().next().expect("one");
    assert_eq!(Some(readings.applied_records), shard.applied);
    assert_eq!(shard.applied_bytes, shard.flushed_bytes);
    assert_eq!(shard.received_bytes, Some(shard.flushed_bytes));
    assert_eq!(standby.readings.received_bytes, shard.flushed_bytes);
    assert!(readings.flushes.count > 0 && readings.applies.count > 0);
    assert!(standby.readings.round_trips.count > 0);
    assert_eq!(standby.catchup_seconds, Some(0.0));
    assert!(
        standby
            .readings
            .failover_seconds
            .is_some_and(f64::is_finite)
    );
    let modes: Vec<_> = standby.verdicts.iter().map(|v| v.mode.as_str()).collect();
    assert_eq!(modes, ["switchover", "failover"]);
    let primary = pair.scrape("alpha").await;
    assert!(primary.readings.lease_writes.count > 0);
    assert!(primary.verdicts.is_empty());
    assert!(primary.readings.failover_seconds.is_none());
    pair.relay.hold();
    let ended =
        |pair: &Pair<OrderBook>| pair.observer("bravo").status().stream.map(|s| s.reconnects);
    pair.until("bravo's stream ended", |pair| ended(pair) > Some(0))
        .await;
    pair.relay.release();
    let ends = pair.scrape("bravo").await.readings.stream_ends;
    let counted: u64 = ends.iter().map(|(_, count)| count).sum();
    assert!(counted > 0, "{ends:?}");
    pair.end().await;
}
