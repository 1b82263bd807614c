//! Acts that are not in the log yet: a file each, in the data root.

use super::AuditAct;
use understudy_log::{Disk, DiskError, DiskErrorKind, replace_durably};

const DIRECTORY: &str = "audit";

/// More than this waits only when the cluster has no primary for very long.
const KEPT_MAX: usize = 1024;

/// Keeps an act until a node has written it into the log; for a node that is
/// not running as well. Durable on return. When too many wait, the oldest one
/// is dropped.
pub fn keep<D: Disk>(disk: &D, act: &AuditAct) -> Result<(), DiskError> {
    disk.create_dir(DIRECTORY)?;
    disk.sync_dir("")?;
    let names = names(disk)?;
    if names.len() >= KEPT_MAX {
        tracing::warn!(act = %names[0], "too many acts wait for the audit: the oldest one is dropped");
        remove(disk, &names[0])?;
    }
    let path = format!("{DIRECTORY}/{:020}-{}.json", act.wall_millis, act.id);
    replace_durably(disk, &path, &act.encode())
}

/// The acts that wait, oldest first; what cannot be read is left alone.
pub(super) fn waiting<D: Disk>(disk: &D) -> Result<Vec<(String, AuditAct)>, DiskError> {
    let mut acts = Vec::new();
    for name in names(disk)? {
        let body = disk.read(&format!("{DIRECTORY}/{name}"))?;
        match AuditAct::decode(&body) {
            Some(act) => acts.push((name, act)),
            None => tracing::warn!(file = %name, "an act for the audit cannot be read"),
        }
    }
    Ok(acts)
}

/// Not durable before the next change here: at worst the act is written twice.
pub(super) fn remove<D: Disk>(disk: &D, name: &str) -> Result<(), DiskError> {
    disk.remove(&format!("{DIRECTORY}/{name}"))
}

fn names<D: Disk>(disk: &D) -> Result<Vec<String>, DiskError> {
    let mut names = match disk.list(DIRECTORY) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    names.retain(|name| name.ends_with(".json"));
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{AuditAct, KEPT_MAX, keep, remove, waiting};
    use serde_json::json;
    use understudy_log::{Disk, SimDisk};
    use understudy_types::Nonce;

    fn act(number: u64) -> AuditAct {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        AuditAct {
            format: AuditAct::FORMAT,
            id: Nonce::from_bytes(id),
            act: "promoted".to_owned(),
            node: "alpha".parse().unwrap(),
            by: "kim".to_owned(),
            wall_millis: 1000 + number,
            facts: json!({ "epoch": number }),
        }
    }

    fn disk() -> SimDisk {
        let disk = SimDisk::new();
        disk.create_dir("").unwrap();
        disk
    }

    #[test]
    fn acts_wait_in_their_order_until_they_are_removed() {
        let disk = disk();
        for number in [3, 1, 2] {
            keep(&disk, &act(number)).unwrap();
        }
        let kept = waiting(&disk).unwrap();
        let acts: Vec<_> = kept.iter().map(|(_, act)| act.clone()).collect();
        assert_eq!(acts, [act(1), act(2), act(3)]);
        remove(&disk, &kept[0].0).unwrap();
        assert_eq!(waiting(&disk).unwrap().len(), 2);
    }

    #[test]
    fn act_that_was_kept_survives_a_power_cut() {
        let disk = disk();
        keep(&disk, &act(1)).unwrap();
        disk.crash(&mut understudy_log::sim::decisions(5));
        assert_eq!(waiting(&disk).unwrap().len(), 1);
    }

    #[test]
    fn oldest_act_goes_when_too_many_wait() {
        let disk = disk();
        for number in 0..=KEPT_MAX as u64 {
            keep(&disk, &act(number)).unwrap();
        }
        let kept = waiting(&disk).unwrap();
        assert_eq!((kept.len(), &kept[0].1), (KEPT_MAX, &act(1)));
    }

    #[test]
    fn facts_that_are_too_long_are_not_written() {
        let long = AuditAct {
            facts: json!({ "output": "x".repeat(100_000) }),
            ..act(1)
        };
        let body = long.encode();
        assert!(body.len() < 1000);
        let read = AuditAct::decode(&body).unwrap();
        assert!(read.facts["too_long_bytes"].as_u64() > Some(100_000));
    }
}
