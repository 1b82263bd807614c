//! What the environment changes. A process cannot change its own safely, so
//! these tests run themselves again as a child, in one of their choosing.

use crate::fixture::{ACCESS_KEY, SECRET_KEY, config, honest};
use std::process::{Command, Output};
use understudy_store::{ConnectError, Fetched, ObjectStore, S3Config, S3Store};

const CHILD: &str = "UNDERSTUDY_TEST_CHILD";

/// Runs one test of this program with these variables and no others.
fn run_again(test: &str, variables: &[(&str, &str)]) -> Output {
    let this = std::env::current_exe().expect("this test's program");
    let mut again = Command::new(this);
    again.args(["--exact", test]).env_clear().env(CHILD, "1");
    again
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nonexistent");
    again
        .envs(variables.iter().copied())
        .output()
        .expect("it runs")
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn loopback_is_asked_directly_whatever_the_environment_says() {
    let names = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ];
    let nowhere = names.map(|name| (name, "http://127.0.0.1:1"));
    assert_passed(&run_again("embedded::prefixes_keep_pairs_apart", &nowhere));
}

#[tokio::test]
async fn credentials_come_from_the_environment_when_none_are_configured() {
    if std::env::var_os(CHILD).is_none() {
        let keys = [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ];
        let test = "environment::credentials_come_from_the_environment_when_none_are_configured";
        return assert_passed(&run_again(test, &keys));
    }
    let server = honest().await;
    let config = S3Config {
        credentials: None,
        ..config(server.address)
    };
    let store = S3Store::connect(config)
        .await
        .expect("found in the environment");
    assert_eq!(store.get("key", None).await, Ok(Fetched::Absent));
}

#[tokio::test]
async fn missing_credentials_are_named_before_any_request() {
    if std::env::var_os(CHILD).is_none() {
        let test = "environment::missing_credentials_are_named_before_any_request";
        return assert_passed(&run_again(test, &[]));
    }
    let server = honest().await;
    let config = S3Config {
        credentials: None,
        ..config(server.address)
    };
    let error = S3Store::connect(config).await.expect_err("none anywhere");
    assert!(
        matches!(error, ConnectError::NoCredentials { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
}
