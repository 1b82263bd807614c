//! What commands do on a terminal and without one. The terminal is that of
//! `script`, which every Debian has.

use rig::{PATIENCE, Rig, RigOptions, Side, understudy_binary, until};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

const LEAVES_THE_SCREEN: &str = "\x1b[?1049l";

#[tokio::test(flavor = "multi_thread")]
async fn top_shows_the_pair_obeys_its_keys_and_gives_the_terminal_back() {
    let rig = Rig::start(RigOptions::local()).await;
    let line = format!(
        "{} top --endpoint {} --endpoint {}",
        understudy_binary().display(),
        rig.replication(Side::Alpha),
        rig.replication(Side::Bravo)
    );
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("script");
    let shown = Arc::new(Mutex::new(String::new()));
    let mut output = script.stdout.take().expect("a pipe");
    let screen = Arc::clone(&shown);
    let reading = tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes).await {
            let text = String::from_utf8_lossy(&bytes[..count]);
            screen.lock().expect("no panic").push_str(&text);
        }
    });
    let says = |text: &'static str| {
        let shown = &shown;
        until(text, PATIENCE, move || async move {
            shown.lock().expect("no panic").contains(text).then_some(())
        })
    };
    let mut keys = script.stdin.take().expect("a pipe");
    says("STREAMING from alpha").await;
    says("alpha / main").await;
    keys.write_all(b"l").await.expect("a key");
    says("bravo / main").await;
    keys.write_all(b"p").await.expect("a key");
    says("PAUSED").await;
    assert!(!shown.lock().unwrap().contains(LEAVES_THE_SCREEN));
    keys.write_all(b"q").await.expect("a key");
    let ended = script.wait().await.expect("an end");
    assert!(ended.success(), "{ended}");
    reading.await.expect("no panic");
    assert!(shown.lock().unwrap().contains(LEAVES_THE_SCREEN));
}

#[tokio::test]
async fn without_a_terminal_there_is_no_top_and_no_colour() {
    let rig = Rig::start(RigOptions::local()).await;
    rig.command(&["top"])
        .await
        .expect_code(2)
        .expect_said("top needs a terminal");
    let endpoint = rig.replication(Side::Bravo).to_string();
    let status = rig.command(&["status", "--endpoint", &endpoint]).await;
    assert!(status.stdout.contains("STREAMING"), "{}", status.stdout);
    assert!(!status.stdout.contains('\x1b'), "{:?}", status.stdout);
}

#[tokio::test]
async fn switchover_as_json_is_one_document_with_its_receipt() {
    let rig = Rig::start(RigOptions::local()).await;
    let (epoch, file) = (rig.epoch().await.to_string(), rig.file(Side::Alpha));
    let line = ["switchover", "--to", "bravo", "--expect-epoch", &epoch];
    let more = ["--config", &file, "-o", "json"];
    let answer = rig
        .command(&[&line[..], &more].concat())
        .await
        .expect_code(0);
    let document: serde_json::Value = serde_json::from_str(&answer.stdout).expect("one document");
    assert_eq!(document["ended"]["outcome"], "done");
    assert_eq!(document["receipt"]["mode"], "switchover");
    assert_eq!(document["verdict"]["node"], "bravo");
    assert!(
        document["steps"]
            .as_array()
            .is_some_and(|steps| steps.len() > 2)
    );
}

#[tokio::test]
async fn long_work_says_how_far_it_is_on_a_terminal_alone() {
    let rig = Rig::start(RigOptions::local()).await;
    let clients = rig.clients(Side::Alpha).to_string();
    let put = ["bench", "put", "--count=1200", "--key-space=1200"];
    let put = [&put[..], &["--endpoints", &clients]].concat();
    rig.command(&put).await.expect_code(0);
    let endpoints = format!("--endpoints={clients},{clients}");
    let plain = rig.command(&["diff", &endpoints]).await.expect_code(0);
    assert_eq!(plain.stderr, "");
    let line = format!("{} diff {endpoints}", understudy_binary().display());
    let shown = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .output()
        .await
        .expect("script");
    let shown = String::from_utf8_lossy(&shown.stdout);
    for text in ["comparing keys", "of 1 200", "/s", "left"] {
        assert!(shown.contains(text), "{text}: {shown:?}");
    }
    assert!(shown.trim_end().contains("1 200 keys equal"), "{shown:?}");
}
