use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use understudy_protocol::lag::StreamEnd;
use understudy_protocol::shard::BatchRefusal;

/// Things that can be counted apart.
pub(crate) trait Named: Copy + PartialEq + 'static {
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
}

/// More names than anything here has.
const NAMES_MAX: usize = 10;

/// How often each of them happened.
#[derive(Debug)]
pub(crate) struct Tally<T> {
    counts: [AtomicU64; NAMES_MAX],
    names: PhantomData<T>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Tally {
            counts: Default::default(),
            names: PhantomData,
        }
    }
}

impl<T: Named> Tally<T> {
    pub(crate) fn add(&self, what: T) {
        let index = T::ALL.iter().position(|one| *one == what);
        let index = index.expect("all of them are in ALL");
        self.counts[index].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> super::Counts {
        let named = T::ALL.iter().zip(&self.counts);
        named
            .map(|(one, count)| (one.name(), count.load(Ordering::Relaxed)))
            .collect()
    }
}

impl Named for StreamEnd {
    const ALL: &'static [Self] = &StreamEnd::ALL;
    fn name(self) -> &'static str {
        StreamEnd::name(self)
    }
}

/// Why a batch of the stream was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainFault {
    Damaged,
    OlderEpoch,
    NewerThanStream,
    EpochWentBack,
    Gap,
    ChainBroken,
}

impl Named for ChainFault {
    const ALL: &'static [Self] = &[
        ChainFault::Damaged,
        ChainFault::OlderEpoch,
        ChainFault::NewerThanStream,
        ChainFault::EpochWentBack,
        ChainFault::Gap,
        ChainFault::ChainBroken,
    ];

    fn name(self) -> &'static str {
        match self {
            ChainFault::Damaged => "damaged",
            ChainFault::OlderEpoch => "older_epoch",
            ChainFault::NewerThanStream => "newer_than_stream",
            ChainFault::EpochWentBack => "epoch_went_back",
            ChainFault::Gap => "gap",
            ChainFault::ChainBroken => "chain_broken",
        }
    }
}

impl From<BatchRefusal> for ChainFault {
    fn from(refusal: BatchRefusal) -> Self {
        match refusal {
            BatchRefusal::OlderEpoch { .. } => ChainFault::OlderEpoch,
            BatchRefusal::NewerThanStream { .. } => ChainFault::NewerThanStream,
            BatchRefusal::EpochWentBack { .. } => ChainFault::EpochWentBack,
            BatchRefusal::Gap { .. } => ChainFault::Gap,
            BatchRefusal::ChainBroken { .. } => ChainFault::ChainBroken,
        }
    }
}

impl From<ChainFault> for StreamEnd {
    fn from(fault: ChainFault) -> Self {
        match fault {
            ChainFault::Damaged => StreamEnd::Damaged,
            ChainFault::Gap | ChainFault::ChainBroken => StreamEnd::Gap,
            ChainFault::OlderEpoch | ChainFault::NewerThanStream | ChainFault::EpochWentBack => {
                StreamEnd::OtherEpoch
            }
        }
    }
}

/// How a request for a promotion ended on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromotionEnd {
    Served,
    Refused,
    Aborted,
}

impl Named for PromotionEnd {
    const ALL: &'static [Self] = &[
        PromotionEnd::Served,
        PromotionEnd::Refused,
        PromotionEnd::Aborted,
    ];

    fn name(self) -> &'static str {
        match self {
            PromotionEnd::Served => "served",
            PromotionEnd::Refused => "refused",
            PromotionEnd::Aborted => "aborted",
        }
    }
}

/// Why a part of the log had to be fetched anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resync {
    /// Records that the primary's history does not have were set aside.
    Diverged,
    /// The damaged end of the log was set aside at the start.
    Damaged,
}

impl Named for Resync {
    const ALL: &'static [Self] = &[Resync::Diverged, Resync::Damaged];

    fn name(self) -> &'static str {
        match self {
            Resync::Diverged => "diverged",
            Resync::Damaged => "damaged",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChainFault, NAMES_MAX, Named, PromotionEnd, Resync, StreamEnd, Tally};

    fn counts_apart<T: Named + std::fmt::Debug>() {
        assert!(T::ALL.len() <= NAMES_MAX);
        let tally = Tally::<T>::default();
        for (times, one) in T::ALL.iter().enumerate() {
            (0..times).for_each(|_| tally.add(*one));
        }
        let counts = tally.counts();
        let expected: Vec<_> = (0..).zip(T::ALL).map(|(n, one)| (one.name(), n)).collect();
        assert_eq!(counts, expected);
    }

    #[test]
    fn each_thing_is_counted_under_its_own_name_from_zero() {
        counts_apart::<StreamEnd>();
        counts_apart::<ChainFault>();
        counts_apart::<PromotionEnd>();
        counts_apart::<Resync>();
    }
}
