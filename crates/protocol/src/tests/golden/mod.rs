//! The objects in the store, letter by letter. A change here is a new format
//! version: nodes of two versions read the same objects.

use super::rig::*;
use crate::fallback::{Fallback, Slot, SlotContents, SlotNumber};
use crate::*;
use serde_bytes::ByteBuf;
use understudy_types::{Epoch, Lsn, Nonce};

fn lease() -> Lease {
    let mut lease = held("a", 4, AckPolicy::Replicated);
    lease.renewals = 17;
    lease.in_sync = [member("b").standby_id()].into();
    let activation = Consumed {
        id: RequestId::from_bytes([1; 16]),
        mode: Mode::Switchover,
        by: "ada".to_owned(),
        reason: "maintenance".to_owned(),
        fenced_by: Some("power off".to_owned()),
        overrides: Vec::new(),
    };
    lease.handover = Some(Handover {
        successor: node("b"),
        sealed: heads(9),
        activation: Some(activation.clone()),
    });
    lease.sealed = Some(heads(9));
    lease.activation = Some(activation);
    let holder = lease.holder.as_mut().unwrap();
    holder.replication = "10.0.0.1:2390".to_owned();
    holder.console = "10.0.0.1:2391".to_owned();
    holder.clients = [(shard(), "10.0.0.1:2379".to_owned())].into();
    lease
}

fn request() -> ActivationRequest {
    let mut request = failover("b", 4, AcceptLoss::Seconds(5));
    request.expect_holder = Some(node("a"));
    request.fenced_by = Some("power off".to_owned());
    request
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap() + "\n"
}

#[test]
fn lease_is_as_it_was() {
    let found = text(lease().encode());
    assert_eq!(found, include_str!("lease.json"), "found:\n{found}");
    assert_eq!(Lease::decode(found.as_bytes()), Ok(lease()));
}

#[test]
fn standbys_that_have_followed_add_one_field() {
    let mut known = lease();
    known.registered = [(node("b"), member("b").data_id)].into();
    let end = include_str!("lease.json").strip_suffix("\n}\n").unwrap();
    let data_id = member("b").data_id;
    let expected = format!("{end},\n  \"registered\": {{\n    \"b\": \"{data_id}\"\n  }}\n}}\n");
    assert_eq!(text(known.encode()), expected);
    assert_eq!(Lease::decode(expected.as_bytes()), Ok(known));
}

#[test]
fn automatic_failover_adds_one_field_until_it_is_acknowledged() {
    let mut marked = lease();
    marked.unacknowledged = Some(Epoch::new(4));
    let end = include_str!("lease.json").strip_suffix("\n}\n").unwrap();
    let expected = format!("{end},\n  \"unacknowledged\": 4\n}}\n");
    assert_eq!(text(marked.encode()), expected);
    assert_eq!(Lease::decode(expected.as_bytes()), Ok(marked));
}

#[test]
fn home_in_the_store_adds_one_field_from_its_first_use_on() {
    let mut rests = lease();
    let first = [(shard(), SlotNumber::new(7))].into();
    let base = Some([(shard(), Lsn::new(9))].into());
    rests.fallback = Fallback { first, base };
    let end = include_str!("lease.json").strip_suffix("\n}\n").unwrap();
    let field = "\"fallback\": {\n    \"first\": {\n      \"s0\": 7\n    },\n    \"base\": {\n      \"s0\": 9\n    }\n  }";
    let expected = format!("{end},\n  {field}\n}}\n");
    assert_eq!(text(rests.encode()), expected);
    assert_eq!(Lease::decode(expected.as_bytes()), Ok(rests));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn slots_are_as_they_were() {
    let seal = Slot {
        cluster: CLUSTER,
        shard: shard(),
        number: SlotNumber::new(300),
        epoch: Epoch::new(4),
        nonce: Nonce::from_bytes([9; 16]),
        contents: SlotContents::Seal,
    };
    let contents = SlotContents::Batches(vec![ByteBuf::from(*b"abc"), ByteBuf::from(*b"d")]);
    let batches = Slot {
        contents,
        ..seal.clone()
    };
    let found = [seal, batches]
        .map(|slot| hex(&slot.encode()) + "\n")
        .concat();
    assert_eq!(found, include_str!("slots.hex"), "found:\n{found}");
}

#[test]
fn founding_lease_is_as_it_was() {
    let nonce = Nonce::from_bytes([9; 16]);
    let lease = Lease::founding(CLUSTER, "orders".to_owned(), node("a"), nonce);
    assert_eq!(lease.epoch, Epoch::FOUNDING);
    let found = text(lease.encode());
    assert_eq!(found, include_str!("founding.json"), "found:\n{found}");
    assert_eq!(Lease::decode(found.as_bytes()), Ok(lease));
}

#[test]
fn activation_is_as_it_was() {
    let found = text(request().encode());
    assert_eq!(found, include_str!("activation.json"), "found:\n{found}");
    assert_eq!(ActivationRequest::decode(found.as_bytes()), Ok(request()));
}

#[test]
fn names_of_states_modes_and_losses_are_as_they_were() {
    fn names<T: serde::Serialize>(values: &[T]) -> String {
        serde_json::to_string(values).unwrap()
    }
    let states = [LeaseState::Held, LeaseState::Claimed, LeaseState::Released];
    assert_eq!(names(&states), r#"["held","claimed","released"]"#);
    let policies = [AckPolicy::Local, AckPolicy::Replicated];
    assert_eq!(names(&policies), r#"["local","replicated"]"#);
    let modes = [Mode::Switchover, Mode::Failover];
    assert_eq!(names(&modes), r#"["switchover","failover"]"#);
    let losses = [AcceptLoss::Nothing, AcceptLoss::Unknown];
    assert_eq!(names(&losses), r#"["nothing","unknown"]"#);
}
