//! What one group of two keys must answer, one operation after the other.

use std::marker::PhantomData;
use todc_utils::specifications::Specification;
use understudy_loadgen::{Act, Answer, Operation, Outcome, Pair, Seen};

/// When a key was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Change {
    At(i64),
    /// By an operation whose client was not told; somebody may be later.
    SomewhereAfter(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Content {
    value: u64,
    version: i64,
    change: Change,
}

/// Both keys, and the lowest revision that the next answer may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    revision: i64,
    keys: [Option<Content>; 2],
}

/// The specification that the checker asks.
#[derive(Debug)]
pub(super) struct TwoKeys<'a>(PhantomData<&'a ()>);

impl<'a> Specification for TwoKeys<'a> {
    type State = Group;
    type Operation = &'a Operation;

    fn init() -> Group {
        Group {
            revision: 0,
            keys: [None; 2],
        }
    }

    fn apply(operation: &&'a Operation, before: &Group) -> (bool, Group) {
        let mut group = before.clone();
        let holds = match &operation.outcome {
            Outcome::Answered { answer, .. } => group.gives(operation.act, answer).is_some(),
            Outcome::Unknown => {
                group.suffers(operation.act);
                true
            }
        };
        match holds {
            true => (true, group),
            false => (false, before.clone()),
        }
    }
}

impl Group {
    /// Does it, if that is what the client was told.
    fn gives(&mut self, act: Act, answer: &Answer) -> Option<()> {
        match (act, answer) {
            (Act::Read, Answer::Read { revision, found }) => {
                self.reaches(*revision)?;
                self.shows(found)
            }
            (Act::Put { key, value }, Answer::Replaced { revision, before }) => {
                let place = &mut self.keys[key.index()];
                shown(place, before)?;
                *place = Some(written(*place, value, Change::At(*revision)));
                self.passes(*revision)
            }
            (Act::Delete { key }, Answer::Replaced { revision, before }) => {
                let place = &mut self.keys[key.index()];
                shown(place, before)?;
                match place.take() {
                    Some(_) => self.passes(*revision),
                    None => self.reaches(*revision),
                }
            }
            (
                Act::Swap {
                    key,
                    revision: expected,
                    value,
                },
                answer,
            ) => match answer {
                Answer::Swapped { revision, before } => {
                    self.shows(before)?;
                    (self.changed(key.index()) == Some(expected)).then_some(())?;
                    self.write_both(value, Change::At(*revision));
                    self.passes(*revision)
                }
                Answer::NotSwapped { revision, found } => {
                    self.reaches(*revision)?;
                    self.shows(found)?;
                    (self.changed(key.index()) != Some(expected)).then_some(())
                }
                Answer::Read { .. } | Answer::Replaced { .. } => None,
            },
            _ => None,
        }
    }

    /// Does it without an answer. It has a revision of its own, above what
    /// was known.
    fn suffers(&mut self, act: Act) {
        let change = Change::SomewhereAfter(self.revision);
        match act {
            Act::Read => return,
            Act::Put { key, value } => {
                let place = &mut self.keys[key.index()];
                *place = Some(written(*place, value, change));
            }
            Act::Delete { key } => {
                if self.keys[key.index()].take().is_none() {
                    return;
                }
            }
            Act::Swap {
                key,
                revision: expected,
                value,
            } => {
                // Its client had been shown the revision that it expects, so
                // what nobody was shown yet is another one.
                if self.changed(key.index()) != Some(expected) {
                    return;
                }
                self.write_both(value, change);
            }
        }
        self.revision += 1;
    }

    fn write_both(&mut self, value: u64, change: Change) {
        for place in &mut self.keys {
            *place = Some(written(*place, value, change));
        }
    }

    /// The answer of what changes nothing.
    fn reaches(&mut self, revision: i64) -> Option<()> {
        (revision >= self.revision).then_some(())?;
        self.revision = revision;
        Some(())
    }

    /// The answer of what made a revision.
    fn passes(&mut self, revision: i64) -> Option<()> {
        (revision > self.revision).then_some(())?;
        self.revision = revision;
        Some(())
    }

    fn shows(&mut self, found: &Pair) -> Option<()> {
        for (place, seen) in self.keys.iter_mut().zip(found) {
            shown(place, seen)?;
        }
        Some(())
    }

    /// The revision of a key's last change, 0 for none, where it is known.
    fn changed(&self, index: usize) -> Option<i64> {
        match self.keys[index].map(|content| content.change) {
            None => Some(0),
            Some(Change::At(revision)) => Some(revision),
            Some(Change::SomewhereAfter(_)) => None,
        }
    }
}

/// Whether a client can have been shown this; then its change is known.
fn shown(place: &mut Option<Content>, seen: &Option<Seen>) -> Option<()> {
    match (place, seen) {
        (None, None) => Some(()),
        (Some(content), Some(seen)) => {
            let is_same = content.value == seen.value && content.version == seen.version;
            let can_be = match content.change {
                Change::At(revision) => seen.mod_revision == revision,
                Change::SomewhereAfter(revision) => seen.mod_revision > revision,
            };
            content.change = Change::At(seen.mod_revision);
            (is_same && can_be).then_some(())
        }
        _ => None,
    }
}

fn written(before: Option<Content>, value: u64, change: Change) -> Content {
    Content {
        value,
        version: before.map_or(0, |content| content.version) + 1,
        change,
    }
}
