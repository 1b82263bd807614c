mod certificates;

use super::{Compared, Weight, compare};
use understudy_node::profile::{NodeProfile, Proofs};

const DAYS: u32 = 7;

fn profile(node: &str) -> NodeProfile {
    let one = |field: &str, value: &str| [(field.to_owned(), value.to_owned())];
    NodeProfile {
        node: node.parse().unwrap(),
        version: "1.2.0".into(),
        cores: 8,
        state_memory_bytes: 0,
        wall_millis: 0,
        settings: one("ack_policy", "replicated").into(),
        secrets: one("store.secret_key", "0f3a").into(),
        maintenance: false,
        proofs: Some(Proofs::default()),
        standbys: Default::default(),
        holder: None,
    }
}

fn unequal(change: impl FnOnce(&mut NodeProfile)) -> Vec<Compared> {
    let mut other = profile("bravo");
    change(&mut other);
    let mut compared = compare(&profile("alpha"), &other, DAYS);
    compared.retain(|one| one.outcome != Weight::Equal);
    compared
}

#[test]
fn nodes_that_are_alike_are_equal_in_everything() {
    assert_eq!(unequal(|_| {}), []);
}

#[test]
fn each_difference_is_named_and_weighed() {
    let weigh = |change: fn(&mut NodeProfile)| {
        let found = unequal(change);
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].what.clone(), found[0].outcome)
    };
    let version = weigh(|other| other.version = "1.3.0".into());
    assert_eq!(version, ("version".into(), Weight::Differs));
    let strange = weigh(|other| other.version = "built here".into());
    assert_eq!(strange, ("version".into(), Weight::Decisive));
    let policy = weigh(|other| *other.settings.get_mut("ack_policy").unwrap() = "local".into());
    assert_eq!(policy, ("ack_policy".into(), Weight::Decisive));
    let ttl = weigh(|other| drop(other.settings.insert("lease.ttl".into(), "5s".into())));
    assert_eq!(ttl, ("lease.ttl".into(), Weight::Differs));
    let maintenance = weigh(|other| other.maintenance = true);
    assert_eq!(maintenance, ("maintenance".into(), Weight::Differs));
}

#[test]
fn secret_that_differs_is_named_without_its_digest() {
    let found = unequal(|other| {
        drop(
            other
                .secrets
                .insert("store.secret_key".into(), "77aa".into()),
        )
    });
    assert_eq!(found[0].what, "secret store.secret_key");
    let told = format!("{found:?}");
    assert!(!told.contains("0f3a") && !told.contains("77aa"), "{told}");
}
