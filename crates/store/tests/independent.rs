//! The suite and the probe against an S3 server that others wrote.
//!
//! `UNDERSTUDY_TEST_S3_ENDPOINT` names one that runs (path style, with
//! `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or any keys if unset);
//! otherwise the test starts MiniStack by itself.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use understudy_store::conformance::conformance;
use understudy_store::{Credentials, ObjectStore, ProbeCheck, S3Config, S3Store, probe};
use understudy_types::Nonce;

const ENDPOINT: &str = "UNDERSTUDY_TEST_S3_ENDPOINT";
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// The server's process, when it is ours; it ends with the value.
struct Server {
    endpoint: String,
    process: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _gone = process.kill();
            let _status = process.wait();
        }
    }
}

fn installed_by_tests_run() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/ministack/bin/ministack")
}

fn find_ministack() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("ministack"));
    on_path
        .chain([installed_by_tests_run()])
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!(
                "no independent S3 server: run tests/run (or tests/install-ministack), \
                 or set {ENDPOINT} to one"
            )
        })
}

fn start() -> Server {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        return Server {
            endpoint,
            process: None,
        };
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address: SocketAddr = free.expect("a free port");
    let process = Command::new(find_ministack())
        .env("GATEWAY_PORT", address.port().to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("SERVICES", "s3")
        .env("LOG_LEVEL", "WARNING")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("MiniStack starts");
    Server {
        endpoint: format!("http://{address}"),
        process: Some(process),
    }
}

async fn connect(server: &Server) -> S3Store {
    let key = |name: &str| std::env::var(name).unwrap_or_else(|_| "test".into());
    let config = S3Config {
        prefix: "independent".into(),
        endpoint: Some(server.endpoint.clone()),
        path_style: true,
        credentials: Some(Credentials {
            access_key: key("AWS_ACCESS_KEY_ID"),
            secret_key: key("AWS_SECRET_ACCESS_KEY"),
        }),
        attempt_timeout: Duration::from_secs(30),
        ..S3Config::new("understudy-test", "us-east-1")
    };
    let store = S3Store::connect(config)
        .await
        .expect("a valid configuration");
    wait_for_bucket(&store).await;
    store
}

/// Asks until the server answers: it takes a moment to start.
async fn wait_for_bucket(store: &S3Store) {
    let deadline = Instant::now() + STARTS_WITHIN;
    loop {
        match store.create_bucket().await {
            Ok(()) => return,
            Err(error) if Instant::now() > deadline => panic!("no bucket: {error}"),
            Err(_not_yet) => sleep(Duration::from_millis(50)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_server_passes_the_suite_and_the_probe() {
    let server = start();
    let store = connect(&server).await;
    let report = probe(&store, Nonce::from_bytes([5; 16]))
        .await
        .expect("an honest store");
    assert_eq!(report.checks, ProbeCheck::ALL);
    let report = conformance(Arc::new(store.clone()))
        .await
        .expect("conforms");
    assert_eq!(report.passed.len(), 19);
    assert_eq!(store.list("", None).await, Ok(vec![]));
}
