//! The state machine: what the log is applied to and readers ask.

use crate::command::Command;
use crate::error::KvError;
use crate::leases::{LeaseView, Leases};
use crate::response::{CommandResponse, HashKv};
use crate::store::{ContentHash, Store, content_digest};
use crate::undo::{Change, LeaseChange, Undo};
use crate::validate::validate;
use understudy_state::{CommandContext, EpochStart, OutOfReach, StateDigest, StateMachine};
use understudy_types::Lsn;

/// How far revisions jump when an epoch begins that may have lost records.
///
/// It must exceed what the former epoch can have served beyond what survived.
/// Each revision is a record of at least 20 bytes in the former primary's log,
/// so 2⁴⁰ of them are more than 20 TB of log that no standby has, or twelve
/// days at a million writes a second. A number that a client keeps in a double
/// stays exact for 4,000 such jumps.
pub const REVISION_FLOOR_STEP: i64 = 1 << 40;

/// etcd's data model: keys with their history, revisions and leases.
#[derive(Debug)]
pub struct KvState {
    pub(crate) store: Store,
    pub(crate) leases: Leases,
    pub(crate) revision: i64,
    pub(crate) compacted: Option<i64>,
    pub(crate) undo: Undo,
}

impl Default for KvState {
    fn default() -> Self {
        Self::new()
    }
}

impl KvState {
    /// An empty store, which stands at revision 1.
    pub fn new() -> Self {
        Self {
            store: Store::default(),
            leases: Leases::default(),
            revision: 1,
            compacted: None,
            undo: Undo::default(),
        }
    }

    /// The revision of the newest write.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The oldest revision that can be read, once something was compacted.
    pub fn compacted_revision(&self) -> Option<i64> {
        self.compacted
    }

    pub fn lease(&self, id: i64) -> Option<LeaseView<'_>> {
        self.leases.view(id)
    }

    /// All leases, by id.
    pub fn leases(&self) -> impl Iterator<Item = LeaseView<'_>> {
        self.leases.views()
    }

    /// A hash of keys and history at a revision; 0 or less is the newest one.
    /// Costs one hash for each event after that revision.
    pub fn hash_kv(&self, revision: i64) -> Result<HashKv, KvError> {
        let hash_revision = if revision <= 0 {
            self.revision
        } else {
            revision
        };
        self.check_readable(hash_revision)?;
        let content = self.store.content_at(hash_revision);
        let digest = content_digest(&[content], &[]);
        Ok(HashKv {
            revision: self.revision,
            hash: u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]),
            hash_revision,
            compact_revision: self.compacted,
        })
    }

    pub(crate) fn check_readable(&self, revision: i64) -> Result<(), KvError> {
        if revision > self.revision {
            return Err(KvError::FutureRevision);
        }
        if self.compacted.is_some_and(|compacted| revision < compacted) {
            return Err(KvError::Compacted);
        }
        Ok(())
    }

    /// The digest computed anew; for tests of the one that is kept up.
    pub fn digest_from_scratch(&self) -> StateDigest {
        let content = self.store.content_from_scratch();
        self.digest_of(&[content, self.leases.content_from_scratch()])
    }

    /// Takes one record back, the newest.
    fn take_back(&mut self, change: Change) {
        if let LeaseChange::Revoked { id, ttl_seconds } = change.lease {
            self.leases.grant(id, ttl_seconds);
        }
        while let Some(event) = self.store.take_back_after(change.revision_before) {
            if event.made_lease != event.replaced_lease {
                self.leases.detach(event.made_lease, &event.key);
                self.leases.attach(event.replaced_lease, &event.key);
            }
        }
        if let LeaseChange::Granted(id) = change.lease {
            let keys = self.leases.revoke(id);
            assert!(
                keys.is_some_and(|keys| keys.is_empty()),
                "keys were bound to a lease by later records only"
            );
        }
        self.revision = change.revision_before;
    }

    fn digest_of(&self, sums: &[ContentHash]) -> StateDigest {
        // Nothing is ever compacted at a negative revision.
        let compacted = self.compacted.unwrap_or(-1);
        StateDigest(content_digest(sums, &[self.revision, compacted]))
    }
}

impl StateMachine for KvState {
    type Response = Result<CommandResponse, KvError>;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Self::Response {
        let command = Command::decode(command).map_err(|_| KvError::MalformedCommand)?;
        validate(&command)?;
        self.undo.begin(context.lsn, self.revision);
        match command {
            Command::Put(request) => self.apply_put(request).map(CommandResponse::Put),
            Command::DeleteRange(request) => {
                Ok(CommandResponse::DeleteRange(self.apply_delete(&request)))
            }
            Command::Txn(txn) => self.apply_txn(txn).map(CommandResponse::Txn),
            Command::Compact(request) => self.apply_compact(request).map(CommandResponse::Compact),
            Command::LeaseGrant(request) => {
                self.apply_grant(request).map(CommandResponse::LeaseGrant)
            }
            Command::LeaseRevoke(request) => {
                self.apply_revoke(request).map(CommandResponse::LeaseRevoke)
            }
        }
    }

    /// After a lossy promotion no revision may mean two things: revisions go
    /// on above the floor, and all history up to it counts as compacted.
    fn begin_epoch(&mut self, start: EpochStart) {
        if !start.lossy {
            return;
        }
        let steps = self.revision / REVISION_FLOOR_STEP + 2;
        self.revision = steps * REVISION_FLOOR_STEP;
        self.compacted = Some(self.revision);
        self.store.forget_history();
        self.undo.forget(start.lsn);
    }

    /// Costs as much as what is taken back had cost. A compaction and a lossy
    /// epoch drop history, and are never taken back.
    fn roll_back(&mut self, kept: Lsn) -> Result<(), OutOfReach> {
        if !self.undo.reaches(kept) {
            return Err(OutOfReach);
        }
        while let Some(change) = self.undo.pop_after(kept) {
            self.take_back(change);
        }
        Ok(())
    }

    fn digest(&self) -> StateDigest {
        self.digest_of(&[*self.store.content(), *self.leases.content()])
    }

    fn memory_bytes(&self) -> u64 {
        self.store.memory_bytes() + self.leases.memory_bytes()
    }
}
