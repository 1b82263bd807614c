//! The pair of the compose file, as far as it can be judged without engine.

use super::{expect_understood, strings, understudy};
use rig::linters;
use serde_json::Value;

const FILE: &str = "deploy/compose/compose.yaml";

async fn parsed() -> Value {
    linters::answered(&["compose", FILE]).await
}

#[tokio::test]
async fn binary_understands_what_the_services_run() {
    let file = parsed().await;
    for name in ["store", "init"] {
        expect_understood(&strings(&file["services"][name]["command"])).await;
    }
    for name in ["alpha", "bravo"] {
        let health = &file["services"][name]["healthcheck"]["test"];
        let ["CMD", "/usr/bin/understudy", arguments @ ..] = &strings(health)[..] else {
            panic!("{health} asks the binary");
        };
        expect_understood(arguments).await;
    }
}

#[tokio::test]
async fn configuration_files_are_sound_and_name_each_other_as_services() {
    let file = parsed().await;
    for name in ["alpha", "bravo"] {
        let mounted = file["configs"][name]["file"].as_str().expect("a file");
        let path = linters::root().join("deploy/compose").join(mounted);
        let path = path.to_str().expect("a path");
        let checked = understudy(&["config", "check", "--config", path]).await;
        checked
            .expect_code(0)
            .expect_said(&format!("node {name} of cluster demo"));
        let text = std::fs::read_to_string(path).expect("the file");
        for port in ["2379", "2390", "2391"] {
            let line = format!("= \"{name}:{port}\"");
            assert!(
                text.contains(&line),
                "{name} advertises {port} as its service"
            );
            let published = strings(&file["services"][name]["ports"]);
            let ends = format!(":{port}");
            assert!(
                published.iter().any(|map| map.ends_with(&ends)),
                "{name} {port}"
            );
        }
        assert!(text.contains("endpoint = \"http://store:9000\""));
        let other = if name == "alpha" { "bravo" } else { "alpha" };
        let peers = format!("peers = [\"{other}:2390\"]");
        assert!(text.contains(&peers), "{name} knows {other}");
        let volumes = strings(&file["services"][name]["volumes"]);
        assert_eq!(volumes, [format!("{name}:/var/lib/understudy")]);
        assert!(
            text.contains("data = \"/var/lib/understudy/"),
            "in the volume"
        );
    }
    let store = strings(&file["services"]["store"]["command"]);
    assert!(store.contains(&"0.0.0.0:9000"));
}

#[tokio::test]
async fn nodes_have_no_right_that_they_do_not_need() {
    let file = parsed().await;
    for name in ["store", "alpha", "bravo"] {
        let service = &file["services"][name];
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(strings(&service["cap_drop"]), ["ALL"], "{name}");
    }
}

#[tokio::test]
async fn misspelt_field_is_refused_by_the_parser() {
    let directory = rig::Directory::new();
    let text = std::fs::read_to_string(linters::root().join(FILE)).expect("the file");
    let path = directory.path().join("compose.yaml");
    let wrong = text.replace("restart: unless-stopped", "restart: now-and-then");
    tokio::fs::write(&path, wrong).await.expect("a file");
    let answer = linters::ask(&["compose", path.to_str().expect("a path")]).await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
}
