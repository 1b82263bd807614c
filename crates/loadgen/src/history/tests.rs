use super::{Act, Answer, History, Key, Operation, Outcome};
use std::time::Duration;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn put(called: u64, answered: u64) -> Operation {
    Operation {
        group: 0,
        act: Act::Put {
            key: Key::First,
            value: called,
        },
        called: at(called),
        outcome: Outcome::Answered {
            at: at(answered),
            answer: Answer::Replaced {
                revision: 2,
                before: None,
            },
        },
    }
}

#[test]
fn history_that_ends_earlier_does_not_know_what_was_answered_later() {
    let whole = History {
        operations: vec![put(1, 2), put(2, 4), put(4, 5)],
        ..History::default()
    };
    let cut = whole.until(at(3));
    assert_eq!(cut.operations.len(), 2);
    assert_eq!((cut.answered(), cut.unknown()), (1, 1));
    assert_eq!(cut.operations[1].called, at(2));
}
