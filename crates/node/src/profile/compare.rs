//! What two nodes of a pair say of themselves, held against each other.

use semver::Version;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Where a difference changes what an acknowledgement means, or what there is.
const DECISIVE: [&str; 2] = ["ack_policy", "shard.name"];

/// Whether a difference in this field alone stands against a promotion.
pub fn is_decisive(field: &str) -> bool {
    DECISIVE.contains(&field)
}

/// The fields that are not the same on both sides.
pub fn differences<'a>(
    own: &'a BTreeMap<String, String>,
    other: &'a BTreeMap<String, String>,
) -> Vec<&'a str> {
    let fields: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
    fields
        .into_iter()
        .filter(|field| own.get(*field) != other.get(*field))
        .map(String::as_str)
        .collect()
}

/// How two binaries' versions stand; `None` where that cannot be said.
pub fn compare_versions(own: &str, other: &str) -> Option<Ordering> {
    let own = Version::parse(own).ok()?;
    Some(own.cmp(&Version::parse(other).ok()?))
}
