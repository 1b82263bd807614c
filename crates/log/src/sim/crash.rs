use super::disk::SimDisk;
use super::steps::Moment;

impl SimDisk {
    /// Cuts the power, decides by `decide` what of the unsynced reached the
    /// device, and starts again: open files no longer work, injected faults
    /// are gone but for the space limit.
    ///
    /// After [`SimDisk::cut_power_at`] nothing or all reached it, where that
    /// was the moment.
    pub fn crash(&self, decide: &mut dyn FnMut() -> u64) {
        let mut state = self.lock();
        let reached = match state.steps.cut_at.take() {
            Some(Moment::Before) => Some(false),
            Some(Moment::After) => Some(true),
            Some(Moment::Torn) | None => None,
        };
        // As names and inodes read a decision: see there.
        let name = |all: bool| u64::from(!all);
        let inode = |all: bool| u64::from(all);
        let state = &mut *state;
        state
            .names
            .crash(&mut || reached.map_or_else(&mut *decide, name));
        for file in state.inodes.values_mut() {
            file.crash(&mut || reached.map_or_else(&mut *decide, inode));
        }
        state.incarnation += 1;
        state.faults.syncs_before_failure = None;
        state.faults.changes_before_cut = None;
    }
}

/// A source of decisions that is a function of the seed (splitmix64).
pub fn decisions(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
