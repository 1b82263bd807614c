use super::stamp::Stamp;
use super::tracker::Tracker;
use super::writer::Written;

fn written(attempts: u64, unacked: &[u64]) -> Written {
    Written {
        attempts,
        unacked: unacked.iter().copied().collect(),
        ..Default::default()
    }
}

#[test]
fn stamp_survives_its_value_and_short_values_are_none() {
    let stamp = Stamp {
        writer: 3,
        number: 1 << 40,
        sent_nanos: 77,
    };
    for size in [0, Stamp::LENGTH, 500] {
        let value = stamp.to_value(size);
        assert_eq!(value.len(), size.max(Stamp::LENGTH));
        assert_eq!(Stamp::from_value(&value), Some(stamp));
    }
    assert_eq!(Stamp::from_value(&[0; 19]), None);
}

#[test]
fn every_event_once_and_in_order_is_clean() {
    let mut tracker = Tracker::new(2);
    for number in 0..5 {
        assert!(tracker.note(0, number));
        assert!(tracker.note(1, number));
    }
    let written = [written(5, &[]), written(5, &[])];
    assert_eq!(
        (
            tracker.gaps(&written),
            tracker.duplicates,
            tracker.disordered
        ),
        (0, 0, 0)
    );
}

#[test]
fn acked_puts_that_never_came_are_gaps_and_failed_ones_are_not() {
    let mut tracker = Tracker::new(1);
    for number in [0, 1, 4] {
        tracker.note(0, number);
    }
    // 2 failed, 3 and 5 and 6 were acknowledged.
    assert_eq!(tracker.gaps(&[written(7, &[2])]), 3);
}

#[test]
fn repeated_and_late_events_are_told_apart() {
    let mut tracker = Tracker::new(1);
    assert!(tracker.note(0, 0));
    assert!(!tracker.note(0, 0));
    assert!(tracker.note(0, 2));
    assert!(tracker.note(0, 1));
    assert!(!tracker.note(0, 1));
    assert_eq!((tracker.duplicates, tracker.disordered), (2, 1));
    assert_eq!(tracker.gaps(&[written(3, &[])]), 0);
}

#[test]
fn event_of_a_writer_that_does_not_exist_is_not_counted() {
    assert!(!Tracker::new(1).note(9, 0));
}
