use super::keys::{Deed, deed};
use super::screen::Size;
use super::view::View;
use crate::colour::Tone;
use crate::status::tests::{pair, standby_behind};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use std::time::Duration;
use understudy_types::BootTime;

const SIZE: Size = Size {
    columns: 120,
    rows: 40,
};
const NOW: BootTime = BootTime::from_nanos(1_000_000_000_000);

fn shown(view: &View, now: BootTime) -> String {
    let lines = view.lines(SIZE, now).into_iter().map(|(_, text)| text);
    lines.collect::<Vec<_>>().join("\n")
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Deed> {
    deed(Some(Event::Key(KeyEvent::new(code, modifiers))))
}

#[test]
fn screen_says_how_old_it_is() {
    let mut view = View::new();
    assert!(shown(&view, NOW).contains("nothing heard yet"));
    view.note(pair(), NOW);
    let screen = shown(&view, NOW + Duration::from_secs(75));
    assert!(screen.contains("as of 1 m 15 s ago"), "{screen}");
    assert!(
        screen.contains("STANDBY bravo   STREAMING from alpha"),
        "{screen}"
    );
}

#[test]
fn keys_choose_node_and_shard_and_pause() {
    let mut view = View::new();
    view.note(pair(), NOW);
    assert!(shown(&view, NOW).contains("▶ alpha / main"));
    view.obey(Deed::NextNode);
    assert!(shown(&view, NOW).contains("▶ bravo / main"));
    view.obey(Deed::NextNode);
    assert!(
        shown(&view, NOW).contains("▶ alpha / main"),
        "round and round"
    );
    view.obey(Deed::PreviousNode);
    view.obey(Deed::NextShard);
    assert!(
        shown(&view, NOW).contains("▶ bravo / main"),
        "there is one shard"
    );
    view.obey(Deed::Pause);
    assert!(view.is_paused() && shown(&view, NOW).contains("PAUSED"));
    let none = KeyModifiers::NONE;
    assert_eq!(key(KeyCode::Char('q'), none), Some(Deed::End));
    assert_eq!(
        key(KeyCode::Char('c'), KeyModifiers::CONTROL),
        Some(Deed::End)
    );
    assert_eq!(key(KeyCode::Char('c'), none), None);
    assert_eq!(key(KeyCode::Left, none), Some(Deed::PreviousNode));
    assert_eq!(deed(None), Some(Deed::End), "the terminal is gone");
}

#[test]
fn catching_up_says_its_rate_and_its_end() {
    let mut view = View::new();
    for (second, behind) in [(0, 4000), (1, 3000), (2, 2000)] {
        view.note(
            standby_behind(behind, true),
            NOW + Duration::from_secs(second),
        );
    }
    let screen = shown(&view, NOW);
    assert!(
        screen.contains("2 000 records left, 1 000 rec/s, about 2.00 s"),
        "{screen}"
    );
    assert!(screen.contains("behind      █▇▅"), "{screen}");
}

#[test]
fn unknown_lag_is_no_number_and_no_bar() {
    let mut view = View::new();
    view.note(standby_behind(7, false), NOW);
    let screen = shown(&view, NOW);
    assert!(screen.contains("catch-up    UNKNOWN"), "{screen}");
    assert!(screen.contains("behind      ?"), "{screen}");
    let bad = view
        .lines(SIZE, NOW)
        .iter()
        .any(|(tone, text)| *tone == Tone::Bad && text.contains("UNKNOWN"));
    assert!(bad);
}
