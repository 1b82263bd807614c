//! What is done with a pair is in both logs.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::OrderBook;
use std::time::Duration;
use support::Pair;
use understudy_node::audit::AuditAct;
use understudy_node::settings::{HookCommand, HookSettings};
use understudy_protocol::{AcceptLoss, AckPolicy, Mode};
use understudy_wire::v1::{RebuildStateRequest, TailRequest, tail_record};

/// Every audit record of a node's log, by Lsn.
async fn acts(pair: &Pair<OrderBook>, node: &str) -> Vec<(u64, AuditAct)> {
    let request = TailRequest {
        shard: "default".to_owned(),
        from_lsn: 1,
        until_now: true,
        only_audit: true,
    };
    let mut log = pair.log(node).await;
    let mut records = log.tail(request).await.expect("it answers").into_inner();
    let mut found = Vec::new();
    while let Some(response) = records.message().await.expect("it goes on") {
        for record in response.records {
            let Some(tail_record::Record::Audit(body)) = record.record else {
                panic!("only audit records were asked for: {record:?}");
            };
            let act = AuditAct::decode(&body).expect("it is readable");
            found.push((record.lsn, act));
        }
    }
    found
}

async fn until(pair: &Pair<OrderBook>, node: &str, wanted: &str) -> AuditAct {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let found = async {
        loop {
            look.tick().await;
            let acts = acts(pair, node).await;
            if let Some((_, act)) = acts.into_iter().find(|(_, act)| act.act == wanted) {
                return act;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    found.unwrap_or_else(|_| panic!("{wanted} is not in the log of {node}"))
}

async fn both_have(pair: &Pair<OrderBook>, wanted: &str) -> AuditAct {
    let act = until(pair, "alpha", wanted).await;
    assert_eq!(until(pair, "bravo", wanted).await, act);
    act
}

fn some_hook() -> HookSettings {
    HookSettings {
        before_promotion: None,
        after_promotion: Some(HookCommand {
            command: vec!["/bin/true".to_owned()],
            timeout: Duration::from_secs(9),
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn act_of_either_node_is_in_both_logs_also_after_a_failover() {
    let mut pair = Pair::start(AckPolicy::Replicated, |_| OrderBook::default()).await;
    assert_eq!(acts(&pair, "alpha").await, [], "nothing was done yet");
    pair.end_node("bravo").await;
    pair.hooks.insert("bravo".to_owned(), some_hook());
    pair.start_node("bravo").await;
    let changed = both_have(&pair, "configuration_changed").await;
    assert_eq!(changed.node.as_str(), "bravo");
    let hook = &changed.facts["changed"]["hooks.after_promotion"];
    assert_eq!(hook["from"], "none");
    assert!(hook["to"].as_str().unwrap().contains("/bin/true"), "{hook}");
    let rebuild = RebuildStateRequest {
        shard: String::new(),
        by: "kim@ops1".to_owned(),
    };
    let rebuilt = pair.admin("bravo").await.rebuild_state(rebuild).await;
    rebuilt.expect("bravo is a standby");
    assert_eq!(both_have(&pair, "state_rebuilt").await.by, "kim@ops1");
    let before = acts(&pair, "bravo").await;
    pair.until("bravo streams", |pair| pair.observer("bravo").is_ready())
        .await;
    pair.request(Mode::Failover, "bravo", AcceptLoss::Nothing)
        .await;
    let promoted = both_have(&pair, "promoted").await;
    assert_eq!(promoted.facts["epoch"], 2);
    assert_eq!(promoted.facts["mode"], "failover");
    let after = acts(&pair, "alpha").await;
    assert_eq!(after[..before.len()], before, "the same at the same places");
    pair.until("both states are equal", |pair| {
        let [a, b] = ["alpha", "bravo"].map(|node| {
            let shards = pair.observer(node).status().shards;
            let shard = shards.into_values().next().expect("one shard");
            (shard.applied, shard.state_digest)
        });
        a == b
    })
    .await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_request_is_audited_with_its_reason() {
    let pair = Pair::start(AckPolicy::Local, |_| OrderBook::default()).await;
    // Under `local` something may always be lost.
    let id = pair.request(Mode::Failover, "bravo", AcceptLoss::Nothing);
    let id = id.await.to_string();
    let refused = both_have(&pair, "request_refused").await;
    assert_eq!(refused.facts["request"], id);
    assert_eq!(refused.facts["target"], "bravo");
    assert!(refused.facts["why"].as_str().unwrap().contains("E303"));
    pair.end().await;
}
