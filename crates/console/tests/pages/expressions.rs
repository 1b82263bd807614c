//! What a query names, without a whole parser of PromQL: metrics by their
//! prefix, labels in `{…}` and in `by (…)`, `on (…)`, `without (…)`.

use std::collections::BTreeSet;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// A series, and the labels that are matched on it.
    pub(crate) series: Vec<(String, Vec<String>)>,
    /// Labels of grouping and joining.
    pub(crate) groups: BTreeSet<String>,
}

pub(crate) fn named(expression: &str) -> Named {
    let mut named = Named::default();
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '"') {
        rest = &rest[start..];
        if let Some(text) = rest.strip_prefix('"') {
            rest = text.split_once('"').expect("a text that ends").1;
            continue;
        }
        let end = rest.find(|c: char| !is_part_of_a_name(c));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        if word.starts_with("understudy_") {
            named.series.push((word.to_owned(), matched(after)));
        }
        if ["by", "on", "without", "ignoring", "group_left"].contains(&word) {
            named.groups.extend(listed(after));
        }
        if word.starts_with("understudy_") && after.starts_with('{') {
            rest = after.split_once('}').expect("braces that close").1;
        }
    }
    named
}

fn is_part_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// `{a="…", b!="…"}` right behind a name.
fn matched(after: &str) -> Vec<String> {
    let Some(inside) = after.strip_prefix('{') else {
        return Vec::new();
    };
    let inside = inside.split_once('}').expect("braces that close").0;
    let mut labels = Vec::new();
    // Between two texts stand a comma and the next label.
    for outside in inside.split('"').step_by(2) {
        let label = outside.trim_matches([',', ' ', '\n']);
        let label = label.trim_end_matches(['=', '!', '~']).trim();
        if !label.is_empty() {
            labels.push(label.to_owned());
        }
    }
    labels
}

fn listed(after: &str) -> Vec<String> {
    let Some(inside) = after.trim_start().strip_prefix('(') else {
        return Vec::new();
    };
    let inside = inside.split_once(')').expect("parentheses that close").0;
    let labels = inside.split(',').map(str::trim);
    labels
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_of_a_query_are_found() {
    let found = named(
        r#"sum by (job, le) (rate(understudy_a_seconds_bucket{x="1", y!~"a,b"}[1m])) > 1
           and on (instance) understudy_b"#,
    );
    let a = ("understudy_a_seconds_bucket", vec!["x", "y"]);
    let b = ("understudy_b", Vec::new());
    let series = [a, b].map(|(name, labels): (&str, Vec<&str>)| {
        (
            name.to_owned(),
            labels.into_iter().map(str::to_owned).collect(),
        )
    });
    assert_eq!(found.series, series);
    let groups: Vec<&str> = found.groups.iter().map(String::as_str).collect();
    assert_eq!(groups, ["instance", "job", "le"]);
}
