use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::{Builder, tls};
use std::net::SocketAddr;
use std::path::Path;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use understudy_devstore::{DevStore, DevStoreConfig, DevStoreError};

pub(crate) fn config(dir: &Path) -> DevStoreConfig {
    DevStoreConfig::new(
        SocketAddr::from(([127, 0, 0, 1], 0)),
        dir,
        "access",
        "secret",
    )
}

pub(crate) async fn bind(dir: &Path) -> Result<DevStore, DevStoreError> {
    DevStore::bind(config(dir)).await
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

pub(crate) async fn run(dir: &Path) -> Running {
    let store = bind(dir).await.expect("binds");
    let address = store.local_addr();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _stop_or_dropped = stopped.await;
    };
    Running {
        address,
        task: tokio::spawn(store.serve(shutdown)),
        stop,
    }
}

impl Running {
    /// Drops the server where it stands; nothing is ended in order.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let ended = self.task.await.expect_err("it was aborted");
        assert!(ended.is_cancelled(), "{ended}");
    }

    pub(crate) async fn shut_down(self) {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("it ends without a panic");
    }

    pub(crate) fn client(&self) -> Client {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("access", "secret", None, None, "test"))
            .endpoint_url(format!("http://{}", self.address))
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .http_client(Builder::new().tls_provider(ring).build_https())
            .build();
        Client::from_conf(config)
    }
}

pub(crate) async fn put(client: &Client, key: &str, body: &'static str) -> String {
    let put = client
        .put_object()
        .bucket("bucket")
        .key(key)
        .body(body.as_bytes().to_vec().into());
    let put = put.send().await.expect("stored");
    put.e_tag.expect("an ETag")
}

pub(crate) async fn read(client: &Client, key: &str) -> Option<String> {
    let get = client.get_object().bucket("bucket").key(key).send().await;
    match get {
        Ok(found) => {
            let body = found.body.collect().await.expect("a whole body").to_vec();
            Some(String::from_utf8(body).expect("text"))
        }
        Err(error) => {
            assert!(error.into_service_error().is_no_such_key());
            None
        }
    }
}
