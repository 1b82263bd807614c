use super::rig::member;
use crate::StandbyId;
use crate::shard::{CommitTracker, Requirement};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use understudy_types::Lsn;

fn peer(index: usize) -> StandbyId {
    member(["b", "c", "d"][index]).standby_id()
}

fn all_of(members: &[usize]) -> Requirement {
    Requirement::AllOf(members.iter().map(|index| peer(*index)).collect())
}

#[test]
fn tail_is_hidden_while_a_standby_that_may_be_promoted_may_lack_it() {
    let (flushed, known) = (Lsn::new(9), Lsn::new(5));
    let hidden = CommitTracker::new(all_of(&[0]), flushed, known);
    assert_eq!(hidden.committed(), known);
    for shown in [Requirement::Local, all_of(&[])] {
        assert_eq!(
            CommitTracker::new(shown, flushed, known).committed(),
            flushed
        );
    }
}

#[test]
fn nothing_new_is_committed_while_the_set_is_empty() {
    let mut tracker = CommitTracker::new(all_of(&[]), Lsn::new(3), None);
    tracker.flushed(Lsn::new(8).unwrap());
    tracker.peer_flushed(&peer(0), Lsn::new(8));
    assert_eq!(tracker.committed(), Lsn::new(3));
    tracker.require(all_of(&[0]));
    assert_eq!(tracker.committed(), Lsn::new(8));
}

#[derive(Clone, Debug)]
enum Act {
    Flush(u64),
    Report(usize, u64),
    Require(Vec<usize>),
    Local,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1..4_u64).prop_map(Act::Flush),
        (0..3_usize, 0..30_u64).prop_map(|(who, lsn)| Act::Report(who, lsn)),
        prop::collection::vec(0..3_usize, 0..3).prop_map(Act::Require),
        Just(Act::Local),
    ]
}

proptest! {
    /// Against a model that remembers everything: what is committed newly is
    /// flushed here and by everyone required then, and it never goes back.
    #[test]
    fn committed_is_what_everyone_required_has_flushed(acts in prop::collection::vec(act(), 1..40)) {
        let mut tracker = CommitTracker::new(all_of(&[0]), None, None);
        let mut required = Some(BTreeSet::from([0]));
        let mut reported: BTreeMap<usize, u64> = BTreeMap::new();
        let (mut flushed, mut committed) = (0, 0);
        for act in acts {
            match act {
                Act::Flush(more) => {
                    flushed += more;
                    tracker.flushed(Lsn::new(flushed).unwrap());
                }
                Act::Report(who, lsn) => {
                    let known = reported.entry(who).or_default();
                    *known = lsn.max(*known);
                    tracker.peer_flushed(&peer(who), Lsn::new(lsn));
                }
                Act::Require(members) => {
                    tracker.require(all_of(&members));
                    required = Some(members.into_iter().collect());
                }
                Act::Local => {
                    tracker.require(Requirement::Local);
                    required = None;
                }
            }
            let met = match &required {
                None => flushed,
                Some(members) => {
                    let least = members.iter().map(|who| reported.get(who).copied().unwrap_or(0)).min();
                    least.unwrap_or(0).min(flushed)
                }
            };
            committed = met.max(committed);
            prop_assert_eq!(tracker.committed(), Lsn::new(committed));
        }
    }
}
