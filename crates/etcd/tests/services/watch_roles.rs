//! Watches while roles change.

use crate::server::{Pair, put, watch_all};
use understudy_etcd::EtcdOptions;
use understudy_kv::KvState;
use understudy_state::{EpochStart, StateMachine};
use understudy_types::{Epoch, Lsn};
use understudy_wire::etcd::etcdserverpb::WatchResponse;

fn mod_revisions(response: &WatchResponse) -> Vec<i64> {
    response
        .events
        .iter()
        .map(|event| event.kv.as_ref().expect("a key").mod_revision)
        .collect()
}

#[tokio::test]
async fn a_watch_goes_on_without_a_gap_when_its_node_is_promoted_or_demoted() {
    let pair = Pair::start(EtcdOptions::default()).await;
    let (mut at_one, mut at_two) = (pair.one.watch().await, pair.two.watch().await);
    for watch in [&mut at_one, &mut at_two] {
        assert!(watch.create(watch_all(0)).await.created);
    }
    pair.one.kv().put(put("a", "1")).await.expect("put");
    for watch in [&mut at_one, &mut at_two] {
        assert_eq!(mod_revisions(&watch.next().await), [2]);
    }
    pair.switch();
    pair.two.kv().put(put("a", "2")).await.expect("put");
    for watch in [&mut at_one, &mut at_two] {
        let told = watch.next().await;
        assert_eq!(mod_revisions(&told), [3]);
        assert_eq!(told.header.expect("a header").raft_term, 2);
    }
}

#[tokio::test]
async fn a_watch_that_was_told_a_removed_revision_is_ended_and_one_that_was_not_goes_on() {
    let pair = Pair::start(EtcdOptions::default()).await;
    pair.one.node.set_followers(Vec::new());
    let mut watch = pair.one.watch().await;
    watch.create(watch_all(0)).await;
    let waiting = watch.create(watch_all(3)).await.watch_id;
    pair.one.node.apply_put("lost", "1");
    assert_eq!(mod_revisions(&watch.next().await), [2]);
    // The other side was promoted without that write; this state follows it.
    pair.one.node.rebuild(KvState::new());
    let canceled = watch.next().await;
    assert!(canceled.canceled && canceled.events.is_empty());
    assert_eq!((canceled.watch_id, canceled.compact_revision), (0, 2));
    assert!(
        canceled.cancel_reason.contains("removed"),
        "{}",
        canceled.cancel_reason
    );
    pair.one.node.apply_put("kept", "1");
    pair.one.node.apply_put("kept", "2");
    let told = watch.next().await;
    assert_eq!((told.watch_id, mod_revisions(&told)), (waiting, vec![3]));
}

#[tokio::test]
async fn watches_from_before_a_lossy_promotion_are_told_compacted() {
    let pair = Pair::start(EtcdOptions::default()).await;
    let mut watch = pair.two.watch().await;
    watch.create(watch_all(0)).await;
    let mut promoted = KvState::new();
    promoted.begin_epoch(EpochStart {
        epoch: Epoch::new(2),
        lsn: Lsn::FIRST,
        wall_millis: 0,
        lossy: true,
    });
    let floor = promoted.revision();
    pair.two.node.rebuild(promoted);
    let canceled = watch.next().await;
    assert!(canceled.canceled);
    assert_eq!(canceled.compact_revision, floor);
}
