//! The image's recipe. Nothing here can build it: there is no registry to
//! have its bases from.

use super::expect_understood;
use rig::{linters, run};

const RECIPE: &str = "deploy/container/Containerfile";

fn recipe() -> String {
    std::fs::read_to_string(linters::root().join(RECIPE)).expect("the recipe")
}

/// The arguments of an instruction in its list form, the binary left out.
fn arguments_of(instruction: &str) -> Vec<String> {
    let text = recipe().replace("\\\n", "");
    let line = text
        .lines()
        .rfind(|line| line.trim_start().starts_with(instruction))
        .unwrap_or_else(|| panic!("{instruction} is in the recipe"));
    let list = &line[line.find('[').expect("a list")..];
    let list: Vec<String> = serde_json::from_str(list).expect("strings");
    let ours = list
        .into_iter()
        .filter(|word| word != "/usr/bin/understudy");
    ours.collect()
}

#[tokio::test]
async fn hadolint_has_nothing_against_the_recipe() {
    let mut hadolint = linters::linter("hadolint");
    hadolint.args(["--failure-threshold", "style", RECIPE]);
    run(hadolint).await.expect_code(0);
}

#[tokio::test]
async fn binary_understands_what_the_image_runs() {
    assert_eq!(arguments_of("ENTRYPOINT"), [""; 0]);
    for instruction in ["CMD [\"run", "HEALTHCHECK"] {
        let arguments = arguments_of(instruction);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert!(!arguments.is_empty(), "{instruction}");
        expect_understood(&arguments).await;
    }
}

#[test]
fn image_runs_as_a_number_that_is_not_root_and_is_told_to_end_as_the_node_expects() {
    let recipe = recipe();
    let lines: Vec<_> = recipe.lines().collect();
    assert!(lines.contains(&"USER 65532:65532"));
    assert!(lines.contains(&"STOPSIGNAL SIGTERM"));
    let last = recipe.rfind("\nFROM ").expect("stages");
    assert!(!recipe[last..].contains("\nRUN "), "the base has no shell");
}

#[test]
fn build_gets_every_member_of_the_workspace_and_the_toolchain_of_the_tests() {
    let read = |path: &str| std::fs::read_to_string(linters::root().join(path)).expect(path);
    let context = read(".dockerignore");
    for needed in ["Cargo.toml", "Cargo.lock", "crates", "proto", "tests"] {
        let kept = format!("!{needed}");
        assert!(context.lines().any(|line| line == kept), "{needed}");
    }
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).expect("a version");
    let minor = version.rsplit_once('.').expect("three numbers").0;
    assert!(
        recipe().contains(&format!("/rust:{minor}-slim-bookworm ")),
        "{minor}"
    );
}
