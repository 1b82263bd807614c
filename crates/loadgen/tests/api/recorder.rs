use crate::fixture::{Contents, Manner, Server};
use crate::load::{bench, json};
use parking_lot::Mutex;
use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;
use understudy_loadgen::{AckedWrites, Endpoint, Recorder, RecorderOptions, Verdict, Verification};

const PATIENCE: Duration = Duration::from_secs(10);

async fn record(endpoints: &[&Endpoint], acked: u64) -> AckedWrites {
    let endpoints = endpoints.iter().copied().cloned().collect();
    let recorder = Recorder::start(&RecorderOptions::new(endpoints)).unwrap();
    assert!(recorder.wait_for_acked(acked, PATIENCE).await);
    recorder.stop().await
}

async fn record_and_verify(manner: Manner) -> (AckedWrites, Verification) {
    let server = Server::start(manner).await;
    let writes = record(&[&server.endpoint], 2500).await;
    let verification = writes.verify(from_ref(&server.endpoint), PATIENCE).await;
    (writes, verification.unwrap())
}

#[tokio::test]
async fn honest_server_keeps_every_acked_write_over_several_pages() {
    let (writes, verification) = record_and_verify(Manner::Honest).await;
    assert!(verification.passed());
    assert!(verification.confirmed >= 2500);
    assert_eq!(verification.confirmed, writes.counts().acked);
    assert!(writes.longest_pause_seconds().is_some());
}

#[tokio::test]
async fn server_that_loses_a_write_is_found_out() {
    let (_, verification) = record_and_verify(Manner::Loses).await;
    assert!(!verification.passed());
    assert!(verification.missing.count > 0);
    assert_eq!(verification.doubled.count, 0);
}

#[tokio::test]
async fn server_that_doubles_a_write_is_found_out() {
    let (_, verification) = record_and_verify(Manner::Doubles).await;
    assert!(!verification.passed());
    assert!(verification.doubled.count > 0);
    assert_eq!(verification.missing.count, 0);
}

#[tokio::test]
async fn unavailable_is_unknown_and_may_go_either_way() {
    let (writes, verification) = record_and_verify(Manner::Unsure).await;
    assert!(verification.passed());
    let unknown = verification.unknown_present + verification.unknown_absent;
    assert_eq!(unknown, writes.counts().unknown);
    assert!(verification.unknown_present > 0 && verification.unknown_absent > 0);
    assert_eq!(writes.failures()["UNAVAILABLE"], unknown);
}

#[tokio::test]
async fn writers_go_on_at_the_other_endpoint_when_theirs_is_gone() {
    let contents: Arc<Mutex<Contents>> = Arc::default();
    let first = Server::over(contents.clone(), Manner::Honest).await;
    let second = Server::over(contents, Manner::Honest).await;
    let options = RecorderOptions::new(vec![first.endpoint.clone(), second.endpoint.clone()]);
    let recorder = Recorder::start(&options).unwrap();
    assert!(recorder.wait_for_acked(100, PATIENCE).await);
    let gone = first.endpoint.clone();
    first.stop().await;
    assert!(recorder.wait_for_acked(500, PATIENCE).await);
    let writes = recorder.stop().await;
    let verification = writes
        .verify(&[gone, second.endpoint.clone()], PATIENCE)
        .await;
    assert!(verification.unwrap().passed());
}

#[tokio::test]
async fn failover_command_reports_the_pause_and_its_exit_code() {
    let server = Server::start(Manner::Honest).await;
    let line = format!(
        "failover --endpoints {} --before 50ms --after 50ms -o json --run",
        server.endpoint
    );
    let (verdict, out) = bench(&format!("{line} true")).await.unwrap();
    assert_eq!(verdict, Verdict::Passed);
    let report = json(&out);
    assert_eq!(report["command"]["exit_code"], 0);
    assert!(report["longest_pause"]["seconds"].as_f64() > Some(0.0));
    assert_eq!(
        report["counts"]["acked"],
        report["verification"]["confirmed"]
    );
    let (verdict, _) = bench(&format!("{line} false")).await.unwrap();
    assert_eq!(verdict, Verdict::Failed);
}

#[tokio::test]
async fn failover_over_a_server_that_loses_writes_fails_and_names_keys() {
    let server = Server::start(Manner::Loses).await;
    let line = format!("failover --endpoints {} --duration 100ms", server.endpoint);
    let (verdict, out) = bench(&line).await.unwrap();
    assert_eq!(verdict, Verdict::Failed);
    assert!(out.contains("FAILED") && out.contains("failover/"), "{out}");
}
