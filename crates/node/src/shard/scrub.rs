//! The scrub thread: reads the segments that are written no more, again and
//! again, at a set rate, and says when one is not what it was.

use super::core::ShardCore;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;
use understudy_log::{Damage, LogError, OsDisk, Scrub, Scrubbed, Sealed};
use understudy_types::{BootTime, ByteCount, Clock, Lsn};

/// Between two passes.
const PAUSE: Duration = Duration::from_secs(1);

/// What is read before the thread sleeps for it.
const PIECE_BYTES: u64 = 256 << 10;

/// What the thread found so far; for status and the driver.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScrubFacts {
    /// Bytes of sealed segments: all of them when the pass began, and those
    /// that it has verified.
    pub(crate) pass_bytes: u64,
    pub(crate) pass_done: u64,
    pub(crate) passes: u64,
    /// Up to here every record was verified, at the start or by a pass.
    pub(crate) verified: Option<Lsn>,
    /// When the last pass ended that found nothing.
    pub(crate) last_pass: Option<BootTime>,
    /// Stays until the node is started again.
    pub(crate) damage: Option<Damage>,
}

/// Wakes the thread when the node ends.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    told: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slept {
    Whole,
    Stopped,
}

impl Stop {
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
        self.told.notify_all();
    }

    fn sleep(&self, time: Duration) -> Slept {
        let mut stopped = self.stopped.lock();
        let while_running = |stopped: &mut bool| !*stopped;
        self.told.wait_while_for(&mut stopped, while_running, time);
        match *stopped {
            true => Slept::Stopped,
            false => Slept::Whole,
        }
    }
}

pub(crate) struct ScrubThread {
    pub(crate) shard: Arc<ShardCore>,
    pub(crate) scrub: Scrub<OsDisk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Bytes per second, more than none.
    pub(crate) rate: ByteCount,
}

impl ScrubThread {
    pub(crate) fn run(self) {
        lower_priority();
        loop {
            if let Err(error) = self.pass() {
                return self.tell(error);
            }
            if self.shard.scrub_stop.sleep(PAUSE) == Slept::Stopped {
                return;
            }
        }
    }

    /// Verifies what is sealed now.
    fn pass(&self) -> Result<(), LogError> {
        let sealed = self.scrub.sealed();
        {
            let mut facts = self.shard.scrub.lock();
            facts.pass_bytes = sealed.iter().map(|segment| segment.bytes).sum();
            facts.pass_done = 0;
        }
        for segment in &sealed {
            if self.segment(segment)? == Scrubbed::Cut {
                return Ok(());
            }
        }
        if self.shard.scrub_stop.sleep(Duration::ZERO) == Slept::Whole {
            let mut facts = self.shard.scrub.lock();
            facts.passes += 1;
            let end = sealed.last().map(|segment| segment.end().lsn);
            facts.verified = facts.verified.max(end);
            facts.last_pass = Some(self.clock.now());
        }
        Ok(())
    }

    fn segment(&self, segment: &Sealed) -> Result<Scrubbed, LogError> {
        let mut unpaid = 0;
        let scrubbed = self.scrub.verify(segment, &mut |bytes| {
            unpaid += bytes as u64;
            if unpaid >= PIECE_BYTES {
                self.shard.scrub.lock().pass_done += unpaid;
                let seconds = unpaid as f64 / self.rate.get() as f64;
                // Once stopped, the rest of this segment is read at once.
                self.shard
                    .scrub_stop
                    .sleep(Duration::from_secs_f64(seconds));
                unpaid = 0;
            }
        });
        self.shard.scrub.lock().pass_done += unpaid;
        scrubbed
    }

    fn tell(&self, error: LogError) {
        let shard = &self.shard.name;
        match error {
            LogError::Damaged(damage) => {
                tracing::error!(
                    %shard, file = %damage.file, offset = damage.offset,
                    expected = %damage.expected, found = %damage.found,
                    "the log is DAMAGED: this node will not be promoted. On a standby, restart it: it fetches the damaged end anew from the primary. On a primary, switch over to a standby first"
                );
                self.shard.scrub.lock().damage = Some(*damage);
                self.shard.announce();
            }
            error => tracing::error!(
                %shard, %error,
                "the scrub cannot read the log, and has ended: look at the disk, and restart the node"
            ),
        }
    }
}

/// Of this thread alone. Where it is refused, the rate still holds.
fn lower_priority() {
    let _ = rustix::process::setpriority_process(None, 19);
}
