use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use understudy_devstore::{DevStore, DevStoreConfig, Mode};
use understudy_store::{Credentials, S3Config, S3Store};

pub(crate) const ACCESS_KEY: &str = "development";
pub(crate) const SECRET_KEY: &str = "development-secret";

/// A development store in a directory of its own; it ends with the value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn serve(change: impl FnOnce(&mut DevStoreConfig)) -> Server {
    let dir = TempDir::new().expect("a directory");
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = DevStoreConfig::new(listen, dir.path(), ACCESS_KEY, SECRET_KEY);
    change(&mut config);
    let store = DevStore::bind(config).await.expect("binds");
    let address = store.local_addr();
    let task = tokio::spawn(store.serve(std::future::pending()));
    Server {
        address,
        task,
        _dir: dir,
    }
}

pub(crate) async fn honest() -> Server {
    serve(|config| config.mode = Mode::Honest).await
}

pub(crate) fn config(address: SocketAddr) -> S3Config {
    S3Config {
        prefix: "pairs/one".into(),
        endpoint: Some(format!("http://{address}")),
        path_style: true,
        credentials: Some(Credentials {
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
        }),
        // The machine that runs the tests may be busy.
        attempt_timeout: Duration::from_secs(20),
        ..S3Config::new("understudy", "us-east-1")
    }
}

pub(crate) async fn connect(address: SocketAddr) -> S3Store {
    S3Store::connect(config(address))
        .await
        .expect("a valid configuration")
}

pub(crate) async fn connect_shared(address: SocketAddr) -> Arc<S3Store> {
    Arc::new(connect(address).await)
}
