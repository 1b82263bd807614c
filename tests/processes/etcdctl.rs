//! The tour of README.md, with etcd's own client.

use rig::{Process, Rig, RigOptions, Side, run, until};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn etcdctl_writes_and_reads_on_the_primary() {
    let rig = Rig::start(RigOptions::local()).await;
    for line in [["put", "k/1", "one"], ["put", "k/2", "two"]] {
        let answer = rig.etcdctl(Side::Alpha, &line).await.expect_code(0);
        assert_eq!(answer.stdout, "OK\n");
    }
    let one = rig.etcdctl(Side::Alpha, &["get", "k/1"]).await;
    assert_eq!(one.expect_code(0).stdout, "k/1\none\n");
    let both = rig.etcdctl(Side::Alpha, &["get", "--prefix", "k/"]).await;
    assert_eq!(both.expect_code(0).stdout, "k/1\none\nk/2\ntwo\n");
    let deleted = rig.etcdctl(Side::Alpha, &["del", "k/1"]).await;
    assert_eq!(deleted.expect_code(0).stdout, "1\n");
    let none = rig.etcdctl(Side::Alpha, &["get", "k/1"]).await;
    assert_eq!(none.expect_code(0).stdout, "");
}

#[tokio::test]
async fn etcdctl_transaction_takes_the_branch_of_its_comparison() {
    let rig = Rig::start(RigOptions::local()).await;
    let line = rig.etcdctl_at(Side::Alpha, &["txn"]);
    let mut shell = Command::new("sh");
    shell
        .env("ETCDCTL_API", "3")
        .arg("-c")
        .arg("printf 'mod(\"k\") = \"0\"\\n\\nput k v3\\n\\nget k\\n\\n' | exec \"$@\"")
        .arg("sh")
        .arg(line.get_program())
        .args(line.get_args());
    let again = shell.get_args().map(ToOwned::to_owned).collect::<Vec<_>>();
    run(shell).await.expect_code(0).expect_said("SUCCESS");
    let mut shell = Command::new("sh");
    shell.env("ETCDCTL_API", "3").args(again);
    run(shell).await.expect_code(0).expect_said("FAILURE");
}

#[tokio::test]
async fn compacted_revision_is_answered_as_etcd_does() {
    let rig = Rig::start(RigOptions::local()).await;
    for value in ["a", "b", "c"] {
        rig.etcdctl(Side::Alpha, &["put", "k", value])
            .await
            .expect_code(0);
    }
    rig.etcdctl(Side::Alpha, &["compaction", "3"])
        .await
        .expect_code(0)
        .expect_said("compacted revision 3");
    let old = rig.etcdctl(Side::Alpha, &["get", "k", "--rev=2"]).await;
    assert_ne!(old.code, Some(0));
    old.expect_said("required revision has been compacted");
}

#[tokio::test]
async fn standby_reads_watches_and_relays_writes() {
    let rig = Rig::start(RigOptions::local()).await;
    rig.etcdctl(Side::Alpha, &["put", "k", "v"])
        .await
        .expect_code(0);
    until("the standby has the write", PATIENCE, || async {
        let line = ["get", "k", "--consistency=s"];
        let answer = rig.etcdctl(Side::Bravo, &line).await;
        (answer.expect_code(0).stdout == "k\nv\n").then_some(())
    })
    .await;
    let log = rig.path().join("watch.log");
    let mut line = rig.etcdctl_at(Side::Bravo, &["watch", "k", "--rev=1"]);
    let watch = Process::start("watch", &mut line, &log);
    rig.etcdctl(Side::Bravo, &["put", "k", "relayed"])
        .await
        .expect_code(0);
    until("the watch has both writes", PATIENCE, || async {
        (watch.said() == "PUT\nk\nv\nPUT\nk\nrelayed\n").then_some(())
    })
    .await;
    let on_primary = rig.etcdctl(Side::Alpha, &["get", "k"]).await;
    assert_eq!(on_primary.expect_code(0).stdout, "k\nrelayed\n");
}
