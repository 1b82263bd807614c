use super::surroundings::Address;
use super::{CHECKS, DIAGNOSIS, Subject, Surroundings, Word, verdict};
use crate::config::{Configuration, Overrides};
use crate::profile::{Heard, NodeProfile, Source};
use crate::settings::Settings;
use crate::status::{CertificateStatus, ScrubStatus, Status, Verdict, VerdictCheck};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use understudy_protocol::control::AckHome;
use understudy_protocol::{
    AcceptLoss, AckPolicy, ActivationRequest, Lease, LeaseState, LossBound, Mode, RequestId,
    StandbyId,
};
use understudy_types::{BootTime, ClusterId, DataId, Epoch, Nonce};

/// A standby that is ready in every respect; a test spoils one thing.
struct Ready {
    settings: Settings,
    status: Status,
    lease: Option<Lease>,
    pending: Option<ActivationRequest>,
    own: NodeProfile,
    primary: Option<Heard>,
    surroundings: Surroundings,
    flush_p99: Option<Duration>,
}

fn status() -> Status {
    let position = json!({ "lsn": 100, "hash": "0".repeat(64) });
    let value: Value = json!({
        "node": "bravo", "data_id": "22".repeat(16), "cluster": "11".repeat(16),
        "cluster_name": "prod", "version": "1.2.0", "role": "standby", "promised_epoch": 3,
        "ack_policy": "replicated", "failover": "manual", "uptime_seconds": 60.0,
        "lease": {
            "epoch": 3, "state": "held", "holder": "alpha", "ttl_seconds": 10.0,
            "seen_seconds_ago": 1.0, "store_answered_seconds_ago": 0.5,
            "in_sync": ["bravo"], "ack_policy": "replicated"
        },
        "shards": { "main": {
            "client_address": "bravo:2379", "flushed": position, "committed": 100,
            "applied": 100, "flushed_bytes": 4096, "state_memory_bytes": 4096,
            "state_digest": "",
            "state": { "outcome": "equal", "lsn": 100, "seconds_ago": 0.1,
                "mismatches": 0, "not_comparable": 0 },
            "lag": { "known": true, "records_received": 0, "records_flushed": 0,
                "records_applied": 0, "bytes_flushed": 0, "seconds": 0.0 },
            "quarantined_records": 0
        } },
        "stream": { "state": "streaming", "primary": "alpha", "epoch": 3,
            "connected_seconds": 50.0, "heartbeat_age_seconds": 0.1, "reconnects": 0 },
        "standbys": [], "loss_bound": "nothing", "disk_free_bytes": 1_u64 << 40
    });
    serde_json::from_value(value).expect("a status")
}

fn lease() -> Lease {
    let cluster = ClusterId::from_bytes([0x11; 16]);
    let nonce = Nonce::from_bytes([1; 16]);
    let mut lease = Lease::founding(cluster, "prod".into(), "alpha".parse().unwrap(), nonce);
    lease.epoch = Epoch::new(3);
    lease.state = LeaseState::Held;
    lease.ack_policy = AckPolicy::Replicated;
    lease.in_sync = [member("bravo", 0x22)].into();
    lease
}

fn member(node: &str, byte: u8) -> StandbyId {
    StandbyId {
        node: node.parse().unwrap(),
        data_id: DataId::from_bytes([byte; 16]),
    }
}

fn profile(node: &str) -> NodeProfile {
    let one = |field: &str, value: &str| [(field.to_owned(), value.to_owned())];
    NodeProfile {
        node: node.parse().unwrap(),
        version: "1.2.0".into(),
        cores: 8,
        state_memory_bytes: 4096,
        wall_millis: 0,
        settings: one("ack_policy", "replicated").into(),
        secrets: one("store.secret_key", "digest").into(),
        maintenance: false,
        standbys: Default::default(),
        proofs: None,
        holder: None,
    }
}

impl Ready {
    fn new() -> Ready {
        let text = "cluster = \"prod\"\nnode = \"bravo\"\ndata = \"data\"\n[store]\nbucket = \"b\"\nregion = \"r\"\n[[shard]]\nname = \"main\"\nlisten = \"127.0.0.1:2379\"\n";
        let file = Path::new("/etc/understudy/node.toml");
        let configuration = Configuration::parse(text, file, &Overrides::default());
        Ready {
            settings: configuration.expect("a configuration").settings,
            status: status(),
            lease: Some(lease()),
            pending: None,
            own: profile("bravo"),
            primary: Some(Heard {
                profile: profile("alpha"),
                source: Source::Heard {
                    by: Nonce::from_bytes([4; 16]),
                    at: BootTime::from_nanos(0),
                    clock_offset_millis: 3,
                },
            }),
            surroundings: Surroundings {
                memory_limit: Some(1 << 34),
                addresses: vec![Address {
                    name: "shard main".into(),
                    failure: None,
                }],
            },
            flush_p99: Some(Duration::from_millis(3)),
        }
    }

    fn spoiled(spoil: impl FnOnce(&mut Ready)) -> Ready {
        let mut ready = Ready::new();
        spoil(&mut ready);
        ready
    }

    fn verdict(&self, mode: Mode) -> Verdict {
        verdict(&Subject {
            mode,
            expected: Some(Epoch::new(3)),
            settings: &self.settings,
            status: &self.status,
            lease: self.lease.as_ref(),
            pending: self.pending.as_ref(),
            own: &self.own,
            primary: self.primary.as_ref(),
            surroundings: &self.surroundings,
            flush_p99: self.flush_p99,
            store_proved: BootTime::from_nanos(0),
            now: BootTime::from_nanos(1_000_000_000),
        })
    }

    fn certificate(&mut self) -> &mut CertificateStatus {
        self.status.certificates.push(CertificateStatus {
            name: "node".to_owned(),
            holder: "understudy://prod/node/bravo".to_owned(),
            expires_at_unix: 0,
            seconds_left: 86_400 * 8,
            problem: None,
        });
        self.status.certificates.last_mut().expect("one")
    }

    fn shard(&mut self) -> &mut crate::status::ShardStatus {
        self.status.shards.values_mut().next().expect("one shard")
    }

    fn lease(&mut self) -> &mut Lease {
        self.lease.as_mut().expect("a lease")
    }

    fn primary(&mut self) -> &mut NodeProfile {
        &mut self.primary.as_mut().expect("it was heard").profile
    }
}

fn not_ok(verdict: &Verdict) -> Vec<(&str, &str)> {
    let checks = verdict.checks.iter().filter(|check| check.outcome != "ok");
    let told = checks.map(|VerdictCheck { id, outcome, .. }| (id.as_str(), outcome.as_str()));
    told.collect()
}

#[track_caller]
fn spoils(spoil: impl FnOnce(&mut Ready), switchover: &[(&str, &str)], failover: &[(&str, &str)]) {
    let ready = Ready::spoiled(spoil);
    for (mode, expected) in [(Mode::Switchover, switchover), (Mode::Failover, failover)] {
        let verdict = ready.verdict(mode);
        assert_eq!(not_ok(&verdict), expected, "{mode:?}");
        let way_out = |check: &VerdictCheck| (check.outcome == "ok") == check.way_out.is_none();
        assert!(verdict.checks.iter().all(way_out), "a way out for each");
    }
}

#[test]
fn standby_that_lacks_nothing_is_ready_for_both() {
    for mode in [Mode::Switchover, Mode::Failover] {
        let verdict = Ready::new().verdict(mode);
        assert_eq!(verdict.outcome, "ready", "{:?}", not_ok(&verdict));
    }
}

#[test]
fn each_fault_refuses_or_warns_under_its_own_id() {
    let refused = |id| [(id, "refused")];
    let warned = |id| [(id, "warn")];
    let p = refused("P01");
    spoils(
        |r| r.status.lease.as_mut().unwrap().epoch = Epoch::new(4),
        &p,
        &p,
    );
    let old = |r: &mut Ready| {
        let lease = r.status.lease.as_mut().unwrap();
        lease.store_answered_seconds_ago = Some(10.1);
    };
    spoils(old, &p, &p);
    let silent = |r: &mut Ready| {
        r.status.stream.as_mut().unwrap().heartbeat_age_seconds = Some(2.1);
    };
    spoils(silent, &refused("P02"), &warned("P02"));
    let p = warned("P03");
    spoils(|r| r.status.lease.as_mut().unwrap().in_sync.clear(), &p, &p);
    let in_the_store = |r: &mut Ready| {
        let lease = r.status.lease.as_mut().unwrap();
        lease.in_sync.clear();
        lease.ack_home = Some(AckHome::Store);
    };
    spoils(in_the_store, &[], &[]);
    let damaged = |r: &mut Ready| {
        r.shard().scrub = Some(ScrubStatus {
            rate_bytes: 1,
            pass_bytes: 2,
            pass_done_bytes: 1,
            passes: 0,
            last_pass_seconds_ago: None,
            verified: None,
            damage: Some("1.seg is damaged at byte 7".to_owned()),
        });
    };
    let p = refused("P05");
    spoils(damaged, &p, &p);
    spoils(
        |r| r.status.loss_bound = Some(LossBound::Unknown),
        &[],
        &refused("P04"),
    );
    let behind = |r: &mut Ready| r.shard().lag.as_mut().unwrap().records_flushed = 10_001;
    spoils(behind, &refused("P04"), &[]);
    let late = |r: &mut Ready| r.shard().lag.as_mut().unwrap().seconds = 1.5;
    spoils(late, &refused("P04"), &[]);
    let ended = |r: &mut Ready| r.status.stream.as_mut().unwrap().cause = Some("cut".into());
    spoils(ended, &refused("P05"), &warned("P05"));
    let p = refused("P06");
    spoils(
        |r| r.shard().state.as_mut().unwrap().outcome = "diverged".into(),
        &p,
        &p,
    );
    let p = warned("P06");
    spoils(|r| r.shard().state = None, &p, &p);
    let p = refused("P08");
    spoils(|r| r.status.disk_free_bytes = Some(1 << 20), &p, &p);
    let p = warned("P08");
    spoils(|r| r.flush_p99 = Some(Duration::from_secs(1)), &p, &p);
    let p = warned("P09");
    spoils(|r| r.primary().state_memory_bytes = 1 << 34, &p, &p);
    let p = warned("P10");
    spoils(|r| r.own.cores = 3, &p, &p);
    let p = warned("P11");
    spoils(|r| r.own.secrets.clear(), &p, &p);
    let p = refused("P12");
    spoils(
        |r| drop(r.own.settings.insert("ack_policy".into(), "local".into())),
        &p,
        &p,
    );
    let p = warned("P12");
    spoils(
        |r| drop(r.own.settings.insert("lease.ttl".into(), "3s".into())),
        &p,
        &p,
    );
    for (seconds_left, p) in [
        (86_400 * 6, warned("P14")),
        (0, refused("P14")),
        (-1, refused("P14")),
    ] {
        spoils(|r| r.certificate().seconds_left = seconds_left, &p, &p);
    }
    let p = warned("P14");
    spoils(|r| r.certificate().problem = Some("no key".into()), &p, &p);
    let p = refused("P13");
    spoils(
        |r| r.surroundings.addresses[0].failure = Some("busy".into()),
        &p,
        &p,
    );
    let p = refused("P15");
    spoils(|r| r.own.version = "1.1.9".into(), &p, &p);
    let p = warned("P18");
    spoils(|ready| ready.own.maintenance = true, &p, &p);
    spoils(|ready| ready.primary().maintenance = true, &p, &p);
    let p = warned("P19");
    let far = |r: &mut Ready| {
        r.primary.as_mut().unwrap().source = Source::Heard {
            by: Nonce::from_bytes([4; 16]),
            at: BootTime::from_nanos(0),
            clock_offset_millis: -1001,
        };
    };
    spoils(far, &p, &p);
}

#[test]
fn shards_that_are_not_whole_are_refused() {
    let unknown = |r: &mut Ready| r.shard().lag.as_mut().unwrap().known = false;
    let both = [("P04", "refused"), ("P07", "refused")];
    spoils(unknown, &both, &[("P07", "warn")]);
    let shorter = |r: &mut Ready| {
        let mut position = r.shard().flushed.unwrap();
        position.lsn = understudy_types::Lsn::new(101).unwrap();
        let forks = [("main".parse().unwrap(), Some(position))].into();
        r.lease().history.push(understudy_protocol::EpochRecord {
            epoch: Epoch::new(3),
            holder: "alpha".parse().unwrap(),
            forks,
            lossy: false,
            after: Default::default(),
        });
    };
    let p = [("P07", "refused")];
    spoils(shorter, &p, &p);
}

#[test]
fn another_standby_that_has_more_is_named() {
    let p = [("P16", "refused")];
    let ahead = |r: &mut Ready| {
        let flushed = [("main".parse().unwrap(), 101)].into();
        let standbys = &mut r.primary().standbys;
        standbys.insert("charlie".parse().unwrap(), flushed);
    };
    spoils(ahead, &p, &p);
    spoils(
        |r| r.lease().in_sync = [member("charlie", 9)].into(),
        &p,
        &p,
    );
}

#[test]
fn pending_request_refuses_what_is_not_the_same() {
    let pending = ActivationRequest {
        format: ActivationRequest::FORMAT,
        id: RequestId::from_bytes([8; 16]),
        cluster: ClusterId::from_bytes([0x11; 16]),
        mode: Mode::Switchover,
        target: "bravo".parse().unwrap(),
        expect_epoch: Epoch::new(3),
        expect_holder: None,
        accept_loss: AcceptLoss::Nothing,
        fenced_by: None,
        overrides: Vec::new(),
        by: "kim".into(),
        reason: String::new(),
        not_after_ms: 1,
    };
    let spoil = |r: &mut Ready| r.pending = Some(pending.clone());
    spoils(spoil, &[("P17", "warn")], &[("P17", "refused")]);
    let verdict = Ready::spoiled(spoil).verdict(Mode::Failover);
    assert_eq!(verdict.pending_request, Some("08".repeat(16)));
}

#[test]
fn what_could_not_be_found_out_refuses() {
    let unheard: Vec<_> = ["P10", "P11", "P12", "P15"]
        .map(|id| (id, "refused"))
        .into();
    spoils(|r| r.primary = None, &unheard, &unheard);
    let p = [("P09", "refused")];
    spoils(|r| r.surroundings.memory_limit = None, &p, &p);
    let p = [("P08", "refused")];
    spoils(|r| r.status.disk_free_bytes = None, &p, &p);
    let no_lease = |r: &mut Ready| {
        r.status.lease = None;
        r.lease = None;
    };
    let ids = ["P01", "P03", "P07", "P16"].map(|id| (id, "refused"));
    let mut failover = ids.to_vec();
    failover.push(("P20", "refused"));
    spoils(no_lease, &ids, &failover);
}

#[test]
fn kept_word_of_the_primary_is_marked_as_such() {
    let ready = Ready::spoiled(|r| r.primary.as_mut().unwrap().source = Source::Kept);
    let verdict = ready.verdict(Mode::Failover);
    assert_eq!(verdict.outcome, "ready");
    let version = verdict.checks.iter().find(|check| check.id == "P15");
    assert!(
        version
            .unwrap()
            .fact
            .ends_with("(as an earlier process heard it)")
    );
}

/// Id, and whether `--accept` overrides it for at least one verb.
#[test]
fn page_of_the_commands_lists_exactly_the_checks_there_are() {
    let page = include_str!("../../../../../docs/cli.md");
    let rows = page.lines().filter(|line| line.starts_with("| P"));
    let listed = rows.map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let id = cells[0].trim_start_matches("| ");
        (id.to_owned(), cells[3].contains("yes"))
    });
    let checks = CHECKS.iter().chain([&DIAGNOSIS]);
    let mut checks: Vec<_> = checks
        .map(|(id, word, _)| ((*id).to_owned(), *word == Word::Overrides))
        .collect();
    checks.sort();
    assert_eq!(listed.collect::<Vec<_>>(), checks);
}
