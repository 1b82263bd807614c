use crate::{read, repository};
use std::collections::BTreeSet;
use std::path::Path;
use understudy_console::runbook::section;

fn sections(page: &str) -> BTreeSet<String> {
    let page = read(page);
    let titles = page.lines().filter_map(|line| line.strip_prefix("## "));
    titles.map(str::to_owned).collect()
}

fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(start)).collect()
}

#[test]
fn every_alert_has_a_section_and_every_section_its_alert() {
    let rules = read("deploy/prometheus/alerts.yml");
    let alerts = after(&rules, "- alert: ");
    let named: BTreeSet<String> = alerts.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(sections("docs/runbooks/alerts.md"), named);
    let linked = after(&rules, "runbook: ");
    let link = |name: &&str| format!("docs/runbooks/alerts.md#{}", name.to_lowercase());
    let expected: Vec<String> = alerts.iter().map(link).collect();
    assert_eq!(linked, expected);
    for alert in alerts {
        assert!(section(alert).is_some(), "{alert}");
    }
}

#[test]
fn alert_links_to_its_own_section_at_the_node_that_it_is_of() {
    let rules = read("deploy/prometheus/alerts.yml");
    let mut linked = 0;
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().unwrap_or_default();
        for link in after(rule, "runbook_url: ") {
            let always = format!("\"http://{{{{ $labels.instance }}}}/runbook/{name}\"");
            let when_of_a_node = format!(
                "\"{{{{ with $labels.instance }}}}http://{{{{ . }}}}/runbook/{name}{{{{ end }}}}\""
            );
            assert!(
                [always, when_of_a_node].contains(&link.to_owned()),
                "{link}"
            );
            linked += 1;
        }
        let of_a_node = rule.contains("summary: \"{{ $labels.instance }}");
        assert!(!of_a_node || rule.contains("runbook_url: "), "{name}");
    }
    assert!(linked > 15, "{linked}");
}

#[test]
fn every_alert_is_tested() {
    let rules = read("deploy/prometheus/alerts.yml");
    let tests = read("deploy/prometheus/alerts_test.yml");
    let tested: BTreeSet<&str> = after(&tests, "- alertname: ").into_iter().collect();
    let alerts: BTreeSet<&str> = after(&rules, "- alert: ").into_iter().collect();
    assert_eq!(tested, alerts);
}

/// Every `"E101"` and `"P01"` in the code that is not a test, and every text
/// that begins with such an id.
fn ids_below(directory: &Path, ids: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        if path.is_dir() && name != "tests" {
            ids_below(&path, ids);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            ids_in(&std::fs::read_to_string(&path).expect("text"), ids);
        }
    }
}

fn ids_in(text: &str, ids: &mut BTreeSet<String>) {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    let begins = code.expect("there is a first part").split('"').skip(1);
    ids.extend(begins.filter_map(id_at_the_beginning));
}

fn id_at_the_beginning(text: &str) -> Option<String> {
    let id = text.split(' ').next()?;
    let digits = match id.split_at_checked(1)? {
        ("E", digits) if digits.len() == 3 => digits,
        ("P", digits) if digits.len() == 2 => digits,
        _ => return None,
    };
    let all = digits.chars().all(|digit| digit.is_ascii_digit());
    all.then(|| id.to_owned())
}

#[test]
fn every_refusal_has_a_section_and_every_section_its_refusal() {
    let mut ids = BTreeSet::new();
    for name in ["cli", "console", "etcd", "node", "protocol", "store"] {
        ids_below(
            &repository().join("crates").join(name).join("src"),
            &mut ids,
        );
    }
    assert!(ids.len() > 40, "{ids:?}");
    let sections: BTreeSet<String> = sections("docs/runbooks/refusals.md")
        .into_iter()
        .map(|title| title.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(sections, ids);
    for id in ids {
        assert!(section(&id).is_some(), "{id}");
    }
}

#[test]
fn ids_are_found_in_code() {
    let mut ids = BTreeSet::new();
    ids_in(
        r#"refuse("E101", "E99"); #[error("E106 the store")] ("P04", P05, "PAGE")"#,
        &mut ids,
    );
    let found: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(found, ["E101", "E106", "P04"]);
}
