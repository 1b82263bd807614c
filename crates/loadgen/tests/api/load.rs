use crate::fixture::{Manner, Server};
use clap::Parser;
use understudy_loadgen::{Bench, LoadError, Verdict};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

/// Runs a command line, and gives its verdict and what it printed.
pub(crate) async fn bench(line: &str) -> Result<(Verdict, String), LoadError> {
    let words = std::iter::once("bench").chain(line.split_whitespace());
    let arguments = Arguments::try_parse_from(words).expect("the command line is valid");
    let mut out = Vec::new();
    let verdict = arguments.bench.run(&mut out).await?;
    Ok((verdict, String::from_utf8(out).unwrap()))
}

pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("the report is JSON")
}

#[tokio::test]
async fn put_makes_exactly_the_calls_it_was_asked_for() {
    let server = Server::start(Manner::Honest).await;
    let (verdict, out) = bench(&format!(
        "put --endpoints {} --connections 3 --in-flight 10 --count 1000 -o json",
        server.endpoint
    ))
    .await
    .unwrap();
    let report = json(&out);
    assert_eq!(verdict, Verdict::Passed);
    assert_eq!(report["operations"], 1000);
    assert_eq!(report["errors"], serde_json::json!({}));
    let latency = &report["latency"];
    assert!(latency["p50_micros"].as_u64() <= latency["max_micros"].as_u64());
    assert!(latency["max_micros"].as_u64() > Some(0));
}

#[tokio::test]
async fn put_for_a_duration_ends_and_counts_after_the_warm_up_only() {
    let server = Server::start(Manner::Honest).await;
    let (verdict, out) = bench(&format!(
        "put --endpoints {} --warm-up 50ms --duration 200ms --order random -o json",
        server.endpoint
    ))
    .await
    .unwrap();
    let report = json(&out);
    assert_eq!(verdict, Verdict::Passed);
    let seconds = report["seconds"].as_f64().unwrap();
    assert!((0.19..5.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn get_finds_what_it_filled_in_and_tells_absent_keys() {
    let server = Server::start(Manner::Honest).await;
    let line = format!(
        "get --endpoints {} --key-space 50 --in-flight 8 --count 200 -o json",
        server.endpoint
    );
    let (_, out) = bench(&format!("{line} --no-fill")).await.unwrap();
    assert_eq!(json(&out)["absent"], 200);
    let (verdict, out) = bench(&format!("{line} --consistency serializable"))
        .await
        .unwrap();
    assert_eq!(verdict, Verdict::Passed);
    assert_eq!(json(&out)["absent"], 0);
}

#[tokio::test]
async fn errors_are_counted_by_kind_and_fail_the_run() {
    let server = Server::start(Manner::Unsure).await;
    let line = format!(
        "put --endpoints {} --in-flight 7 --count 70",
        server.endpoint
    );
    let (verdict, out) = bench(&line).await.unwrap();
    assert_eq!(verdict, Verdict::Failed);
    assert!(out.contains("UNAVAILABLE 10"), "{out}");
    assert!(out.contains("operations        60"), "{out}");
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_said_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = bench(&format!("put --endpoints {address}")).await;
    assert!(matches!(refused, Err(LoadError::Unreachable { .. })));
}

#[tokio::test]
async fn options_that_cannot_be_kept_are_refused_with_the_way_out() {
    for (line, way_out) in [
        ("put --in-flight 2 --connections 4", "--connections"),
        ("put --key-size 8 --key-space 1000000", "at least 12"),
        ("put --key-space 0", "at least 1"),
    ] {
        let refusal = bench(line).await.unwrap_err().to_string();
        assert!(refusal.contains(way_out), "{refusal}");
    }
}
