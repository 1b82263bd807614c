//! The Debian package's contents, without building it: that takes cargo-deb,
//! which is no package to install by name.

use super::understudy;
use rig::{Directory, linters, run, understudy_binary};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Source and destination of each asset.
async fn assets() -> Vec<(String, String)> {
    let package = linters::answered(&["package"]).await;
    let assets = package["assets"].as_array().expect("assets").clone();
    let text = |asset: &serde_json::Value, at: usize| asset[at].as_str().expect("text").to_owned();
    assets
        .iter()
        .map(|asset| (text(asset, 0), text(asset, 1)))
        .collect()
}

fn below_cli(path: &str) -> PathBuf {
    linters::root().join("crates/cli").join(path)
}

/// As before a package is built.
async fn generate() {
    let mut generate = Command::new(linters::root().join("deploy/package/generate"));
    generate.arg(understudy_binary());
    run(generate).await.expect_code(0);
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("a file").file_name();
    let text = |name: std::ffi::OsString| name.into_string().expect("a name of ASCII");
    entries.map(name).map(text).collect()
}

/// A manual page for the binary and for each command that its help lists.
async fn pages_of_the_help() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut unread = vec![Vec::<String>::new()];
    while let Some(path) = unread.pop() {
        let mut line: Vec<&str> = path.iter().map(String::as_str).collect();
        line.push("--help");
        let help = understudy(&line).await.expect_code(0).stdout;
        let (_, commands) = help.split_once("\nCommands:\n").unwrap_or_default();
        let list = commands.lines().take_while(|line| !line.is_empty());
        // What a command does goes on in lines that are indented further.
        let firsts = list.filter_map(|line| line.strip_prefix("  "));
        let named = firsts.filter(|line| !line.starts_with(' '));
        for name in named.filter_map(|line| line.split(' ').next()) {
            if name != "help" {
                unread.push([&path[..], &[name.to_owned()]].concat());
            }
        }
        let page = [&["understudy".to_owned()], &path[..]].concat().join("-");
        pages.insert(format!("{page}.1"));
    }
    pages
}

#[tokio::test]
async fn what_is_generated_is_of_the_commands_there_are_and_of_no_others() {
    // A copy of the tree, as far as `generate` knows it: other tests use the
    // real one.
    let tree = Directory::new();
    let package = tree.path().join("deploy/package");
    let left_over = package.join("generated/man/understudy-renamed.1");
    std::fs::create_dir_all(left_over.parent().expect("a directory")).expect("directories");
    tokio::fs::write(&left_over, "of a version before")
        .await
        .expect("a file");
    let script = package.join("generate");
    let own = linters::root().join("deploy/package/generate");
    std::fs::copy(own, &script).expect("the script");
    let mut generate = Command::new(script);
    generate.arg(understudy_binary());
    run(generate).await.expect_code(0);

    let commands = pages_of_the_help().await;
    assert!(commands.contains("understudy-cert-issue-node.1"));
    assert_eq!(names(&package.join("generated/man")), commands);
    let completions = ["_understudy", "understudy", "understudy.fish"];
    assert_eq!(
        names(&package.join("generated/completions")),
        BTreeSet::from(completions.map(str::to_owned))
    );
}

#[tokio::test]
async fn every_asset_is_there_and_the_unit_finds_its_binary_and_its_user() {
    generate().await;
    let assets = assets().await;
    for (source, _) in &assets {
        if source.starts_with("target/") {
            continue;
        }
        let found = match source.rsplit_once("/*") {
            None => below_cli(source).is_file(),
            Some((directory, end)) => std::fs::read_dir(below_cli(directory))
                .expect("a directory")
                .any(|entry| {
                    entry
                        .expect("a file")
                        .file_name()
                        .to_string_lossy()
                        .ends_with(end)
                }),
        };
        assert!(found, "{source}");
    }
    let goes = |source: &str, place: &str| {
        let is = |(from, to): &(String, String)| from.ends_with(source) && to == place;
        assets.iter().any(is)
    };
    assert!(goes("release/understudy", "usr/bin/"));
    assert!(goes("understudy@.service", "usr/lib/systemd/system/"));
    assert!(goes("sysusers.conf", "usr/lib/sysusers.d/understudy.conf"));
    assert!(goes("/man/*.1", "usr/share/man/man1/"));
    let completions = "usr/share/bash-completion/completions/";
    assert!(goes("/completions/understudy", completions));
    assert!(goes("/runbooks/*.md", "usr/share/doc/understudy/runbooks/"));
    let unit = std::fs::read_to_string(linters::root().join("deploy/systemd/understudy@.service"));
    let unit = unit.expect("the unit");
    assert!(unit.contains("ExecStart=/usr/bin/understudy run"));
    assert!(unit.contains("Documentation=file:/usr/share/doc/understudy/operations.md"));

    let machine = Directory::new();
    let etc = machine.path().join("etc");
    std::fs::create_dir(etc).expect("a directory");
    let mut sysusers = Command::new("systemd-sysusers");
    sysusers
        .arg(format!("--root={}", machine.path().display()))
        .arg(linters::root().join("deploy/systemd/sysusers.conf"));
    run(sysusers).await.expect_code(0);
    let users = std::fs::read_to_string(machine.path().join("etc/passwd")).expect("users");
    assert!(users.starts_with("understudy:"), "{users}");
    assert!(unit.contains("User=understudy\nGroup=understudy\n"));
}

#[tokio::test]
async fn scripts_can_be_read_by_a_shell_and_the_example_by_a_node() {
    for script in ["build", "generate"] {
        let mut bash = Command::new("bash");
        let path = linters::root().join("deploy/package").join(script);
        bash.arg("-n").arg(path);
        run(bash).await.expect_code(0);
    }
    for script in ["postinst", "postrm"] {
        let path = linters::root().join("deploy/package/debian").join(script);
        let mut shell = Command::new("sh");
        shell.arg("-n").arg(&path);
        run(shell).await.expect_code(0);
        let text = std::fs::read_to_string(path).expect("a script");
        assert!(text.starts_with("#!/bin/sh\nset -e\n"), "{script}");
        assert!(!text.contains("rm "), "{script} removes nothing");
    }
    let example = linters::root().join("deploy/package/node.toml");
    let line = [
        "config",
        "check",
        "--config",
        example.to_str().expect("a path"),
    ];
    understudy(&line)
        .await
        .expect_code(0)
        .expect_said("data in /var/lib/understudy/prod");
    let text = std::fs::read_to_string(example).expect("the example");
    assert!(
        text.contains("peers = [\"bravo.example.com:2390\"]"),
        "{text}"
    );
}
