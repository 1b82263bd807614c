use crate::fixture::{put, read, run};
use aws_sdk_s3::error::ProvideErrorMetadata;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

#[tokio::test]
async fn the_etag_is_the_md5_of_the_body() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    assert_eq!(
        put(&client, "key", "hello").await,
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    let head = client
        .head_object()
        .bucket("bucket")
        .key("key")
        .send()
        .await
        .expect("there");
    assert_eq!(head.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(head.content_length(), Some(5));
}

#[tokio::test]
async fn ranges_give_parts() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    put(&client, "key", "0123456789").await;
    for (range, part, label) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let get = client
            .get_object()
            .bucket("bucket")
            .key("key")
            .range(range)
            .send()
            .await;
        let get = get.expect("a part");
        assert_eq!(get.content_range(), Some(label));
        assert_eq!(
            &get.body.collect().await.expect("whole").to_vec(),
            part.as_bytes()
        );
    }
    let beyond = client
        .get_object()
        .bucket("bucket")
        .key("key")
        .range("bytes=10-")
        .send()
        .await;
    let beyond = beyond.expect_err("nothing there");
    assert_eq!(
        beyond.raw_response().map(|answer| answer.status().as_u16()),
        Some(416)
    );
}

#[tokio::test]
async fn reads_and_deletes_keep_their_conditions() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    let etag = put(&client, "key", "one").await;
    let get = || client.get_object().bucket("bucket").key("key");
    let status = |error: Option<u16>| error.expect("an answer");
    let stale = get()
        .if_match("\"0\"")
        .send()
        .await
        .expect_err("another object");
    assert_eq!(
        status(stale.raw_response().map(|raw| raw.status().as_u16())),
        412
    );
    let same = get()
        .if_none_match(&etag)
        .send()
        .await
        .expect_err("not modified");
    assert_eq!(
        status(same.raw_response().map(|raw| raw.status().as_u16())),
        304
    );
    let delete = || client.delete_object().bucket("bucket").key("key");
    let refused = delete()
        .if_match("\"0\"")
        .send()
        .await
        .expect_err("another object");
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    assert_eq!(read(&client, "key").await.as_deref(), Some("one"));
    delete().if_match(&etag).send().await.expect("deleted");
    assert_eq!(read(&client, "key").await, None);
}

#[tokio::test]
async fn listings_have_pages_and_folders() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    for key in ["a/1", "a/2", "b", "c/1", "d"] {
        put(&client, key, "x").await;
    }
    let mut pages = client
        .list_objects_v2()
        .bucket("bucket")
        .delimiter("/")
        .into_paginator()
        .page_size(1)
        .send();
    let mut lines = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert_eq!(page.key_count(), Some(1));
        lines.extend(
            page.common_prefixes()
                .iter()
                .filter_map(|folder| folder.prefix().map(str::to_owned)),
        );
        lines.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key().map(str::to_owned)),
        );
    }
    assert_eq!(lines, ["a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn buckets_are_made_once_and_listed() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    client
        .create_bucket()
        .bucket("made")
        .send()
        .await
        .expect("made");
    let again = client
        .create_bucket()
        .bucket("made")
        .send()
        .await
        .expect_err("exists");
    assert_eq!(again.code(), Some("BucketAlreadyOwnedByYou"));
    client
        .head_bucket()
        .bucket("made")
        .send()
        .await
        .expect("there");
    let all = client.list_buckets().send().await.expect("a list");
    let names: Vec<_> = all
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    assert_eq!(names, ["made"]);
}

#[tokio::test]
async fn what_it_does_not_know_it_says_so() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    put(&client, "key", "one").await;
    let copy = client
        .copy_object()
        .bucket("bucket")
        .key("copy")
        .copy_source("bucket/key");
    assert_eq!(
        copy.send().await.expect_err("unknown").code(),
        Some("NotImplemented")
    );
    let both = client
        .put_object()
        .bucket("bucket")
        .key("key")
        .if_match("\"0\"")
        .if_none_match("*");
    assert_eq!(
        both.send().await.expect_err("unknown").code(),
        Some("NotImplemented")
    );
}

#[tokio::test]
async fn a_body_with_another_checksum_is_not_stored() {
    let dir = directory();
    let running = run(dir.path()).await;
    let client = running.client();
    let send = |checksum: &str| {
        let put = client
            .put_object()
            .bucket("bucket")
            .key("key")
            .checksum_crc32(checksum);
        put.body(b"hello".to_vec().into()).send()
    };
    let refused = send("AAAAAA==").await.expect_err("another body");
    assert_eq!(refused.code(), Some("BadDigest"));
    assert_eq!(read(&client, "key").await, None);
    send("NhCmhg==").await.expect("the body's own");
    assert_eq!(read(&client, "key").await.as_deref(), Some("hello"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let dir = directory();
    let running = run(dir.path()).await;
    let mut stream = TcpStream::connect(running.address)
        .await
        .expect("it listens");
    let request = "GET /bucket/key HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}
