//! The Helm chart, rendered by Helm's own engine and read by Kubernetes' own
//! schemas. No cluster runs here: what its controllers make of it is not seen.

mod people;
mod speech;

use super::{expect_understood, strings, understudy};
use rig::{Directory, linters};
use serde_json::{Value, json};
use std::path::Path;

const CHART: &str = "deploy/helm/understudy";

fn example(node: &str) -> String {
    let path = linters::root().join(CHART).join("examples");
    let text = std::fs::read_to_string(path.join(format!("{node}.yaml")));
    text.expect("an example")
}

async fn file(directory: &Directory, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    tokio::fs::write(&path, text).await.expect("a file");
    path.to_str().expect("a path").to_owned()
}

async fn rendered(values: &str) -> Manifests {
    let directory = Directory::new();
    let values = file(&directory, "values.yaml", values).await;
    let rendered = linters::answered(&["chart", CHART, &values, "pair"]).await;
    Manifests(rendered.as_array().expect("a list").clone())
}

/// The values are refused; what Helm says.
async fn refused(values: &str) -> String {
    let directory = Directory::new();
    let values = file(&directory, "values.yaml", values).await;
    let answer = linters::ask(&["chart", CHART, &values, "pair"]).await;
    assert_ne!(answer.code, Some(0), "{}", answer.stdout);
    answer.stderr
}

struct Manifests(Vec<Value>);

impl Manifests {
    fn all(&self, kind: &str) -> Vec<&Value> {
        let of_kind = |manifest: &&Value| manifest["kind"] == kind;
        self.0.iter().filter(of_kind).collect()
    }

    fn one(&self, kind: &str) -> &Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "{kind}");
        all[0]
    }

    fn service(&self, name: &str) -> Option<&Value> {
        let services = self.all("Service");
        let mut named = services.into_iter();
        named.find(|service| service["metadata"]["name"] == name)
    }

    fn pod(&self) -> &Value {
        &self.one("StatefulSet")["spec"]["template"]
    }

    fn container(&self) -> &Value {
        &self.pod()["spec"]["containers"][0]
    }

    /// The volume from which the pod has this file, as long as it changes with
    /// what it is made of.
    fn volume_of(&self, file: &str) -> Option<&Value> {
        let mounts = self.container()["volumeMounts"].as_array()?;
        let (directory, _) = file.rsplit_once('/')?;
        let mount = mounts.iter().find(|m| m["mountPath"] == directory)?;
        assert!(mount["subPath"].is_null(), "{file} would never change");
        let volumes = self.pod()["spec"]["volumes"].as_array()?;
        volumes.iter().find(|v| v["name"] == mount["name"])
    }

    fn configuration(&self) -> &str {
        let map = self.one("ConfigMap");
        map["data"]["node.toml"].as_str().expect("a file")
    }
}

#[tokio::test]
async fn manifests_are_what_kubernetes_knows() {
    let directory = Directory::new();
    let part = format!("{}\nreadiness: part\n", example("bravo"));
    let keys = example("alpha").replace("  bucket:", "  existingSecret: keys\n  bucket:");
    for values in [example("alpha"), example("bravo"), part, keys] {
        let manifests = Value::from(rendered(&values).await.0);
        let path = file(&directory, "manifests.json", &manifests.to_string()).await;
        for version in ["1.29", "1.37"] {
            let wrong = linters::answered(&["kubernetes", &path, version]).await;
            assert_eq!(wrong, json!([]), "Kubernetes {version}");
        }
    }
    let mut unknown = rendered(&example("alpha")).await.0;
    unknown[0]["metadata"]["lables"] = json!({});
    let path = file(&directory, "wrong.json", &Value::from(unknown).to_string()).await;
    let wrong = linters::answered(&["kubernetes", &path, "1.29"]).await;
    assert_ne!(wrong, json!([]), "the schemas are strict");
}

#[tokio::test]
async fn configurations_of_both_releases_are_sound_and_agree() {
    let directory = Directory::new();
    let mut common = Vec::new();
    for node in ["alpha", "bravo"] {
        let manifests = rendered(&example(node)).await;
        let text = manifests.configuration();
        let path = file(&directory, "node.toml", text).await;
        let checked = understudy(&["config", "check", "--config", &path]).await;
        checked
            .expect_code(0)
            .expect_said(&format!("node {node} of cluster prod"));
        let other = if node == "alpha" { "bravo" } else { "alpha" };
        common.push(text.replace(node, "NODE").replace(other, "OTHER"));
    }
    assert_eq!(common[0], common[1]);
    let peers = "peers = [\"OTHER.example.com:2390\"]\n";
    assert!(common[0].contains(peers), "{}", common[0]);
    let advertised = "replication = \"NODE.example.com:2390\"\n";
    assert!(common[0].contains(advertised), "{}", common[0]);
}

#[tokio::test]
async fn pod_is_asked_what_the_binary_and_the_console_know() {
    let manifests = rendered(&example("alpha")).await;
    let container = manifests.container();
    expect_understood(&strings(&container["args"])).await;
    let readiness = strings(&container["readinessProbe"]["exec"]["command"]);
    assert_eq!(readiness[0], "/usr/bin/understudy");
    expect_understood(&readiness[1..]).await;
    for probe in ["startupProbe", "livenessProbe"] {
        let probe = &container[probe]["httpGet"];
        assert_eq!(probe, &json!({ "path": "/live", "port": "console" }));
    }
    let ports = container["ports"].as_array().expect("ports");
    for port in ports.iter().map(|port| &port["containerPort"]) {
        let listens = format!("= \"0.0.0.0:{port}\"");
        assert!(manifests.configuration().contains(&listens), "{port}");
    }
    assert_eq!(ports.len(), 3);
}

#[tokio::test]
async fn services_lead_to_the_pod_and_one_of_them_to_a_primary_alone() {
    let manifests = rendered(&example("alpha")).await;
    let labels = &manifests.pod()["metadata"]["labels"];
    for service in manifests.all("Service") {
        let selector = service["spec"]["selector"].as_object().expect("labels");
        assert!(!selector.is_empty());
        for (name, value) in selector {
            assert_eq!(&labels[name], value);
        }
        let is_primarys = service["metadata"]["name"] == "pair-primary";
        let unready = &service["spec"]["publishNotReadyAddresses"];
        assert_eq!(unready != true, is_primarys, "{service}");
    }
    let has_console = |service: &&Value| service.to_string().contains("\"console\"");
    let services = manifests.all("Service");
    let scraped = services.into_iter().filter(has_console).count();
    assert_eq!(scraped, 1, "a node is scraped once");
    let part = format!("{}\nreadiness: part\n", example("alpha"));
    let manifests = rendered(&part).await;
    assert!(manifests.service("pair").is_some());
    assert!(
        manifests.service("pair-primary").is_none(),
        "nothing follows"
    );
}

#[tokio::test]
async fn pod_has_no_right_that_it_does_not_need() {
    let manifests = rendered(&example("alpha")).await;
    let pod = &manifests.pod()["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let context = &manifests.container()["securityContext"];
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
    let mounts = manifests.container()["volumeMounts"].as_array();
    let data = mounts.expect("mounts").iter().find(|m| m["name"] == "data");
    let data = data.expect("the data root")["mountPath"]
        .as_str()
        .expect("a path");
    let configuration = manifests.configuration();
    let root = configuration
        .lines()
        .find_map(|line| line.strip_prefix("data = "));
    let root = root.expect("a data root").trim_matches('"');
    assert!(Path::new(root).starts_with(data), "{root} is on the volume");
}

#[tokio::test]
async fn rules_of_prometheus_are_those_of_the_file_when_they_are_wanted() {
    let whole = example("alpha");
    let off = rendered(&whole).await;
    assert!(off.all("PrometheusRule").is_empty(), "off by default");
    let on = format!("{whole}prometheusRule:\n  enabled: true\n  labels: {{ team: ops }}\n");
    let rendered_rules = rendered(&on).await;
    let rule = rendered_rules.one("PrometheusRule");
    assert_eq!(rule["metadata"]["labels"]["team"], "ops");
    let file = linters::answered(&["yaml", "deploy/prometheus/alerts.yml"]).await;
    assert_eq!(rule["spec"], file, "nothing is lost, nothing is filled in");
    let summary = "{{ $labels.instance }} does not know how far it is behind.";
    assert!(rule.to_string().contains(summary), "{rule}");

    let left_out = format!("{on}  leaveOut: [UnderstudyNoPrimary]\n");
    let fewer = rendered(&left_out).await;
    let rules = |rule: &Value| rule["spec"]["groups"][0]["rules"].as_array().cloned();
    let (all, fewer) = (rules(rule).expect("rules"), fewer.one("PrometheusRule"));
    let fewer = rules(fewer).expect("rules");
    assert_eq!(all[0]["alert"], "UnderstudyNoPrimary");
    assert_eq!(all[1..], fewer[..]);
    let unknown = format!("{on}  leaveOut: [UnderstudyNoPrimaries]\n");
    let told = refused(&unknown).await;
    assert!(told.contains("no alert UnderstudyNoPrimaries"), "{told}");
}

#[tokio::test]
async fn values_that_lack_something_or_are_misspelt_are_refused() {
    let whole = example("alpha");
    let without = whole.replace("cluster: prod\n", "");
    assert!(refused(&without).await.contains("cluster"));
    let misspelt = whole.replace("ackPolicy:", "ackpolicy:");
    assert!(refused(&misspelt).await.contains("ackpolicy"));
    let taken = whole.replace("port: 2379", "port: 2390");
    assert!(refused(&taken).await.contains("port"));
}
