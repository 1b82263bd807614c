use crate::fixture::{bind, config, put, read, run};
use tempfile::TempDir;
use understudy_devstore::{DevStore, DevStoreConfig, DevStoreError};

#[tokio::test]
async fn a_killed_store_comes_back_with_everything_it_answered() {
    let dir = TempDir::new().expect("a directory");
    let running = run(dir.path()).await;
    let client = running.client();
    put(&client, "kept", "one").await;
    put(&client, "kept", "two").await;
    put(&client, "deleted", "three").await;
    client
        .delete_object()
        .bucket("bucket")
        .key("deleted")
        .send()
        .await
        .expect("deleted");
    running.kill().await;

    let running = run(dir.path()).await;
    let client = running.client();
    assert_eq!(read(&client, "kept").await.as_deref(), Some("two"));
    assert_eq!(read(&client, "deleted").await, None);
}

#[tokio::test]
async fn a_store_that_was_shut_down_frees_its_directory_and_port() {
    let dir = TempDir::new().expect("a directory");
    let running = run(dir.path()).await;
    put(&running.client(), "key", "one").await;
    let address = running.address;
    running.shut_down().await;
    let again = DevStoreConfig {
        listen: address,
        ..config(dir.path())
    };
    assert_eq!(
        DevStore::bind(again)
            .await
            .expect("binds again")
            .local_addr(),
        address
    );
}

#[tokio::test]
async fn two_stores_never_share_a_directory() {
    let dir = TempDir::new().expect("a directory");
    let first = bind(dir.path()).await.expect("binds");
    let second = bind(dir.path()).await.expect_err("in use");
    assert!(
        matches!(second, DevStoreError::DirectoryInUse { .. }),
        "{second}"
    );
    assert!(second.to_string().contains("its own directory"), "{second}");
    drop(first);
    bind(dir.path()).await.expect("free again");
}

#[tokio::test]
async fn a_taken_port_is_named_with_a_way_out() {
    let (dir, other) = (
        TempDir::new().expect("a directory"),
        TempDir::new().expect("another"),
    );
    let first = bind(dir.path()).await.expect("binds");
    let taken = DevStoreConfig {
        listen: first.local_addr(),
        ..config(other.path())
    };
    let error = DevStore::bind(taken).await.expect_err("taken");
    assert!(
        matches!(error, DevStoreError::AddressInUse { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("another port"), "{error}");
}
