//! Two sorted sequences of keys, side by side.

use serde::Serialize;
use std::cmp::Ordering;
use understudy_wire::etcd::mvccpb::KeyValue;

/// Bytes of a key or a value that are shown.
const SHOWN_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Kind {
    OnlyLeft,
    OnlyRight,
    Differ { fields: Vec<Field> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) left: String,
    pub(super) right: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) equal: u64,
    pub(super) differ: u64,
    pub(super) only_left: u64,
    pub(super) only_right: u64,
}

/// Which of the two heads were dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Left,
    Right,
    Both,
}

impl Step {
    pub(super) fn takes_left(self) -> bool {
        self != Step::Right
    }

    pub(super) fn takes_right(self) -> bool {
        self != Step::Left
    }
}

/// What was found so far. All differences are counted, the first are kept.
#[derive(Debug)]
pub(super) struct Comparison {
    kept_max: usize,
    pub(super) first: Vec<Difference>,
    pub(super) counts: Counts,
}

impl Comparison {
    pub(super) fn new(kept_max: usize) -> Self {
        Comparison {
            kept_max,
            first: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn differing(&self) -> u64 {
        self.counts.differ + self.counts.only_left + self.counts.only_right
    }

    /// Compares the two heads; `None` when both sides are at their end.
    pub(super) fn step(
        &mut self,
        left: Option<&KeyValue>,
        right: Option<&KeyValue>,
    ) -> Option<Step> {
        let order = match (left, right) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.key.cmp(&right.key),
        };
        match (order, left, right) {
            (Ordering::Less, Some(left), _) => {
                self.counts.only_left += 1;
                self.keep(left, Kind::OnlyLeft);
                Some(Step::Left)
            }
            (Ordering::Greater, _, Some(right)) => {
                self.counts.only_right += 1;
                self.keep(right, Kind::OnlyRight);
                Some(Step::Right)
            }
            (_, left, right) => {
                self.compare(left?, right?);
                Some(Step::Both)
            }
        }
    }

    fn compare(&mut self, left: &KeyValue, right: &KeyValue) {
        if left == right {
            self.counts.equal += 1;
            return;
        }
        self.counts.differ += 1;
        let fields = fields(left, right);
        self.keep(left, Kind::Differ { fields });
    }

    fn keep(&mut self, pair: &KeyValue, kind: Kind) {
        if self.first.len() < self.kept_max {
            let key = readable(&pair.key);
            self.first.push(Difference { key, kind });
        }
    }
}

fn fields(left: &KeyValue, right: &KeyValue) -> Vec<Field> {
    let number = |name, of: fn(&KeyValue) -> i64| Field {
        name,
        left: of(left).to_string(),
        right: of(right).to_string(),
    };
    let mut fields = vec![
        number("create_revision", |pair| pair.create_revision),
        number("mod_revision", |pair| pair.mod_revision),
        number("version", |pair| pair.version),
        number("lease", |pair| pair.lease),
    ];
    fields.retain(|field| field.left != field.right);
    if left.value != right.value {
        fields.push(Field {
            name: "value",
            left: readable(&left.value),
            right: readable(&right.value),
        });
    }
    fields
}

/// Text as text, other bytes escaped, and no more than a line's worth.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN_MAX)];
    let text = format!("\"{}\"", shown.escape_ascii());
    match bytes.len() - shown.len() {
        0 => text,
        hidden => format!("{text} and {hidden} bytes more"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Counts, Kind};
    use understudy_wire::etcd::mvccpb::KeyValue;

    fn pair(key: &'static str, value: &'static str) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: value.into(),
            create_revision: 2,
            mod_revision: 3,
            version: 2,
            lease: 0,
        }
    }

    fn compare(left: &[KeyValue], right: &[KeyValue], kept_max: usize) -> Comparison {
        let mut comparison = Comparison::new(kept_max);
        let (mut l, mut r) = (0, 0);
        while let Some(step) = comparison.step(left.get(l), right.get(r)) {
            l += usize::from(step.takes_left());
            r += usize::from(step.takes_right());
        }
        comparison
    }

    fn found(comparison: &Comparison) -> Vec<(&str, &'static str)> {
        let word = |kind: &Kind| match kind {
            Kind::OnlyLeft => "left",
            Kind::OnlyRight => "right",
            Kind::Differ { fields } => fields[0].name,
        };
        let first = comparison.first.iter();
        first.map(|d| (d.key.as_str(), word(&d.kind))).collect()
    }

    #[test]
    fn keys_of_one_side_are_found_wherever_they_stand() {
        let both = [pair("b", ""), pair("d", "")];
        let more = ["a", "b", "c", "d", "e"].map(|key| pair(key, ""));
        let comparison = compare(&both, &more, 20);
        let expected = [("\"a\"", "right"), ("\"c\"", "right"), ("\"e\"", "right")];
        assert_eq!(found(&comparison), expected);
        assert_eq!((comparison.counts.equal, comparison.differing()), (2, 3));
        let comparison = compare(&more, &both, 20);
        assert_eq!(comparison.counts.only_left, 3);
        assert_eq!(compare(&[], &[], 20).counts, Counts::default());
    }

    #[test]
    fn every_field_counts() {
        type Change = fn(&mut KeyValue);
        let cases: [(&str, Change); 5] = [
            ("value", |pair| pair.value = "x".into()),
            ("create_revision", |pair| pair.create_revision = 9),
            ("mod_revision", |pair| pair.mod_revision = 9),
            ("version", |pair| pair.version = 9),
            ("lease", |pair| pair.lease = 9),
        ];
        for (name, change) in cases {
            let mut other = pair("k", "v");
            change(&mut other);
            let comparison = compare(&[pair("k", "v")], &[other], 20);
            assert_eq!(found(&comparison), [("\"k\"", name)]);
            assert_eq!(comparison.counts.differ, 1);
        }
    }

    #[test]
    fn all_are_counted_and_the_first_are_kept() {
        let left = ["a", "b", "c"].map(|key| pair(key, "1"));
        let right = ["a", "b", "c"].map(|key| pair(key, "2"));
        let comparison = compare(&left, &right, 2);
        assert_eq!((comparison.first.len(), comparison.differing()), (2, 3));
        assert_eq!(comparison.first[1].key, "\"b\"");
    }

    #[test]
    fn bytes_that_are_no_text_and_long_ones_stay_on_one_line() {
        assert_eq!(super::readable(b"a\n\xff"), "\"a\\n\\xff\"");
        let long = super::readable(&[b'x'; 70]);
        assert!(long.ends_with("x\" and 6 bytes more"), "{long}");
    }
}
