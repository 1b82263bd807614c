//! A replicated order book: the node as a library, with a state machine of
//! one's own.
//!
//! ```text
//! cargo run --release -p understudy-node --example order_book
//! ```
//!
//! Starts a primary and a standby in this process over an object store in
//! memory, places orders, hands the book over to the standby, and goes on
//! trading there.

mod book;

#[path = "../../tests/support/mod.rs"]
mod support;

use book::{OrderBook, Outcome};
use understudy_protocol::AckPolicy;

#[tokio::main]
async fn main() {
    let pair = support::Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    let alpha = pair.handle("alpha");
    let placed = alpha
        .propose("S 1 101 5".into())
        .await
        .expect("alpha serves");
    println!("alpha  S 1 101 5  -> {:?}", placed.response);
    let placed = alpha
        .propose("B 2 100 5".into())
        .await
        .expect("alpha serves");
    println!("alpha  B 2 100 5  -> {:?}", placed.response);

    pair.switchover("bravo").await;
    let bravo = pair.handle("bravo");
    println!("bravo  best bid and ask: {:?}", bravo.read(OrderBook::best));
    let crossed = bravo
        .propose("B 3 101 2".into())
        .await
        .expect("bravo serves");
    println!("bravo  B 3 101 2  -> {:?}", crossed.response);
    assert_eq!(
        crossed.response,
        Outcome::Placed {
            trades: vec![(101, 2)],
            resting: 0
        }
    );
    println!("bravo  traded in all: {}", bravo.read(OrderBook::traded));
    pair.end().await;
}
