//! The policies for the store, against what nodes and operators ask of it.

use rig::{Ports, Rig, RigOptions, Side, StoreProxy, free_ports, linters, until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);

/// Statements of a policy: the action, and the patterns of its resources.
fn statements(file: &str) -> Vec<(String, Vec<String>)> {
    let path = linters::root().join("deploy/iam").join(file);
    let text = std::fs::read_to_string(path).expect("a policy");
    let policy: Value = serde_json::from_str(&text).expect("JSON");
    let statements = policy["Statement"].as_array().expect("statements");
    statements.iter().map(statement).collect()
}

fn statement(statement: &Value) -> (String, Vec<String>) {
    assert_eq!(statement["Effect"], "Allow");
    let resources = match &statement["Resource"] {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (
        text(&statement["Action"]),
        resources.iter().map(text).collect(),
    )
}

fn matches(pattern: &str, resource: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => resource.starts_with(beginning),
        None => pattern == resource,
    }
}

/// What the rig's store was asked, as AWS would have judged it; the rig's
/// bucket is "understudy", its prefix "dev".
fn judged((method, path): &(String, String)) -> (&'static str, String) {
    let action = match method.as_str() {
        "GET" => "s3:GetObject",
        "PUT" => "s3:PutObject",
        "DELETE" => "s3:DeleteObject",
        other => panic!("{other} {path}: no policy speaks of it"),
    };
    let key = path.strip_prefix("/understudy/dev/");
    let key = key.unwrap_or_else(|| panic!("{method} {path} is outside of the prefix"));
    (action, format!("arn:aws:s3:::BUCKET/PREFIX/{key}"))
}

/// Everything asked is allowed; and every pattern allows something that was
/// asked, or it would allow too much.
fn expect_minimal(file: &str, asked: &BTreeSet<(String, String)>) {
    let asked: Vec<_> = asked.iter().map(judged).collect();
    let mut patterns = Vec::new();
    for (action, resources) in statements(file) {
        if action == "s3:ListBucket" {
            // Nothing is listed: without it a missing object is answered 403.
            assert_eq!(resources, ["arn:aws:s3:::BUCKET"], "{file}");
            continue;
        }
        patterns.extend(
            resources
                .into_iter()
                .map(|pattern| (action.clone(), pattern)),
        );
    }
    let covers = |(action, pattern): &(String, String), asked: &(&str, String)| {
        action == asked.0 && matches(pattern, &asked.1)
    };
    for one in &asked {
        let allowed = patterns.iter().any(|pattern| covers(pattern, one));
        assert!(allowed, "{file} does not allow {one:?}");
    }
    for pattern in &patterns {
        let used = asked.iter().any(|one| covers(pattern, one));
        assert!(used, "{file}: nothing needs {pattern:?}");
    }
}

/// A pair that fills slots, is promoted from them and removes them, with its
/// requests counted apart from its operator's.
#[tokio::test(flavor = "multi_thread")]
async fn policies_allow_what_is_asked_and_nothing_more() {
    let [nodes, operators] = free_ports();
    let ports = Ports::free();
    let by_nodes = StoreProxy::before(nodes, ports.store).await;
    let by_operators = StoreProxy::before(operators, ports.store).await;
    let options = RigOptions {
        store_advertised: Some(nodes),
        ..RigOptions::replicated()
    };
    let mut rig = Rig::prepare_on(ports, options).await;
    rig.start_store();
    let operate = async |rig: &Rig, arguments: &[&str]| {
        let endpoint = format!("http://{operators}");
        let file = rig.file(Side::Bravo);
        let access = ["--config", &file, "--store-endpoint", &endpoint];
        let line = [arguments, &access].concat();
        rig.command(&line).await
    };
    until(
        "the store serves and the lease is made",
        PATIENCE,
        || async {
            let init = operate(&rig, &["init", "--first", "alpha"]).await;
            (init.code == Some(0)).then_some(())
        },
    )
    .await;
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    rig.start_node(Side::Bravo);
    rig.wait_for_standby(Side::Bravo).await;
    rig.kill_node(Side::Bravo);
    let line = ["--command-timeout=30s", "put", "k", "v"];
    rig.etcdctl(Side::Alpha, &line).await.expect_code(0);
    let home = async |rig: &Rig, side: Side, wanted: &str| {
        until(wanted, PATIENCE, || async {
            let home = &rig.status(side).await?["lease"]["ack_home"];
            (home == wanted).then_some(())
        })
        .await;
    };
    home(&rig, Side::Alpha, "store").await;
    let epoch = rig.epoch().await.to_string();
    rig.kill_node(Side::Alpha);
    rig.start_node(Side::Bravo);
    home(&rig, Side::Bravo, "store").await;
    let verb = [
        "failover",
        "--to",
        "bravo",
        "--expect-epoch",
        &epoch,
        "--yes",
        "dev",
    ];
    operate(&rig, &verb).await.expect_code(0);
    rig.start_node(Side::Alpha);
    home(&rig, Side::Bravo, "standbys").await;
    until("slots are removed", PATIENCE, || async {
        let asked = by_nodes.asked();
        let removed =
            |(method, path): &(String, String)| method == "DELETE" && path.contains("/slots/");
        asked.iter().any(removed).then_some(())
    })
    .await;
    expect_minimal("node-policy.json", &by_nodes.asked());
    expect_minimal("operator-policy.json", &by_operators.asked());
}
