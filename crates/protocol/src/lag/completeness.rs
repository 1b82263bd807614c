use std::collections::VecDeque;
use understudy_types::{BootTime, Lsn};

/// Moments that are remembered, at most. Beyond that the newest one stands
/// for those after it: what is said is older then, never too new.
const OPEN_MAX: usize = 1024;

/// Until when a stage certainly had all that the primary had.
#[derive(Clone, Debug, Default)]
pub(super) struct Completeness {
    /// The primary's end at a moment, not yet reached here.
    open: VecDeque<(Option<Lsn>, BootTime)>,
    complete_as_of: Option<BootTime>,
}

impl Completeness {
    /// At `moment` the primary had no more than `upto`.
    pub(super) fn note(&mut self, upto: Option<Lsn>, moment: BootTime) {
        if self.open.len() == OPEN_MAX {
            self.open.pop_back();
        }
        self.open.push_back((upto, moment));
    }

    /// This much is here: until when that is everything.
    pub(super) fn reached(&mut self, upto: Option<Lsn>) -> Option<BootTime> {
        while let Some((end, moment)) = self.open.front().copied()
            && end <= upto
        {
            self.open.pop_front();
            self.complete_as_of = self.complete_as_of.max(Some(moment));
        }
        self.complete_as_of
    }
}

#[cfg(test)]
mod tests {
    use super::{Completeness, OPEN_MAX};
    use understudy_types::{BootTime, Lsn};

    #[test]
    fn moments_beyond_the_limit_make_it_older_never_newer() {
        let mut stage = Completeness::default();
        let moments = OPEN_MAX as u64 + 10;
        for moment in 1..=moments {
            stage.note(Lsn::new(moment), BootTime::from_nanos(moment));
        }
        for moment in 1..=moments {
            let complete = stage.reached(Lsn::new(moment)).unwrap();
            assert!(complete <= BootTime::from_nanos(moment));
        }
        assert_eq!(
            stage.reached(Lsn::new(moments)),
            Some(BootTime::from_nanos(moments))
        );
    }
}
