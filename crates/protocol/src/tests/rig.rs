//! One node's control with a store of one object beside it, driven by hand.

use crate::control::{Event, Failsafe, Known, LeaseFetched, RoleName, WriteAnswer};
use crate::fallback::{SlotNumber, Watermarks};
use crate::shard::Requirement;
use crate::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use understudy_types::{
    BootTime, ChainHash, ClusterId, DataId, Epoch, Lsn, NodeId, Nonce, Position, ShardName,
};

pub(super) const CLUSTER: ClusterId = ClusterId::from_bytes([7; 16]);

pub(super) fn shard() -> ShardName {
    "s0".parse().unwrap()
}

pub(super) fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

pub(super) fn member(name: &str) -> Member {
    let byte = name.as_bytes()[0];
    Member {
        node: node(name),
        data_id: DataId::from_bytes([byte; 16]),
        incarnation: Nonce::from_bytes([byte; 16]),
        replication: String::new(),
        console: String::new(),
        clients: BTreeMap::new(),
    }
}

pub(super) fn position(lsn: u64) -> Option<Position> {
    let hash = ChainHash::from_bytes([lsn as u8; 32]);
    Lsn::new(lsn).map(|lsn| Position { lsn, hash })
}

pub(super) fn heads(lsn: u64) -> Heads {
    Heads::from([(shard(), position(lsn))])
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A lease held by `holder` in `epoch`, begun at lsn 5.
pub(super) fn held(holder: &str, epoch: u64, policy: AckPolicy) -> Lease {
    let nonce = Nonce::from_bytes([9; 16]);
    let mut lease = Lease::founding(CLUSTER, "test".to_owned(), node("a"), nonce);
    lease.epoch = Epoch::new(epoch);
    lease.state = LeaseState::Held;
    lease.holder = Some(member(holder));
    lease.ttl_ms = 10_000;
    lease.ack_policy = policy;
    lease.handover = None;
    lease.history.push(EpochRecord {
        epoch: Epoch::new(epoch),
        holder: node(holder),
        forks: heads(5),
        lossy: false,
        after: BTreeMap::new(),
    });
    lease
}

pub(super) fn failover(to: &str, epoch: u64, accept_loss: AcceptLoss) -> ActivationRequest {
    ActivationRequest {
        format: ActivationRequest::FORMAT,
        id: RequestId::from_bytes([1; 16]),
        cluster: CLUSTER,
        mode: Mode::Failover,
        target: node(to),
        expect_epoch: Epoch::new(epoch),
        expect_holder: None,
        accept_loss,
        fenced_by: None,
        overrides: Vec::new(),
        by: "test".to_owned(),
        reason: "test".to_owned(),
        not_after_ms: 1_000_000,
    }
}

pub(super) struct Rig {
    pub(super) control: Control,
    pub(super) now: BootTime,
    pub(super) wall_millis: u64,
    /// What the store holds.
    pub(super) stored: Lease,
    tag: u64,
    entropy: u8,
    /// The store leaves polls without an answer.
    pub(super) store_is_silent: bool,
    /// What the last step asked for.
    pub(super) out: Vec<Action>,
}

impl Rig {
    /// A node that starts, with `lsn` records, and reads this lease.
    pub(super) fn new(name: &str, lsn: u64, stored: Lease) -> Rig {
        let mut rig = Rig::unread(name, lsn, stored);
        rig.step(Event::Tick);
        rig.reads();
        rig
    }

    pub(super) fn unread(name: &str, lsn: u64, stored: Lease) -> Rig {
        Rig::of(name, lsn, stored, FailoverPolicy::Manual)
    }

    pub(super) fn of(name: &str, lsn: u64, stored: Lease, failover: FailoverPolicy) -> Rig {
        Rig::failsafe(name, lsn, stored, failover, Failsafe::Off)
    }

    fn failsafe(
        name: &str,
        lsn: u64,
        stored: Lease,
        failover: FailoverPolicy,
        failsafe: Failsafe,
    ) -> Rig {
        let setup = Setup {
            cluster: CLUSTER,
            me: member(name),
            shards: vec![shard()],
            ack_policy: stored.ack_policy,
            failover,
            failsafe,
            timing: Timing::default(),
            hooks: BTreeSet::new(),
        };
        Rig::with(setup, lsn, stored)
    }

    pub(super) fn with(setup: Setup, lsn: u64, stored: Lease) -> Rig {
        let now = BootTime::from_nanos(1_000_000_000_000);
        Rig {
            control: Control::new(setup, Epoch::FOUNDING, heads(lsn), now),
            now,
            wall_millis: 500_000,
            stored,
            tag: 1,
            entropy: 100,
            store_is_silent: false,
            out: Vec::new(),
        }
    }

    /// Also answers a poll of the lease that would find it unchanged, unless
    /// the store is silent.
    pub(super) fn step(&mut self, event: Event) {
        let mut out = Vec::new();
        self.tell(event, &mut out);
        let poll = Action::FetchLease {
            known: Some(self.etag()),
        };
        if out.contains(&poll) && !self.store_is_silent {
            self.tell(Event::LeaseFetched(LeaseFetched::NotModified), &mut out);
        }
        self.out = out;
    }

    fn tell(&mut self, event: Event, out: &mut Vec<Action>) {
        self.entropy = self.entropy.wrapping_add(1);
        let moment = Moment {
            now: self.now,
            wall_millis: self.wall_millis,
            entropy: [self.entropy; 16],
        };
        self.control.step(&moment, event, out);
    }

    pub(super) fn etag(&self) -> ETag {
        ETag(self.tag.to_string())
    }

    /// The read that is under way comes back.
    pub(super) fn reads(&mut self) {
        let fetched = LeaseFetched::Found {
            etag: self.etag(),
            body: self.stored.encode(),
        };
        self.step(Event::LeaseFetched(fetched));
    }

    /// Somebody else writes the lease; this node reads it when it next looks.
    pub(super) fn sees(&mut self, lease: Lease) {
        self.sees_later(lease);
        self.step(Event::Knock);
        self.reads();
    }

    /// Somebody else writes the lease.
    pub(super) fn sees_later(&mut self, lease: Lease) {
        self.stored = lease;
        self.tag += 1;
    }

    pub(super) fn passes(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.step(Event::Tick);
    }

    /// The write that the last step asked for, and the tag it stands on.
    #[track_caller]
    pub(super) fn written(&self) -> (ETag, Lease) {
        let write = self.out.iter().find_map(|action| match action {
            Action::WriteLease { base, body } => Some((base.clone(), Lease::decode(body).unwrap())),
            _ => None,
        });
        write.unwrap_or_else(|| panic!("no write of the lease in {:?}", self.out))
    }

    /// The write is applied by the store, and answered.
    #[track_caller]
    pub(super) fn applies(&mut self) {
        self.lands();
        self.step(Event::LeaseWritten(WriteAnswer::Applied(self.etag())));
    }

    /// The write is applied by the store, and not answered.
    #[track_caller]
    pub(super) fn lands(&mut self) {
        let (base, lease) = self.written();
        assert_eq!(base, self.etag(), "the write stands on what is stored");
        self.stored = lease;
        self.tag += 1;
    }

    #[track_caller]
    pub(super) fn promises(&mut self) -> Epoch {
        let promise = self.out.iter().find_map(|action| match action {
            Action::PersistPromise(epoch) => Some(*epoch),
            _ => None,
        });
        let epoch = promise.unwrap_or_else(|| panic!("no promise in {:?}", self.out));
        self.step(Event::PromisePersisted(epoch));
        epoch
    }

    pub(super) fn stops(&mut self, lsn: u64) {
        self.step(Event::FollowingStopped(heads(lsn)));
    }

    pub(super) fn knows(&mut self, lsn: u64, known: u64, age: Duration) {
        self.knows_of(self.stored.epoch.get(), lsn, known, age);
    }

    /// What a stream of this epoch said.
    pub(super) fn knows_of(&mut self, epoch: u64, lsn: u64, known: u64, age: Duration) {
        let complete_as_of = self.now - age;
        let known = Known {
            epoch: Epoch::new(epoch),
            flushed: Lsn::new(known),
            complete_as_of,
        };
        self.step(Event::Facts(Facts {
            heads: heads(lsn),
            known: BTreeMap::from([(shard(), known)]),
            ..Facts::default()
        }));
    }

    /// All of it is committed.
    pub(super) fn has(&self, lsn: u64) -> Event {
        Event::Facts(Facts {
            heads: heads(lsn),
            committed: Watermarks::from([(shard(), Lsn::new(lsn))]),
            ..Facts::default()
        })
    }

    /// All of it is committed, and in the slots before slot 1.
    pub(super) fn stored_facts(&self, lsn: u64) -> Facts {
        let upto = Watermarks::from([(shard(), Lsn::new(lsn))]);
        Facts {
            heads: heads(lsn),
            committed: upto.clone(),
            stored: upto,
            free_slots: BTreeMap::from([(shard(), SlotNumber::new(1))]),
            ..Facts::default()
        }
    }

    pub(super) fn asked(&self, wanted: &Action) -> bool {
        self.out.contains(wanted)
    }

    pub(super) fn role(&self) -> RoleName {
        self.control.role_name(self.now)
    }

    /// The refusals that were told.
    pub(super) fn refusals(&self) -> Vec<&'static str> {
        let code = |action: &Action| match action {
            Action::Notify(Notice::Activation {
                step: control::Step::Refused { code, .. },
                ..
            }) => Some(*code),
            _ => None,
        };
        self.out.iter().filter_map(code).collect()
    }

    /// The standbys of the last requirement that was given, if any was.
    pub(super) fn required(&self) -> Option<BTreeSet<StandbyId>> {
        match self.requirement()? {
            Requirement::AllOf(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn requirement(&self) -> Option<Requirement> {
        self.out.iter().rev().find_map(|action| match action {
            Action::Require(requirement) => Some(requirement.clone()),
            _ => None,
        })
    }
}

/// Node `a`, primary in epoch 2 after a restart, its log ending at lsn 6.
pub(super) fn primary(policy: AckPolicy, in_sync: &[&str]) -> Rig {
    primary_with(policy, in_sync, Failsafe::Off)
}

pub(super) fn primary_with(policy: AckPolicy, in_sync: &[&str], failsafe: Failsafe) -> Rig {
    let mut lease = held("a", 1, policy);
    lease.holder = Some(Member {
        incarnation: Nonce::from_bytes([0; 16]),
        ..member("a")
    });
    lease.in_sync = in_sync
        .iter()
        .map(|name| member(name).standby_id())
        .collect();
    let mut rig = Rig::failsafe("a", 5, lease, FailoverPolicy::Manual, failsafe);
    rig.step(Event::Tick);
    rig.reads();
    rig.promises();
    rig.stops(5);
    rig.applies();
    rig.step(rig.has(6));
    rig.step(Event::Opened(Epoch::new(2)));
    rig
}
