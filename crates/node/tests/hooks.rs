//! The operator's commands around a promotion, run by real nodes.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::OrderBook;
use std::path::PathBuf;
use std::time::Duration;
use support::Pair;
use understudy_node::settings::{HookCommand, HookSettings};
use understudy_node::status::{HookRecord, Receipt};
use understudy_protocol::control::HookPhase;
use understudy_protocol::{AcceptLoss, AckPolicy, Mode};
use understudy_wire::v1::WatchActivationRequest;

fn script(text: String) -> Option<HookCommand> {
    Some(HookCommand {
        command: vec!["/bin/sh".to_owned(), "-c".to_owned(), text],
        timeout: Duration::from_secs(20),
    })
}

/// A pair of which bravo has these hooks; each line that they write to the
/// file is one run.
async fn pair(before: &str, after: &str) -> (Pair<OrderBook>, PathBuf) {
    let mut pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    let runs = pair.data("bravo").with_extension("runs");
    let line = format!(
        "echo $UNDERSTUDY_PHASE $UNDERSTUDY_EPOCH >> {}",
        runs.display()
    );
    let hooks = HookSettings {
        before_promotion: script(format!("{line}; {before}")),
        after_promotion: script(format!("{line}; {after}")),
    };
    pair.end_node("bravo").await;
    pair.hooks.insert("bravo".to_owned(), hooks);
    pair.start_node("bravo").await;
    pair.until("bravo streams", |pair| pair.observer("bravo").is_ready())
        .await;
    (pair, runs)
}

fn lines(runs: &PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(runs).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn last_hook(pair: &Pair<OrderBook>) -> Option<HookRecord> {
    pair.observer("bravo").status().last_hook
}

async fn until_hook_after(pair: &Pair<OrderBook>) -> HookRecord {
    let ran = |pair: &Pair<OrderBook>| {
        last_hook(pair).filter(|hook| hook.phase == HookPhase::AfterPromotion)
    };
    pair.until("the hook after the promotion has ended", |pair| {
        ran(pair).is_some()
    })
    .await;
    ran(pair).expect("just seen")
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_that_fails_refuses_the_failover_and_the_pair_goes_on() {
    let (pair, runs) = pair("echo the router says no; exit 7", "true").await;
    let id = pair.request(Mode::Failover, "bravo", AcceptLoss::Nothing);
    let id = id.await.to_string();
    let mut admin = pair.admin("bravo").await;
    let steps = admin.watch_activation(WatchActivationRequest { id }).await;
    let mut steps = steps.expect("bravo answers").into_inner();
    let mut last = None;
    while let Some(step) = steps.message().await.expect("bravo lives") {
        last = Some(step);
    }
    let last = last.expect("at least one step");
    assert!(last.failed && last.detail.contains("E315"), "{last:?}");
    assert!(last.detail.contains("exit status: 7"), "{last:?}");
    let hook = last_hook(&pair).expect("it ran");
    assert_eq!(hook.output, "the router says no");
    assert_eq!(pair.lease().await.epoch.get(), 1);
    assert_eq!(lines(&runs), ["before_promotion 2"]);
    let traded = pair.handle("alpha").propose("B 1 100 3".into()).await;
    traded.expect("alpha is the primary, and bravo acknowledges");
    assert!(pair.observer("bravo").is_ready());
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_pass_run_once_each_and_stand_in_the_receipt() {
    let (pair, runs) = pair("true", "echo moved").await;
    pair.switchover("bravo").await;
    let hook = until_hook_after(&pair).await;
    assert_eq!((hook.failure, hook.output.as_str()), (None, "moved"));
    assert_eq!(lines(&runs), ["before_promotion 2", "after_promotion 2"]);
    let receipt = pair.data("bravo").join("receipts/epoch-2.json");
    let kept = || -> Option<Receipt> {
        let body = std::fs::read(&receipt).ok()?;
        serde_json::from_slice(&body).ok()
    };
    pair.until("the receipt has both hooks", |_| {
        kept().is_some_and(|receipt| receipt.hooks.len() == 2)
    })
    .await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_after_that_fails_undoes_nothing() {
    let (mut pair, runs) = pair("true", "exit 1").await;
    pair.switchover("bravo").await;
    let hook = until_hook_after(&pair).await;
    assert_eq!(hook.failure.as_deref(), Some("exit status: 1"));
    assert!(pair.observer("bravo").is_primary_now());
    assert_eq!(lines(&runs).len(), 2);
    // A restart of the same data root is no promotion of a standby.
    pair.end_node("bravo").await;
    pair.start_node("bravo").await;
    pair.until("bravo serves again", |pair| {
        pair.observer("bravo").is_primary_now()
    })
    .await;
    assert_eq!((lines(&runs).len(), last_hook(&pair)), (2, None));
    pair.end().await;
}
