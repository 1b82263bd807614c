//! Which fields of the configuration changed since the last start.

use super::Audit;
use crate::profile::shared_settings;
use crate::settings::{HookCommand, Settings};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use understudy_log::{Disk, DiskError, OsDisk, read_optional, replace_durably};

const FILE: &str = "configuration.json";

/// Notes an act when the configuration is another than at the last start.
/// Blocks on the disk. The first start notes nothing.
pub(crate) fn note_changes(audit: &Audit, disk: &OsDisk, settings: &Settings) {
    let now = described(settings);
    let former = read_optional(disk, FILE).ok().flatten();
    let former: Option<BTreeMap<String, String>> =
        former.and_then(|body| serde_json::from_slice(&body).ok());
    if former.as_ref() == Some(&now) {
        return;
    }
    if let Some(former) = former {
        let facts = json!({ "changed": changes(&former, &now) });
        audit.keep("configuration_changed", "whoever started the node", facts);
    }
    if let Err(error) = store(disk, &now) {
        tracing::warn!(%error, "the configuration could not be noted for the next start");
    }
}

fn store<D: Disk>(disk: &D, fields: &BTreeMap<String, String>) -> Result<(), DiskError> {
    let body = serde_json::to_vec_pretty(fields).expect("always representable");
    replace_durably(disk, FILE, &body)
}

/// Each field that differs, with what it was and what it is.
fn changes(
    former: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let fields: BTreeSet<&String> = former.keys().chain(now.keys()).collect();
    let changed = fields.into_iter().filter(|f| former.get(*f) != now.get(*f));
    let told = changed.map(|field| {
        let (from, to) = (former.get(field), now.get(field));
        (field.clone(), json!({ "from": from, "to": to }))
    });
    told.collect()
}

/// The configuration in effect, without secrets: of those the digests.
fn described(settings: &Settings) -> BTreeMap<String, String> {
    let mut fields = shared_settings(settings);
    let mut put = |field: String, value: String| drop(fields.insert(field, value));
    for (name, endpoint) in [
        ("replication", &settings.replication),
        ("console", &settings.console),
    ] {
        put(format!("listen.{name}"), endpoint.listen.to_string());
        put(format!("advertise.{name}"), endpoint.advertise.clone());
    }
    for shard in &settings.shards {
        let clients = &shard.clients;
        put(
            format!("shard.{}.listen", shard.name),
            clients.listen.to_string(),
        );
        put(
            format!("shard.{}.advertise", shard.name),
            clients.advertise.clone(),
        );
    }
    let hook = |hook: &Option<HookCommand>| {
        hook.as_ref().map_or("none".to_owned(), |hook| {
            format!("{:?} within {:?}", hook.command, hook.timeout)
        })
    };
    let hooks = &settings.hooks;
    put(
        "hooks.before_promotion".to_owned(),
        hook(&hooks.before_promotion),
    );
    put(
        "hooks.after_promotion".to_owned(),
        hook(&hooks.after_promotion),
    );
    put("verdict".to_owned(), format!("{:?}", settings.verdict));
    put("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    for (field, digest) in &settings.secrets.0 {
        put(format!("{field} (digest)"), digest.clone());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::changes;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn what_came_went_and_changed_is_told() {
        let fields = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        let former = fields(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = fields(&[("a", "1"), ("b", "5"), ("d", "4")]);
        assert_eq!(
            json!(changes(&former, &now)),
            json!({
                "b": { "from": "2", "to": "5" },
                "c": { "from": "3", "to": null },
                "d": { "from": null, "to": "4" }
            })
        );
    }
}
