use crate::load::{bench, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use understudy_loadgen::Verdict;

/// A console whose standby is one step further at each request; first it does
/// not know its position.
async fn console() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for step in 0_u64.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /metrics HTTP/1.0\r\n"));
            let mut page = String::from("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
            for (stage, records) in [("primary_durable", 300), ("applied", (step * 100).min(300))] {
                if step > 0 {
                    page += "understudy_position_records";
                    page += &format!("{{shard=\"main\",stage=\"{stage}\"}} {records}\n");
                }
            }
            stream.write_all(page.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn catchup_samples_until_the_positions_are_equal() {
    let line = format!(
        "catchup --status-url http://{} --interval 20ms",
        console().await
    );
    let (verdict, out) = bench(&format!("{line} -o json")).await.unwrap();
    assert_eq!(verdict, Verdict::Passed);
    let report = json(&out);
    let samples = report["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 4);
    assert!(samples[0]["gap"].is_null());
    assert_eq!(samples[1]["gap"]["behind"], 200);
    assert_eq!(samples[3]["gap"]["behind"], 0);
}

#[tokio::test]
async fn catchup_that_is_out_of_patience_fails_and_prints_each_sample() {
    let line = format!(
        "catchup --status-url http://{} --interval 20ms --patience 0s",
        console().await
    );
    let (verdict, out) = bench(&line).await.unwrap();
    assert_eq!(verdict, Verdict::Failed);
    assert!(out.contains("position unknown"), "{out}");
    assert!(out.contains("caught up         NO"), "{out}");
}
