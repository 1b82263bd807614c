use crate::fixture::{Manner, Server};
use crate::load::{bench, json};
use understudy_loadgen::Verdict;

fn line(server: &Server) -> String {
    format!(
        "watch --endpoints {} --watchers 3 --writers 2 --duration 150ms -o json",
        server.endpoint
    )
}

#[tokio::test]
async fn every_watcher_gets_every_put_once() {
    let server = Server::start(Manner::Honest).await;
    let (verdict, out) = bench(&line(&server)).await.unwrap();
    let report = json(&out);
    assert_eq!(verdict, Verdict::Passed, "{out}");
    let puts = report["puts_acked"].as_u64().unwrap();
    assert!(puts > 0);
    assert_eq!(report["events"], puts * 3);
    assert!(report["latency"]["p50_micros"].as_u64().is_some());
}

#[tokio::test]
async fn repeated_and_missing_events_are_counted() {
    let server = Server::start(Manner::StuttersEvents).await;
    // The last put may be one whose event is left out: then watchers give up.
    let line = format!("{} --patience 500ms", line(&server));
    let (verdict, out) = bench(&line).await.unwrap();
    let report = json(&out);
    assert_eq!(verdict, Verdict::Failed);
    assert!(report["duplicates"].as_u64() > Some(0), "{out}");
    assert!(report["gaps"].as_u64() > Some(0), "{out}");
}
