//! The steps on which durability rests, and a power cut at exactly one of
//! them.

use super::disk::{SimDisk, State};
use std::collections::BTreeMap;
use std::io;

/// What a change of the disk is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Segment,
    /// The next segment, before it has its name; and a segment's shortened
    /// copy.
    Spare,
    ShardDirectory,
    Promise,
    Identity,
    Quarantine,
    SetAside,
    Receipt,
    RootDirectory,
    /// None that this knows.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    CreateDirectory,
    Create,
    Write,
    Flush,
    Truncate,
    /// Named by what it is named to.
    Rename,
    Remove,
    SyncDirectory,
}

/// A change of one kind to one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    pub subject: Subject,
    pub change: Change,
}

/// Where the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The step was not begun; nothing that was not durable is there.
    Before,
    /// The step is done, and all that was not durable reached the device.
    After,
    /// In the middle; of what was not durable some is there.
    Torn,
}

impl Subject {
    pub const ALL: [Subject; 10] = [
        Subject::Segment,
        Subject::Spare,
        Subject::ShardDirectory,
        Subject::Promise,
        Subject::Identity,
        Subject::Quarantine,
        Subject::SetAside,
        Subject::Receipt,
        Subject::RootDirectory,
        Subject::Other,
    ];

    fn of(path: &str) -> Subject {
        let name = path.rsplit('/').next().unwrap_or(path);
        match path.split('/').next().unwrap_or(path) {
            "" => Subject::RootDirectory,
            "quarantine" => Subject::Quarantine,
            "damaged" => Subject::SetAside,
            "receipts" => Subject::Receipt,
            "epoch.json" | "epoch.json.tmp" => Subject::Promise,
            "identity.json" | "identity.json.tmp" => Subject::Identity,
            "shards" if name.ends_with(".seg") => Subject::Segment,
            "shards" if name.ends_with(".tmp") || name == "spare" => Subject::Spare,
            "shards" if path.split('/').count() <= 2 => Subject::ShardDirectory,
            _ => Subject::Other,
        }
    }
}

impl Moment {
    pub const ALL: [Moment; 3] = [Moment::Before, Moment::After, Moment::Torn];
}

/// Which change cuts the power.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    step: Step,
    /// Of those that are still to come, counted from 0.
    occurrence: u64,
    moment: Moment,
}

/// What was done, and where the power is to go.
#[derive(Debug, Default)]
pub(super) struct Steps {
    counts: BTreeMap<Step, u64>,
    cut: Option<Cut>,
    /// The cut has come.
    pub(super) cut_at: Option<Moment>,
}

impl State {
    /// Notes a change and makes it, unless the power goes before that; fails
    /// when it goes at all.
    pub(super) fn step<T>(
        &mut self,
        change: Change,
        path: &str,
        make: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let step = Step {
            subject: Subject::of(path),
            change,
        };
        *self.steps.counts.entry(step).or_default() += 1;
        let Some(moment) = self.steps.cuts(step) else {
            return make(self);
        };
        let flushes = matches!(change, Change::Flush | Change::SyncDirectory);
        let made = match moment {
            Moment::Before => Ok(()),
            // A flush in its middle has flushed what the device has taken.
            Moment::Torn if flushes => Ok(()),
            Moment::Torn | Moment::After => make(self).map(drop),
        };
        self.steps.cut_at = Some(moment);
        self.faults.changes_before_cut = Some(0);
        made.and(Err(io::Error::other("the power is off")))
    }
}

impl Steps {
    fn cuts(&mut self, step: Step) -> Option<Moment> {
        let cut = self.cut.as_mut().filter(|cut| cut.step == step)?;
        match cut.occurrence.checked_sub(1) {
            Some(left) => {
                cut.occurrence = left;
                None
            }
            None => self.cut.take().map(|cut| cut.moment),
        }
    }
}

impl SimDisk {
    /// How often each step was taken or tried, since the disk was made.
    pub fn steps(&self) -> BTreeMap<Step, u64> {
        self.lock().steps.counts.clone()
    }

    /// Cuts the power at the `occurrence`-th of the steps to come, counted
    /// from 0. [`SimDisk::crash`] brings it back.
    pub fn cut_power_at(&self, step: Step, occurrence: u64, moment: Moment) {
        self.lock().steps.cut = Some(Cut {
            step,
            occurrence,
            moment,
        });
    }

    /// Whether a cut is still to come.
    pub fn awaits_cut(&self) -> bool {
        self.lock().steps.cut.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Moment, SimDisk, Step, Subject};
    use crate::Disk;
    use crate::sim::decisions;

    const WRITE: Step = Step {
        subject: Subject::Promise,
        change: Change::Write,
    };
    const FLUSH: Step = Step {
        subject: Subject::Promise,
        change: Change::Flush,
    };

    /// The file's bytes after a cut at the second such step.
    fn cut(step: Step, moment: Moment) -> Vec<u8> {
        let disk = SimDisk::new();
        let file = disk.create_new("epoch.json", 0).unwrap();
        disk.sync_dir("").unwrap();
        disk.cut_power_at(step, 1, moment);
        for byte in 1..=2 {
            let done = disk
                .write_at(&file, byte - 1, &[byte as u8])
                .and_then(|()| disk.sync_data(&file));
            assert_eq!(done.is_err(), byte == 2, "{step:?} {moment:?}");
        }
        assert!(disk.read("epoch.json").is_err(), "the power is off");
        disk.crash(&mut decisions(0));
        assert!(!disk.awaits_cut());
        disk.read("epoch.json").unwrap().to_vec()
    }

    #[test]
    fn power_goes_at_the_step_and_leaves_what_the_moment_says() {
        assert_eq!(cut(WRITE, Moment::Before), [1]);
        assert_eq!(cut(WRITE, Moment::After), [1, 2]);
        assert_eq!(cut(FLUSH, Moment::Before), [1]);
        assert_eq!(cut(FLUSH, Moment::After), [1, 2]);
        let torn = cut(FLUSH, Moment::Torn);
        assert!(torn == [1] || torn == [1, 0] || torn == [1, 2], "{torn:?}");
    }

    #[test]
    fn steps_are_counted() {
        let disk = SimDisk::new();
        let file = disk.create_new("epoch.json", 0).unwrap();
        disk.write_at(&file, 0, b"a").unwrap();
        disk.write_at(&file, 1, b"b").unwrap();
        assert_eq!(disk.steps()[&WRITE], 2);
        assert_eq!(disk.steps().get(&FLUSH), None);
    }
}
