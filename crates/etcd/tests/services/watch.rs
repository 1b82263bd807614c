//! Watches on one node.

use crate::{
    fake_node::FakeNode,
    server::{TestServer, TestWatch, bytes, put, watch_all},
};
use bytes::Bytes;
use std::time::Duration;
use understudy_etcd::EtcdOptions;
use understudy_wire::etcd::{
    etcdserverpb::{
        self as pb, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchResponse,
        request_op::Request, watch_create_request::FilterType, watch_request::RequestUnion,
    },
    mvccpb::event::EventType,
};

fn revision(response: &WatchResponse) -> i64 {
    response.header.as_ref().expect("a header").revision
}

fn keys(response: &WatchResponse) -> Vec<&str> {
    let kvs = response
        .events
        .iter()
        .map(|event| event.kv.as_ref().expect("a key"));
    kvs.map(|kv| std::str::from_utf8(&kv.key).expect("text"))
        .collect()
}

async fn next_keys(watch: &mut TestWatch, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(keys(&watch.next().await).into_iter().map(str::to_owned));
    }
    all
}

#[tokio::test]
async fn a_watch_is_created_at_the_current_revision_and_told_what_comes() {
    let server = TestServer::primary().await;
    server.node.apply_put("a", "1");
    let mut watch = server.watch().await;
    let created = watch.create(watch_all(0)).await;
    assert!(created.created && !created.canceled);
    assert_eq!((created.watch_id, revision(&created)), (0, 2));
    server.node.apply_put("b", "2");
    let told = watch.next().await;
    assert_eq!((keys(&told), revision(&told)), (vec!["b"], 3));
}

#[tokio::test]
async fn a_start_in_the_past_replays_history_and_goes_on() {
    let server = TestServer::primary().await;
    for key in ["a", "b", "c"] {
        server.node.apply_put(key, "1");
    }
    let mut watch = server.watch().await;
    watch.create(watch_all(3)).await;
    assert_eq!(next_keys(&mut watch, 2).await, ["b", "c"]);
    server.node.apply_put("d", "1");
    assert_eq!(next_keys(&mut watch, 1).await, ["d"]);
}

#[tokio::test]
async fn a_start_in_the_future_waits_for_its_revision() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    watch.create(watch_all(4)).await;
    for key in ["a", "b", "c", "d"] {
        server.node.apply_put(key, "1");
    }
    assert_eq!(next_keys(&mut watch, 2).await, ["c", "d"]);
}

#[tokio::test]
async fn the_writes_of_a_transaction_arrive_in_one_response() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    watch.create(watch_all(0)).await;
    let operation = |key| pb::RequestOp {
        request: Some(Request::RequestPut(put(key, "1"))),
    };
    let txn = pb::TxnRequest {
        success: vec![operation("a"), operation("b")],
        ..pb::TxnRequest::default()
    };
    server.kv().txn(txn).await.expect("txn");
    assert_eq!(keys(&watch.next().await), ["a", "b"]);
}

#[tokio::test]
async fn ids_are_given_or_chosen_and_a_duplicate_is_refused() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    let with_id = |watch_id| WatchCreateRequest {
        watch_id,
        ..watch_all(0)
    };
    assert_eq!(watch.create(with_id(1)).await.watch_id, 1);
    assert_eq!(watch.create(with_id(0)).await.watch_id, 0);
    assert_eq!(watch.create(with_id(0)).await.watch_id, 2);
    let refused = watch.create(with_id(1)).await;
    assert!(refused.created && refused.canceled);
    assert_eq!(refused.watch_id, -1);
    assert_eq!(
        refused.cancel_reason,
        "mvcc: duplicate watch ID provided on the WatchStream"
    );
}

#[tokio::test]
async fn an_empty_range_is_refused() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    let request = WatchCreateRequest {
        key: bytes("b"),
        range_end: bytes("a"),
        ..WatchCreateRequest::default()
    };
    let refused = watch.create(request).await;
    assert!(refused.created && refused.canceled);
    assert_eq!(refused.watch_id, -1);
    assert_eq!(refused.cancel_reason, "mvcc: watcher range is empty");
}

#[tokio::test]
async fn a_watch_is_told_its_own_keys_and_kinds_and_the_previous_version_if_asked() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    let deletions = WatchCreateRequest {
        key: bytes("a"),
        filters: vec![FilterType::Noput.into()],
        prev_kv: true,
        ..WatchCreateRequest::default()
    };
    watch.create(deletions).await;
    let puts = WatchCreateRequest {
        filters: vec![FilterType::Nodelete.into()],
        ..watch_all(0)
    };
    watch.create(puts).await;
    server.node.apply_put("b", "other");
    server.node.apply_put("a", "old");
    let delete = pb::DeleteRangeRequest {
        key: bytes("a"),
        ..Default::default()
    };
    server.kv().delete_range(delete).await.expect("deleted");
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    while of_first.is_empty() || of_second.len() < 2 {
        let response = watch.next().await;
        match response.watch_id {
            0 => of_first.extend(response.events),
            _ => of_second.extend(response.events),
        }
    }
    assert_eq!(of_first[0].r#type(), EventType::Delete);
    assert_eq!(
        of_first[0].prev_kv.as_ref().expect("asked for").value,
        bytes("old")
    );
    assert!(
        of_second
            .iter()
            .all(|event| event.r#type() == EventType::Put)
    );
    assert!(of_second.iter().all(|event| event.prev_kv.is_none()));
}

#[tokio::test]
async fn a_progress_request_is_answered_when_every_watch_of_the_stream_was_told_all() {
    let server = TestServer::primary().await;
    for number in 0..50 {
        server.node.apply_put(&format!("key-{number:02}"), "1");
    }
    let mut watch = server.watch().await;
    watch.send(RequestUnion::CreateRequest(watch_all(2))).await;
    watch.send(RequestUnion::CreateRequest(watch_all(0))).await;
    watch
        .send(RequestUnion::ProgressRequest(WatchProgressRequest {}))
        .await;
    let mut told = 0;
    let progress = loop {
        let response = watch.next().await;
        told += response.events.len();
        if response.watch_id == -1 {
            break response;
        }
    };
    assert_eq!(told, 50);
    assert!(progress.events.is_empty());
    assert_eq!(revision(&progress), 51);
}

#[tokio::test]
async fn a_quiet_watch_is_told_how_far_it_is() {
    let options = EtcdOptions {
        watch_progress_interval: Duration::from_millis(20),
        ..EtcdOptions::default()
    };
    let server = TestServer::start(FakeNode::new("one"), options).await;
    server.node.apply_put("a", "1");
    let mut watch = server.watch().await;
    watch.create(watch_all(0)).await;
    watch
        .create(WatchCreateRequest {
            progress_notify: true,
            ..watch_all(0)
        })
        .await;
    let notice = watch.next().await;
    assert_eq!((notice.watch_id, revision(&notice)), (1, 2));
    assert!(notice.events.is_empty() && !notice.created);
}

#[tokio::test]
async fn a_large_revision_is_told_in_fragments_when_asked() {
    let options = EtcdOptions {
        fragment_bytes_max: 2000,
        ..EtcdOptions::default()
    };
    let server = TestServer::start(FakeNode::new("one"), options).await;
    server
        .node
        .set_view(1, Some((&server.node, &server.address)));
    let mut watch = server.watch().await;
    watch
        .create(WatchCreateRequest {
            fragment: true,
            ..watch_all(0)
        })
        .await;
    let value = "v".repeat(900);
    let operation = |key: &str| pb::RequestOp {
        request: Some(Request::RequestPut(put(key, &value))),
    };
    let success = ["a", "b", "c", "d", "e"].map(operation).to_vec();
    server
        .kv()
        .txn(pb::TxnRequest {
            success,
            ..Default::default()
        })
        .await
        .expect("txn");
    let parts = [watch.next().await, watch.next().await, watch.next().await];
    assert_eq!(parts.each_ref().map(|part| part.events.len()), [2, 2, 1]);
    assert_eq!(
        parts.each_ref().map(|part| part.fragment),
        [true, true, false]
    );
}

#[tokio::test]
async fn a_cancelled_watch_is_told_so_and_nothing_more() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    watch.create(watch_all(0)).await;
    watch.create(watch_all(0)).await;
    watch
        .send(RequestUnion::CancelRequest(WatchCancelRequest {
            watch_id: 0,
        }))
        .await;
    let canceled = watch.next().await;
    assert!(canceled.canceled);
    assert_eq!((canceled.watch_id, canceled.compact_revision), (0, 0));
    server.node.apply_put("a", "1");
    assert_eq!(watch.next().await.watch_id, 1);
}

#[tokio::test]
async fn history_is_watched_from_the_compacted_revision_on_and_not_from_below() {
    let server = TestServer::primary().await;
    for value in ["1", "2", "3"] {
        server.node.apply_put("a", value);
    }
    let compaction = pb::CompactionRequest {
        revision: 3,
        physical: false,
    };
    server.kv().compact(compaction).await.expect("compacts");
    let mut watch = server.watch().await;
    let created = watch.create(watch_all(2)).await;
    assert!(created.created && !created.canceled);
    let canceled = watch.next().await;
    assert!(canceled.canceled);
    assert_eq!((canceled.compact_revision, revision(&canceled)), (3, 0));
    watch.create(watch_all(3)).await;
    assert_eq!(next_keys(&mut watch, 2).await, ["a", "a"]);
}

#[tokio::test]
async fn a_client_that_does_not_read_falls_behind_alone_until_its_history_is_compacted() {
    const WRITES: i64 = 400;
    let server = TestServer::primary().await;
    let mut slow = server.watch().await;
    slow.create(watch_all(0)).await;
    let large = Bytes::from(vec![b'v'; 64 * 1024]);
    for _ in 0..WRITES {
        server.node.apply_put("a", large.clone());
        tokio::task::yield_now().await;
    }
    let revision = server.node.revision();
    let compaction = pb::CompactionRequest {
        revision,
        physical: false,
    };
    server
        .kv()
        .compact(compaction)
        .await
        .expect("the writer is not held up");
    let mut next_revision = 2;
    let canceled = loop {
        let response = slow.next().await;
        if response.canceled {
            break response;
        }
        for event in &response.events {
            assert_eq!(
                event.kv.as_ref().expect("a key").mod_revision,
                next_revision
            );
            next_revision += 1;
        }
    };
    assert!(
        next_revision < WRITES,
        "it got {next_revision} although it did not read"
    );
    assert_eq!(canceled.compact_revision, revision);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_watches_so_that_clients_come_again() {
    let server = TestServer::primary().await;
    let mut watch = server.watch().await;
    watch.create(watch_all(0)).await;
    server.begin_stop();
    let status = watch.next_or_end().await.expect_err("ended by the server");
    assert_eq!(status.code(), tonic::Code::Unavailable);
    server.stop().await;
}
