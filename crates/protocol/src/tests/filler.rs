//! Slots: what is filled next, what a drain takes, and what bytes are refused.

use super::rig::{CLUSTER, heads, node, shard};
use crate::control::{Completeness, WriteAnswer};
use crate::fallback::{
    DrainStep, Drainer, Drawn, FillStep, Filler, Inspected, Offer, Shared, Slot, SlotContents,
    SlotError, SlotNumber, inspect, is_of_line, shared_with_line,
};
use crate::shard::{Intake, Offered};
use crate::{ETag, EpochRecord};
use proptest::prelude::*;
use serde_bytes::ByteBuf;
use understudy_types::{ChainHash, Epoch, Lsn, Nonce, Position};

fn slot(number: u64) -> SlotNumber {
    SlotNumber::new(number)
}

fn lsn(lsn: u64) -> Lsn {
    Lsn::new(lsn).unwrap()
}

fn applied() -> WriteAnswer {
    WriteAnswer::Applied(ETag(String::new()))
}

/// Ready at slot 4, with lsn 10 stored.
fn ready() -> Filler {
    let mut filler = Filler::new(slot(4), Lsn::new(10), None);
    assert_eq!(filler.next(None), FillStep::Inspect(slot(4)));
    assert_eq!(filler.free(), None, "not known yet");
    filler.inspected(Inspected::Free);
    assert_eq!(filler.free(), Some(slot(4)));
    filler
}

#[test]
fn filler_puts_what_is_flushed_and_counts_it_once_the_answer_is_definite() {
    let mut filler = ready();
    assert_eq!(filler.next(Lsn::new(10)), FillStep::Wait);
    let put = FillStep::Put {
        slot: slot(4),
        from: lsn(11),
    };
    assert_eq!(filler.next(Lsn::new(15)), put);
    filler.sent(lsn(13));
    assert_eq!(filler.next(Lsn::new(15)), FillStep::Awaiting);
    assert_eq!(filler.stored(), Lsn::new(10));
    filler.answered(&applied());
    assert_eq!(filler.stored(), Lsn::new(13));
    assert_eq!(filler.free(), Some(slot(5)));
}

#[test]
fn put_of_unknown_outcome_goes_into_the_same_slot_again() {
    for unknown in [WriteAnswer::Unknown, WriteAnswer::NotApplied] {
        let mut filler = ready();
        filler.sent(lsn(13));
        filler.answered(&unknown);
        assert_eq!(filler.next(Lsn::new(20)), FillStep::PutAgain(slot(4)));
        assert_eq!(filler.stored(), Lsn::new(10));
        filler.sent_again();
        filler.answered(&WriteAnswer::Refused);
        assert_eq!(filler.next(Lsn::new(20)), FillStep::Inspect(slot(4)));
        filler.inspected(Inspected::Own);
        assert_eq!(filler.stored(), Lsn::new(13));
    }
}

#[test]
fn slot_that_is_taken_decides_what_follows() {
    let after = |found| {
        let mut filler = ready();
        filler.sent(lsn(13));
        filler.answered(&WriteAnswer::Refused);
        filler.inspected(found);
        (filler.stored(), filler.next(Lsn::new(13)))
    };
    let rest = FillStep::Put {
        slot: slot(5),
        from: lsn(12),
    };
    let in_log = Inspected::InLog { last: lsn(11) };
    assert_eq!(after(in_log), (Lsn::new(11), rest));
    let all = FillStep::Put {
        slot: slot(5),
        from: lsn(11),
    };
    assert_eq!(after(Inspected::Passed), (Lsn::new(10), all));
    assert_eq!(after(Inspected::Newer), (Lsn::new(10), FillStep::Fenced));
    assert_eq!(
        after(Inspected::Free),
        (Lsn::new(10), FillStep::PutAgain(slot(4)))
    );
}

/// What stands in the slots from 4 on; free behind.
fn look(filler: &mut Filler, taken: &[Inspected]) -> u32 {
    let mut looks = 0;
    while let FillStep::Inspect(at) = filler.next(None) {
        let at = (at.get() - 4) as usize;
        filler.inspected(taken.get(at).copied().unwrap_or(Inspected::Free));
        looks += 1;
        assert!(looks < 100, "it does not end");
    }
    looks
}

#[test]
fn restarted_filler_goes_on_behind_what_its_log_shares_with_the_slots() {
    let in_log = |last| Inspected::InLog { last: lsn(last) };
    let mut filler = Filler::new(slot(4), Lsn::new(10), None);
    look(
        &mut filler,
        &[in_log(12), in_log(14), Inspected::Passed, Inspected::Passed],
    );
    assert_eq!(
        (filler.free(), filler.stored()),
        (Some(slot(8)), Lsn::new(14))
    );

    let mut filler = Filler::new(slot(4), Lsn::new(10), None);
    look(&mut filler, &[Inspected::Passed]);
    assert_eq!(
        (filler.free(), filler.stored()),
        (Some(slot(5)), Lsn::new(10))
    );

    let mut filler = Filler::new(slot(4), Lsn::new(10), None);
    look(&mut filler, &[in_log(12), Inspected::Newer]);
    assert_eq!(filler.next(Lsn::new(99)), FillStep::Fenced);
}

#[test]
fn filler_behind_a_drain_looks_only_for_the_last_batch() {
    let mut filler = Filler::new(slot(4), Lsn::new(10), Some(slot(6)));
    assert_eq!(filler.next(None), FillStep::Inspect(slot(5)));
    let taken = [Inspected::InLog { last: lsn(12) }, Inspected::Passed];
    assert_eq!(look(&mut filler, &taken), 2);
    assert_eq!(
        (filler.free(), filler.stored()),
        (Some(slot(6)), Lsn::new(12))
    );
}

proptest! {
    #[test]
    fn first_free_slot_is_found_in_few_looks(taken in 0_usize..5000) {
        let slots: Vec<_> = (0..taken).map(|at| Inspected::InLog { last: lsn(11 + at as u64) }).collect();
        let mut filler = Filler::new(slot(4), Lsn::new(10), None);
        let looks = look(&mut filler, &slots);
        prop_assert_eq!(filler.free(), Some(slot(4 + taken as u64)));
        prop_assert_eq!(filler.stored(), Lsn::new(10 + taken as u64));
        prop_assert!(looks <= 3 + 2 * (taken as u64 + 2).ilog2(), "{} looks", looks);
    }

    #[test]
    fn any_changed_byte_of_a_slot_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = example(3).encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(
            Slot::decode(&bytes, CLUSTER, &shard(), slot(3)),
            Err(SlotError::Damaged)
        );
    }
}

fn example(number: u64) -> Slot {
    Slot {
        cluster: CLUSTER,
        shard: shard(),
        number: slot(number),
        epoch: Epoch::new(4),
        nonce: Nonce::from_bytes([1; 16]),
        contents: SlotContents::Batches(vec![ByteBuf::from(b"one".to_vec())]),
    }
}

#[test]
fn slot_comes_back_as_it_was_put_and_only_in_its_place() {
    let bytes = example(3).encode();
    let read = |number| Slot::decode(&bytes, CLUSTER, &shard(), slot(number));
    assert_eq!(read(3), Ok(example(3)));
    assert!(matches!(read(4), Err(SlotError::Elsewhere { .. })));
    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(
        Slot::decode(cut, CLUSTER, &shard(), slot(3)),
        Err(SlotError::Damaged)
    );
    assert_eq!(slot(3).key(&shard()), "slots/s0/00000000000000000003");
}

#[test]
fn slot_is_judged_by_its_epoch_its_nonce_and_the_log() {
    let ours = Some(Nonce::from_bytes([1; 16]));
    let in_log = |_: &[u8]| Some(lsn(7));
    let not_in_log = |_: &[u8]| None;
    let at = |epoch| Slot {
        epoch: Epoch::new(epoch),
        ..example(3)
    };
    let own = Epoch::new(4);
    assert_eq!(inspect(&at(4), own, ours, not_in_log), Inspected::Own);
    assert_eq!(inspect(&at(5), own, ours, in_log), Inspected::Newer);
    let found = Inspected::InLog { last: lsn(7) };
    assert_eq!(inspect(&at(4), own, None, in_log), found);
    assert_eq!(inspect(&at(3), own, None, in_log), found);
    assert_eq!(inspect(&at(3), own, None, not_in_log), Inspected::Passed);
    assert_eq!(inspect(&at(4), own, None, not_in_log), Inspected::Newer);
    let seal = Slot {
        contents: SlotContents::Seal,
        ..at(4)
    };
    assert_eq!(inspect(&seal, own, None, in_log), Inspected::Passed);
}

fn position(lsn: u64) -> Position {
    let hash = ChainHash::from_bytes([lsn as u8; 32]);
    let lsn = Lsn::new(lsn).unwrap();
    Position { lsn, hash }
}

/// A batch of one record that links to the one before.
fn offered(epoch: u64, lsn: u64) -> Offered {
    Offered {
        epoch: Epoch::new(epoch),
        first_lsn: Lsn::new(lsn).unwrap(),
        previous: position(lsn - 1).hash,
        position: position(lsn),
    }
}

/// An epoch that began at `fork`, behind a batch of epoch `after`.
fn record(epoch: u64, fork: u64, after: u64) -> EpochRecord {
    EpochRecord {
        epoch: Epoch::new(epoch),
        holder: node("a"),
        forks: heads(fork),
        lossy: false,
        after: [(shard(), Epoch::new(after))].into(),
    }
}

/// Of a log that ends at lsn 7; epoch 4 began at 9, so that batches of epoch
/// 3 beyond are of no use.
fn drainer() -> Drainer {
    let head = position(7);
    let intake = Intake::new(Epoch::new(5), Some(Epoch::new(3)), Some(head), head.hash);
    let history = vec![record(3, 2, 1), record(4, 9, 3)];
    Drainer::new(
        slot(3),
        shard(),
        history,
        Epoch::new(5),
        intake,
        Some(head.lsn),
    )
}

#[test]
fn drain_takes_what_joins_and_leaves_what_it_has_or_what_was_given_up() {
    let mut drainer = drainer();
    assert_eq!(drainer.next(), DrainStep::Draw(slot(3)));
    assert_eq!(drainer.offer(offered(3, 7)), Offer::Leave, "here already");
    assert_eq!(drainer.offer(offered(3, 8)), Offer::Take);
    assert_eq!(drainer.offer(offered(3, 9)), Offer::Take);
    assert_eq!(drainer.offer(offered(3, 10)), Offer::Leave, "given up");
    drainer.drawn(Drawn::Batches);
    assert_eq!(drainer.next(), DrainStep::Draw(slot(4)));
    assert_eq!(drainer.offer(offered(4, 10)), Offer::Take);
    drainer.drawn(Drawn::Batches);
    drainer.drawn(Drawn::Seal);
    drainer.drawn(Drawn::Free);
    assert_eq!(drainer.next(), DrainStep::Seal(slot(6)));
    drainer.sealed(&applied());
    let done = DrainStep::Done {
        free: slot(7),
        complete: Completeness::All,
    };
    assert_eq!(drainer.next(), done);
}

#[test]
fn drain_seals_behind_whoever_was_faster() {
    let mut drainer = drainer();
    drainer.drawn(Drawn::Free);
    drainer.sealed(&WriteAnswer::Unknown);
    assert_eq!(drainer.next(), DrainStep::Seal(slot(3)), "the same slot");
    drainer.sealed(&WriteAnswer::Refused);
    assert_eq!(drainer.next(), DrainStep::Draw(slot(3)));
    assert_eq!(drainer.offer(offered(3, 8)), Offer::Take);
    drainer.drawn(Drawn::Batches);
    drainer.drawn(Drawn::Free);
    drainer.sealed(&WriteAnswer::Refused);
    drainer.drawn(Drawn::OwnSeal);
    let done = DrainStep::Done {
        free: slot(5),
        complete: Completeness::All,
    };
    assert_eq!(drainer.next(), done);
}

#[test]
fn what_is_missing_or_damaged_is_a_gap_that_is_sealed_all_the_same() {
    let spoil: [fn(&mut Drainer); 3] = [
        |drainer| {
            assert_eq!(drainer.offer(offered(3, 9)), Offer::Gap);
            drainer.drawn(Drawn::Batches);
        },
        |drainer| {
            drainer.offer_damaged();
            drainer.drawn(Drawn::Batches);
        },
        |drainer| drainer.drawn(Drawn::Unreadable),
    ];
    for spoil in spoil {
        let mut drainer = drainer();
        spoil(&mut drainer);
        drainer.drawn(Drawn::Free);
        drainer.sealed(&applied());
        let done = DrainStep::Done {
            free: slot(5),
            complete: Completeness::Gap,
        };
        assert_eq!(drainer.next(), done);
    }
}

/// Epochs 1, 3, 4 and 6 one after the other; 5 was given up whole.
fn branched() -> Vec<EpochRecord> {
    vec![
        record(3, 4, 1),
        record(4, 9, 3),
        record(5, 12, 4),
        record(6, 11, 4),
    ]
}

#[test]
fn batch_is_of_the_line_up_to_where_the_next_epoch_on_it_began() {
    let of_line = |epoch, last| is_of_line(&branched(), &shard(), Epoch::new(epoch), lsn(last));
    assert!(of_line(6, 99));
    assert!(of_line(4, 11) && !of_line(4, 12), "6 began at 11");
    assert!(of_line(3, 9) && !of_line(3, 10));
    assert!(!of_line(5, 13), "given up whole");
    assert!(of_line(1, 4) && !of_line(1, 5));
    assert!(!of_line(2, 3), "nobody went back on it");
    assert!(
        is_of_line(&branched()[1..], &shard(), Epoch::new(1), lsn(99)),
        "too old: the chain decides"
    );
}

#[test]
fn log_shares_with_the_line_what_its_epochs_went_back_on() {
    let shared = |epoch, head| {
        let head = position(head);
        shared_with_line(&branched(), &shard(), Epoch::new(epoch), head)
    };
    let upto = |lsn| Shared::Upto(Some(position(lsn)));
    assert_eq!(shared(6, 20), Shared::All);
    assert_eq!(shared(4, 11), Shared::All);
    assert_eq!(shared(4, 12), upto(11));
    assert_eq!(
        shared(5, 13),
        upto(11),
        "it went back on 12, the line on 11"
    );
    assert_eq!(shared(3, 30), upto(9));
    assert_eq!(shared(2, 3), Shared::Unknown);
    let mut shorter = branched();
    shorter[2] = record(5, 10, 4);
    let head = position(19);
    let found = shared_with_line(&shorter, &shard(), Epoch::new(5), head);
    assert_eq!(
        found,
        upto(10),
        "what it wrote at 11 is not what the line has there"
    );
    shorter[2].after.clear();
    let found = shared_with_line(&shorter, &shard(), Epoch::new(5), head);
    assert_eq!(found, Shared::Unknown);
    shorter[2].forks = heads(0);
    let found = shared_with_line(&shorter, &shard(), Epoch::new(5), head);
    assert_eq!(found, Shared::Upto(None));
}
