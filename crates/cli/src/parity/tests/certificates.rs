use super::{Compared, DAYS, Weight, compare, profile};
use understudy_node::profile::{NodeProfile, Proof, Proofs};

const DAY: i64 = 86_400;
const NOW: i64 = 1_800_000_000;

fn proof(authority: &str) -> Proof {
    Proof {
        holder: None,
        valid_from_unix: NOW - DAY,
        expires_at_unix: NOW + 364 * DAY,
        signed_by: None,
        authorities: [(authority.to_owned(), NOW + 3649 * DAY)].into(),
        not_for: Vec::new(),
        problem: None,
    }
}

/// A node that speaks TLS with everybody.
fn secured(node: &str) -> NodeProfile {
    let members = Proof {
        holder: Some(format!("understudy://prod/node/{node}")),
        signed_by: Some("aaaa".into()),
        ..proof("aaaa")
    };
    NodeProfile {
        proofs: Some(Proofs {
            members: Some(members),
            clients: Some(proof("cccc")),
        }),
        wall_millis: NOW as u64 * 1000,
        ..profile(node)
    }
}

fn members(node: &mut NodeProfile) -> &mut Proof {
    let proofs = node.proofs.as_mut().expect("it tells");
    proofs.members.as_mut().expect("it speaks TLS")
}

fn clients(node: &mut NodeProfile) -> &mut Proof {
    let proofs = node.proofs.as_mut().expect("it tells");
    proofs.clients.as_mut().expect("it speaks TLS")
}

fn unequal(change: impl FnOnce(&mut NodeProfile)) -> Vec<Compared> {
    let mut other = secured("bravo");
    change(&mut other);
    let mut compared = compare(&secured("alpha"), &other, DAYS);
    compared.retain(|one| one.outcome != Weight::Equal);
    compared
}

/// The one thing that a change makes unequal.
fn weigh(change: impl FnOnce(&mut NodeProfile)) -> (String, Weight, String) {
    let found = unequal(change);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].way_out.is_some(), "{found:?}");
    let bravo = found[0].values["bravo"].clone();
    (found[0].what.clone(), found[0].outcome, bravo)
}

#[test]
fn nodes_whose_certificates_are_alike_are_equal() {
    assert_eq!(unequal(|_| {}), []);
    let told = compare(&secured("alpha"), &secured("bravo"), DAYS);
    let told: Vec<_> = told.iter().map(|one| one.what.as_str()).collect();
    for what in [
        "the cluster's authority",
        "certificate `node` names",
        "certificate `node` is valid for",
        "certificate `authority` is valid for",
        "clients' authority",
        "certificate `clients` is valid for",
    ] {
        assert!(told.contains(&what), "{what}: {told:?}");
    }
}

#[test]
fn certificate_that_ends_soon_or_long_before_the_others_is_named() {
    for (days, weight, left) in [
        (-2, Weight::Decisive, "EXPIRED 2 d 00 h ago"),
        (0, Weight::Decisive, "EXPIRED 0.0 ms ago"),
        (6, Weight::Differs, "6 d 00 h"),
        // Of 364 days at the other one.
        (90, Weight::Differs, "90 d 00 h"),
    ] {
        for (name, part) in [
            ("node", members as fn(&mut NodeProfile) -> &mut Proof),
            ("clients", clients),
        ] {
            let found = weigh(|other| part(other).expires_at_unix = NOW + days * DAY);
            let what = format!("certificate `{name}` is valid for");
            assert_eq!(found, (what, weight, left.to_owned()));
        }
    }
    assert_eq!(
        unequal(|other| members(other).expires_at_unix = NOW + 91 * DAY),
        []
    );
    let (what, weight, _) = weigh(|other| {
        members(other).authorities.insert("aaaa".into(), NOW + DAY);
    });
    assert_eq!(what, "certificate `authority` is valid for");
    assert_eq!(weight, Weight::Differs);
}

#[test]
fn certificate_is_judged_by_its_own_nodes_clock() {
    let (what, weight, left) = weigh(|other| {
        clients(other).valid_from_unix -= 30 * DAY;
        other.wall_millis -= 2 * DAY as u64 * 1000;
    });
    assert_eq!(
        (what.as_str(), weight, left.as_str()),
        (
            "certificate `node` is",
            Weight::Decisive,
            "not valid for another 1 d 00 h"
        )
    );
}

#[test]
fn authorities_that_differ_decide_where_one_does_not_accept_the_other() {
    // Being replaced: each accepts what the other shows.
    let (what, weight, told) = weigh(|other| {
        members(other)
            .authorities
            .insert("bbbb".into(), NOW + 5000 * DAY);
    });
    assert_eq!(
        (what.as_str(), weight, told.as_str()),
        ("the cluster's authority", Weight::Differs, "aaaa + bbbb")
    );
    let new = |other: &mut NodeProfile| members(other).signed_by = Some("bbbb".into());
    let (_, weight, _) = weigh(|other| {
        members(other)
            .authorities
            .insert("bbbb".into(), NOW + 5000 * DAY);
        new(other);
    });
    assert_eq!(weight, Weight::Decisive, "alpha does not accept bravo");
    let (_, weight, _) = weigh(|other| {
        members(other).authorities = [("bbbb".into(), NOW + 3649 * DAY)].into();
        new(other);
    });
    assert_eq!(weight, Weight::Decisive, "neither accepts the other");

    let (what, weight, told) = weigh(|other| clients(other).authorities.clear());
    assert_eq!(
        (what.as_str(), weight, told.as_str()),
        ("clients' authority", Weight::Decisive, "none")
    );
    let (_, weight, _) = weigh(|other| {
        clients(other).authorities.insert("dddd".into(), NOW + DAY);
    });
    assert_eq!(weight, Weight::Differs);
}

#[test]
fn certificate_of_another_name_cluster_or_host_is_named() {
    for holder in [
        Some("understudy://prod/node/alpha"),
        Some("understudy://prod/operator/bravo"),
        Some("understudy://test/node/bravo"),
        None,
    ] {
        let (what, weight, _) = weigh(|other| members(other).holder = holder.map(str::to_owned));
        assert_eq!(
            (what.as_str(), weight),
            ("certificate `node` names", Weight::Decisive),
            "{holder:?}"
        );
    }
    let (what, weight, told) = weigh(|other| members(other).not_for = vec!["b:2390".into()]);
    assert_eq!(
        (what.as_str(), weight, told.as_str()),
        ("certificate `node` is not for", Weight::Decisive, "b:2390")
    );
    let (what, weight, _) = weigh(|other| clients(other).not_for = vec!["b:2379".into()]);
    assert_eq!(
        (what.as_str(), weight),
        ("certificate `clients` is not for", Weight::Differs)
    );
}

#[test]
fn plain_text_beside_tls_decides_and_on_both_sides_is_equal() {
    let (what, weight, _) = weigh(|other| other.proofs.as_mut().unwrap().members = None);
    assert_eq!(
        (what.as_str(), weight),
        ("nodes are spoken to", Weight::Decisive)
    );
    let (what, weight, _) = weigh(|other| other.proofs.as_mut().unwrap().clients = None);
    assert_eq!(
        (what.as_str(), weight),
        ("clients are spoken to", Weight::Decisive)
    );
    let plain = compare(&profile("alpha"), &profile("bravo"), DAYS);
    let told = plain.iter().find(|one| one.what == "nodes are spoken to");
    assert_eq!(told.expect("it is told").values["alpha"], "in plain text");
}

#[test]
fn what_a_version_does_not_tell_and_files_that_are_not_taken_are_no_silence() {
    let (what, weight, told) = weigh(|other| other.proofs = None);
    assert_eq!(
        (what.as_str(), weight, told.as_str()),
        ("certificates", Weight::Differs, "not told")
    );
    let (what, weight, told) =
        weigh(|other| members(other).problem = Some("x.pem holds nothing".into()));
    assert_eq!(
        (what.as_str(), weight, told.as_str()),
        (
            "files of certificate `node`",
            Weight::Differs,
            "x.pem holds nothing"
        )
    );
}

#[test]
fn both_with_the_same_fault_do_not_differ_and_are_warned_of() {
    let mut nodes = ["alpha", "bravo"].map(secured);
    for node in &mut nodes {
        members(node).expires_at_unix = NOW + DAY;
    }
    let mut found = compare(&nodes[0], &nodes[1], DAYS);
    found.retain(|one| one.outcome != Weight::Equal);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].word(), "WARNING");
}
