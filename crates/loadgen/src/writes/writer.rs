use super::ledger::Told;
use super::naming::{Attempt, Naming};
use super::progress::{Phase, Progress};
use crate::call::{CallFailure, Caller, Fate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use understudy_wire::etcd::etcdserverpb as pb;

/// What one writer wrote down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) told: Vec<Told>,
    pub(super) failures: BTreeMap<&'static str, u64>,
    pub(super) connects_failed: u64,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) id: u32,
    pub(super) naming: Naming,
    pub(super) caller: Caller,
    pub(super) progress: Arc<Progress>,
    /// After each acknowledged write; none writes as fast as it goes.
    pub(super) pace: Option<Duration>,
}

impl Writer {
    /// Writes until the phase changes, then ends the attempt under way. After
    /// a failure it goes on at the next endpoint, with the next attempt.
    pub(super) async fn run(mut self) -> Notes {
        let mut notes = Notes::default();
        let mut phase = self.progress.phase();
        while *phase.borrow() == Phase::Writing {
            let outcome = self.attempt(&mut notes).await;
            let pause = self
                .caller
                .pause_after(outcome, self.pace, &mut notes.failures);
            if let Some(pause) = pause {
                pause_while_writing(&mut phase, pause).await;
            }
        }
        notes
    }

    async fn attempt(&mut self, notes: &mut Notes) -> Result<(), CallFailure> {
        let attempt = Attempt {
            writer: self.id,
            number: notes.told.len() as u64,
        };
        let request = pb::PutRequest {
            key: self.naming.key(attempt),
            value: self.naming.value(attempt),
            ..Default::default()
        };
        match self.caller.put(&request).await {
            Ok(answer) => {
                let revision = answer.header.map_or(0, |header| header.revision);
                notes.told.push(Told::Acked { revision });
                self.progress.note_acked();
                Ok(())
            }
            Err(failure) => {
                match (&failure, failure.fate()) {
                    // The attempt was not made: its key is still unused.
                    (CallFailure::NotSent(_), _) => notes.connects_failed += 1,
                    (_, Fate::DidNotHappen) => notes.told.push(Told::Refused),
                    (_, Fate::MayHaveHappened) => notes.told.push(Told::Unknown),
                }
                Err(failure)
            }
        }
    }
}

async fn pause_while_writing(phase: &mut watch::Receiver<Phase>, pause: Duration) {
    let stopping = phase.wait_for(|phase| *phase == Phase::Stopping);
    // Either way the caller looks at the phase again.
    let _ = tokio::time::timeout(pause, stopping).await;
}
