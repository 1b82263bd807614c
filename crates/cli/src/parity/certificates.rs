//! What both nodes prove with, side by side.

use super::compare::Compared;
use crate::format::span;
use std::collections::BTreeSet;
use understudy_node::profile::{NodeProfile, Proof, Proofs};
use understudy_tls::{Identity, Role};

const DAY: i64 = 86_400;
/// Of a digest, for people.
const SHOWN_DIGITS: usize = 16;

const RENEW: &str =
    "`understudy cert renew`, and put the file in its place: it is taken while the node runs";
const RENEW_AUTHORITY: &str =
    "a new authority beside the old one in every ca.pem, new certificates, then the old one out";
const RENEW_OTHER: &str = "it was renewed at one site alone? `understudy cert renew` for the other";

type Nodes<'a> = [&'a NodeProfile; 2];

pub(super) fn compare(nodes: Nodes<'_>, days: u32) -> Vec<Compared> {
    let [Some(one), Some(other)] = nodes.map(|node| node.proofs.as_ref()) else {
        let told = nodes.map(|node| match node.proofs {
            Some(_) => "told".to_owned(),
            None => "not told".to_owned(),
        });
        let way_out = "the version of one node does not tell its certificates: upgrade it";
        return vec![
            Compared::of("certificates")
                .with(nodes, told)
                .differs(way_out),
        ];
    };
    let mut compared = members(nodes, [one, other], days);
    compared.extend(clients(nodes, [one, other], days));
    compared
}

fn members(nodes: Nodes<'_>, proofs: [&Proofs; 2], days: u32) -> Vec<Compared> {
    let proofs = match both(nodes, "nodes are spoken to", proofs.map(|one| &one.members)) {
        Ok(proofs) => proofs,
        Err(compared) => return vec![compared],
    };
    let mut compared = vec![
        trust(nodes, proofs),
        holders(nodes, proofs),
        validity(nodes, "node", proofs, days),
        end(
            nodes,
            "authority",
            proofs.map(soonest_authority),
            Wanted {
                days,
                way_out: RENEW_AUTHORITY,
            },
        ),
    ];
    let way_out = "`understudy cert issue node` with this host: others dial it, and would not accept who answers";
    let unnamed = unnamed(nodes, "node", proofs);
    compared.extend(unnamed.map(|one| one.decides(way_out)));
    compared.extend(problems(nodes, "node", proofs));
    compared
}

fn clients(nodes: Nodes<'_>, proofs: [&Proofs; 2], days: u32) -> Vec<Compared> {
    let proofs = match both(
        nodes,
        "clients are spoken to",
        proofs.map(|one| &one.clients),
    ) {
        Ok(proofs) => proofs,
        Err(compared) => return vec![compared],
    };
    let mut compared = vec![
        clients_authorities(nodes, proofs),
        validity(nodes, "clients", proofs, days),
    ];
    let way_out = "a certificate that names this host too, unless clients come by another name";
    let unnamed = unnamed(nodes, "clients", proofs);
    compared.extend(unnamed.map(|one| one.differs(way_out)));
    compared.extend(problems(nodes, "clients", proofs));
    compared
}

/// What both show, or what is to be said where not both show anything.
fn both<'a>(
    nodes: Nodes<'_>,
    what: &str,
    proofs: [&'a Option<Proof>; 2],
) -> Result<[&'a Proof; 2], Compared> {
    let told = proofs.map(|proof| match proof {
        Some(_) => "with a certificate".to_owned(),
        None => "in plain text".to_owned(),
    });
    let compared = Compared::of(what).with(nodes, told);
    match proofs {
        [Some(one), Some(other)] => Ok([one, other]),
        [None, None] => Err(compared),
        _ => Err(compared.decides("give both nodes certificates, or neither")),
    }
}

/// Whether each accepts what the other shows.
fn trust(nodes: Nodes<'_>, proofs: [&Proof; 2]) -> Compared {
    let [one, other] = proofs;
    let accepts = |judge: &Proof, shown: &Proof| {
        let signer = shown.signed_by.as_ref();
        signer.is_some_and(|signer| judge.authorities.contains_key(signer))
    };
    let compared = Compared::of("the cluster's authority").with(nodes, proofs.map(authorities));
    if !accepts(one, other) || !accepts(other, one) {
        return compared.decides("one does not accept the other: both authorities into every ca.pem, one after the other, until all certificates are of one");
    }
    match digests(one) == digests(other) {
        true => compared,
        false => compared
            .differs("one is being replaced? bring every ca.pem to the same, old and new or new"),
    }
}

fn clients_authorities(nodes: Nodes<'_>, proofs: [&Proof; 2]) -> Compared {
    let compared = Compared::of("clients' authority").with(nodes, proofs.map(authorities));
    let [one, other] = proofs.map(digests);
    let way_out = "the same client_tls.ca on both nodes, or on neither";
    match one == other {
        true => compared,
        false if one.is_disjoint(&other) => compared.decides(way_out),
        false => compared.differs(way_out),
    }
}

fn digests(proof: &Proof) -> BTreeSet<&String> {
    proof.authorities.keys().collect()
}

/// By the first digits of their digests.
fn authorities(proof: &Proof) -> String {
    let shown = proof.authorities.keys();
    let shown = shown.map(|digest| digest.get(..SHOWN_DIGITS).unwrap_or(digest));
    match shown.collect::<Vec<_>>()[..] {
        [] => "none".to_owned(),
        ref shown => shown.join(" + "),
    }
}

/// Each certificate is of its node, and both are of one cluster.
fn holders(nodes: Nodes<'_>, proofs: [&Proof; 2]) -> Compared {
    let identities = proofs.map(|proof| proof.holder.as_ref()?.parse::<Identity>().ok());
    let is_own = |side: usize| {
        let identity = identities[side].as_ref();
        identity.is_some_and(|identity| identity.role == Role::Node(nodes[side].node.clone()))
    };
    let clusters = identities
        .each_ref()
        .map(|one| one.as_ref().map(|one| &one.cluster));
    let told = proofs.map(|proof| proof.holder.clone().unwrap_or("nobody".to_owned()));
    let compared = Compared::of("certificate `node` names").with(nodes, told);
    match is_own(0) && is_own(1) && clusters[0] == clusters[1] {
        true => compared,
        false => {
            compared.decides("`understudy cert issue node` with the node's name, for this cluster")
        }
    }
}

fn soonest_authority(proof: &Proof) -> i64 {
    proof.authorities.values().min().copied().unwrap_or(0)
}

fn validity(nodes: Nodes<'_>, name: &str, proofs: [&Proof; 2], days: u32) -> Compared {
    let wanted = Wanted {
        days,
        way_out: RENEW,
    };
    let compared = end(
        nodes,
        name,
        proofs.map(|proof| proof.expires_at_unix),
        wanted,
    );
    let begins = [0, 1].map(|side| proofs[side].valid_from_unix - now(nodes[side]));
    if begins.iter().all(|begins| *begins <= 0) {
        return compared;
    }
    let told = begins.map(|begins| match begins {
        ..=0 => "valid".to_owned(),
        begins => format!("not valid for another {}", span(begins as f64)),
    });
    Compared::of(format!("certificate `{name}` is"))
        .with(nodes, told)
        .decides("wait, or put the clock of that node right")
}

/// For how long a certificate should still be valid, and what to do when it
/// is not.
#[derive(Clone, Copy)]
struct Wanted {
    days: u32,
    way_out: &'static str,
}

/// By each node's own clock, as others judge by theirs.
fn end(nodes: Nodes<'_>, name: &str, ends: [i64; 2], wanted: Wanted) -> Compared {
    let left = [0, 1].map(|side| ends[side] - now(nodes[side]));
    let told = left.map(|left| match left {
        ..=0 => format!("EXPIRED {} ago", span(-left as f64)),
        left => span(left as f64),
    });
    let compared = Compared::of(format!("certificate `{name}` is valid for")).with(nodes, told);
    let (shorter, longer) = (left[0].min(left[1]), left[0].max(left[1]));
    match shorter {
        ..=0 => compared.decides(wanted.way_out),
        left if left < i64::from(wanted.days) * DAY => compared.differs(wanted.way_out),
        // Certificates that are renewed in turns, two thirds into their time,
        // are never so far apart.
        left if left < longer / 4 => compared.differs(RENEW_OTHER),
        _ => compared,
    }
}

fn now(node: &NodeProfile) -> i64 {
    i64::try_from(node.wall_millis / 1000).unwrap_or(i64::MAX)
}

/// Advertised addresses that a certificate is not for.
fn unnamed(nodes: Nodes<'_>, name: &str, proofs: [&Proof; 2]) -> Option<Compared> {
    let told = proofs.map(|proof| match proof.not_for.join(" and ") {
        none if none.is_empty() => "nothing that it advertises".to_owned(),
        addresses => addresses,
    });
    let is_any = proofs.iter().any(|proof| !proof.not_for.is_empty());
    is_any.then(|| Compared::of(format!("certificate `{name}` is not for")).with(nodes, told))
}

fn problems(nodes: Nodes<'_>, name: &str, proofs: [&Proof; 2]) -> Option<Compared> {
    let told = proofs.map(|proof| proof.problem.clone().unwrap_or("in use".to_owned()));
    let is_any = proofs.iter().any(|proof| proof.problem.is_some());
    is_any.then(|| {
        Compared::of(format!("files of certificate `{name}`"))
            .with(nodes, told)
            .differs("put the right files there: the former ones are in use until then")
    })
}
