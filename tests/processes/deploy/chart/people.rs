//! Who may look at a release's page and act by it, and what the page knows.

use super::{CHART, example, file, rendered};
use rig::{Directory, linters};
use serde_json::json;

const PEOPLE: &str = "  operatorsSecret: understudy-people\n  viewersSecret: understudy-people\n";

/// The example without anybody, to whom this is added below `console`.
fn with_people(people: &str) -> String {
    let whole = example("alpha");
    assert!(whole.contains(PEOPLE), "{whole}");
    whole.replace(PEOPLE, people)
}

async fn notes(values: &str) -> String {
    let directory = Directory::new();
    let values = file(&directory, "values.yaml", values).await;
    let notes = linters::answered(&["notes", CHART, &values, "pair"]).await;
    notes.as_str().expect("text").replace('\n', " ")
}

#[tokio::test]
async fn lists_of_people_are_files_of_their_secrets() {
    let both = "  operatorsSecret: those\n  viewersSecret: these\n";
    let manifests = rendered(&with_people(both)).await;
    for (list, secret) in [("operators", "those"), ("viewers", "these")] {
        let path = format!("/etc/understudy/people/{list}");
        let line = format!("{list}_file = \"{path}\"");
        let configuration = manifests.configuration();
        assert!(configuration.contains(&line), "{configuration}");
        let volume = manifests.volume_of(&path).expect("a volume");
        let sources = volume["projected"]["sources"].as_array().expect("sources");
        let of = json!({ "secret": { "name": secret, "items": [{ "key": list, "path": list }] } });
        assert!(sources.contains(&of), "{volume}");
        assert_eq!(volume["projected"]["defaultMode"], 0o440);
    }
}

#[tokio::test]
async fn list_without_a_secret_is_not_asked_for() {
    let manifests = rendered(&with_people("  operatorsSecret: those\n")).await;
    let configuration = manifests.configuration();
    assert!(!configuration.contains("viewers"), "{configuration}");
    let volume = manifests.volume_of("/etc/understudy/people/operators");
    let sources = &volume.expect("a volume")["projected"]["sources"];
    assert_eq!(sources.as_array().map(Vec::len), Some(1), "{sources}");

    let manifests = rendered(&with_people("")).await;
    let configuration = manifests.configuration();
    assert!(!configuration.contains("_file"), "{configuration}");
    let nobodys = manifests.volume_of("/etc/understudy/people/operators");
    assert!(nobodys.is_none(), "{nobodys:?}");
}

#[tokio::test]
async fn notes_say_who_may_look_and_act_and_what_the_page_does_not_know() {
    let everybody = "Whoever reaches the console may look at the page";
    let nobody = "Nobody may act by the page: console.operatorsSecret says who may.";
    let blind = "does not show its standby while it is primary";
    let all = notes(&with_people(PEOPLE)).await;
    for told in [everybody, nobody, blind] {
        assert!(!all.contains(told), "{all}");
    }
    let none = with_people("").replace("  peers: [\"bravo.example.com:2390\"]", "  peers: []");
    let none = notes(&none).await;
    for told in [everybody, nobody, blind, "networkPolicy.consoleFrom"] {
        assert!(none.contains(told), "{told}: {none}");
    }
    let narrow = with_people("").replace(
        "networkPolicy:\n",
        "networkPolicy:\n  consoleFrom: [{ podSelector: {} }]\n",
    );
    let narrow = notes(&narrow).await;
    assert!(narrow.contains(everybody), "{narrow}");
    assert!(!narrow.contains("networkPolicy.consoleFrom"), "{narrow}");
}
