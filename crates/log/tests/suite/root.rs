use crate::common::*;
use understudy_log::sim::decisions;
use understudy_log::{DataRoot, Disk, HookMark, Identity, PromiseFile, RootError, mark_hook};
use understudy_types::{ClusterId, DataId, Epoch, NodeId, Nonce};

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn identity() -> Identity {
    Identity::new(CLUSTER, node("berlin"), DataId::from_bytes([4; 16]), 123)
}

#[test]
fn second_process_is_refused_by_the_pid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = DataRoot::create(folder.path(), identity()).unwrap();
    let second = DataRoot::open(folder.path(), CLUSTER, &node("berlin")).unwrap_err();
    let RootError::Locked { holder } = second else {
        panic!("{second}")
    };
    assert_eq!(holder, format!("process {}", std::process::id()));
    drop(first);
    let root = DataRoot::open(folder.path(), CLUSTER, &node("berlin")).unwrap();
    assert_eq!(root.identity(), &identity());
}

#[test]
fn root_is_founded_once_and_opened_by_its_owner_only() {
    let disk = sim();
    let open = |cluster, name| DataRoot::open_on(disk.clone(), cluster, &node(name)).map(drop);
    assert!(matches!(open(CLUSTER, "berlin"), Err(RootError::Unfounded)));
    DataRoot::create_on(disk.clone(), identity()).unwrap();
    open(CLUSTER, "berlin").unwrap();
    let again = DataRoot::create_on(disk.clone(), identity());
    assert!(matches!(again, Err(RootError::AlreadyFounded(_))));
    assert!(matches!(
        open(CLUSTER, "paris"),
        Err(RootError::OtherNode { .. })
    ));
    let other = ClusterId::from_bytes([1; 16]);
    let error = open(other, "berlin").unwrap_err();
    assert!(matches!(error, RootError::OtherCluster { .. }));
    assert!(error.to_string().contains("correct the configuration"));
}

#[test]
fn unknown_format_is_refused_before_its_fields_are_read() {
    let disk = sim();
    let file = disk.create_new("identity.json", 0).unwrap();
    disk.write_at(&file, 0, br#"{"format": 2, "colour": "red"}"#)
        .unwrap();
    let error = DataRoot::open_on(disk, CLUSTER, &node("berlin")).unwrap_err();
    assert!(matches!(
        error,
        RootError::Format {
            found: 2,
            supported: 1,
            ..
        }
    ));
}

#[test]
fn promise_never_goes_backwards() {
    let disk = sim();
    let mut promise = PromiseFile::load(disk.clone()).unwrap();
    assert_eq!(promise.promised(), None);
    promise.persist(Epoch::new(5)).unwrap();
    promise.persist(Epoch::new(5)).unwrap();
    let older = promise.persist(Epoch::new(4));
    assert!(matches!(older, Err(RootError::OlderPromise { .. })));
    assert_eq!(
        PromiseFile::load(disk).unwrap().promised(),
        Some(Epoch::new(5))
    );
}

#[test]
fn promise_survives_a_power_cut_at_any_step() {
    for seed in 0..40 {
        for step in 0..8 {
            let disk = sim();
            let mut promise = PromiseFile::load(disk.clone()).unwrap();
            promise.persist(Epoch::new(3)).unwrap();
            disk.cut_power_after(step);
            let done = promise.persist(Epoch::new(4)).is_ok();
            disk.crash(&mut decisions(seed));
            let mut promise = PromiseFile::load(disk.clone()).unwrap();
            let found = promise.promised().map(Epoch::get);
            assert!(
                found == Some(4) || (!done && found == Some(3)),
                "{seed} {step} {found:?}"
            );
            disk.crash(&mut decisions(seed + 1));
            let reread = PromiseFile::load(disk.clone()).unwrap().promised();
            assert_eq!(reread.map(Epoch::get), found, "what was read is durable");
            promise = PromiseFile::load(disk).unwrap();
            promise.persist(Epoch::new(5)).unwrap();
        }
    }
}

#[test]
fn promise_that_may_have_happened_binds() {
    let disk = sim();
    let mut promise = PromiseFile::load(disk.clone()).unwrap();
    disk.fail_sync_after(0);
    assert!(matches!(
        promise.persist(Epoch::new(7)),
        Err(RootError::Disk(_))
    ));
    assert_eq!(promise.promised(), None);
    assert!(matches!(
        promise.persist(Epoch::new(6)),
        Err(RootError::OlderPromise { .. })
    ));
    promise.persist(Epoch::new(7)).unwrap();
    assert_eq!(promise.promised(), Some(Epoch::new(7)));
}

#[test]
fn founding_survives_a_power_cut_at_any_step() {
    for seed in 0..40 {
        for step in 0..8 {
            let disk = sim();
            disk.cut_power_after(step);
            let done = DataRoot::create_on(disk.clone(), identity()).is_ok();
            disk.crash(&mut decisions(seed));
            let found = Identity::load(&*disk).unwrap();
            assert!(found == Some(identity()) || (found.is_none() && !done));
            if found.is_none() {
                DataRoot::create_on(disk, identity()).unwrap();
            }
        }
    }
}

#[test]
fn hook_is_marked_once_for_each_of_the_last_requests() {
    let disk = sim();
    let request = |number: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        Nonce::from_bytes(bytes)
    };
    for number in 0..256 {
        assert_eq!(mark_hook(&*disk, request(number)).unwrap(), HookMark::First);
        assert_eq!(mark_hook(&*disk, request(number)).unwrap(), HookMark::Again);
    }
    assert_eq!(mark_hook(&*disk, request(0)).unwrap(), HookMark::Again);
    assert_eq!(mark_hook(&*disk, request(256)).unwrap(), HookMark::First);
    let body = disk.read("hook").unwrap();
    assert_eq!(body.len(), 256 * 33 - 1);
}

#[test]
fn hook_that_was_marked_is_marked_after_a_power_cut() {
    let disk = sim();
    let request = Nonce::from_bytes([7; 16]);
    mark_hook(&*disk, request).unwrap();
    disk.crash(&mut decisions(3));
    assert_eq!(mark_hook(&*disk, request).unwrap(), HookMark::Again);
}
