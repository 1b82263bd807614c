use crate::support::*;
use understudy_kv::*;
use understudy_state::StateMachine;

fn request(from_revision: i64, keys: KeyRange, max_bytes: usize) -> EventsRequest {
    EventsRequest {
        from_revision,
        keys,
        previous: PreviousVersion::Omit,
        max_bytes,
    }
}

/// All revisions of all pages from a revision on.
fn read_all(state: &KvState, mut request: EventsRequest) -> Vec<RevisionEvents> {
    let mut all = Vec::new();
    while request.from_revision <= state.revision() {
        let page = state.events(&request).unwrap();
        assert!(page.next_revision > request.from_revision);
        all.extend(page.revisions);
        request.from_revision = page.next_revision;
    }
    all
}

#[test]
fn a_watch_from_the_past_replays_history_with_what_was_replaced() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    do_put(&mut state, "a", "2");
    do_delete(&mut state, "a");
    let page = events_from(&state, 1).unwrap();
    assert_eq!(told(&page), "+a=1@2 +a=2@3(1) -a@4(2)");
    assert_eq!(page.next_revision, 5);
    let deletion = &page.revisions[2].events[0].kv;
    assert_eq!(
        (
            deletion.create_revision,
            deletion.version,
            deletion.mod_revision
        ),
        (0, 0, 4)
    );
    assert_eq!(told(&events_from(&state, 3).unwrap()), "+a=2@3(1) -a@4(2)");
}

#[test]
fn a_watch_from_the_future_waits() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    for from in [3, 100] {
        let page = events_from(&state, from).unwrap();
        assert_eq!(
            page,
            EventsPage {
                revisions: vec![],
                next_revision: from
            }
        );
    }
}

#[test]
fn previous_versions_come_only_when_asked() {
    let mut state = KvState::new();
    do_put(&mut state, "a", "1");
    do_put(&mut state, "a", "2");
    let page = state
        .events(&request(1, KeyRange::all(), usize::MAX))
        .unwrap();
    assert_eq!(told(&page), "+a=1@2 +a=2@3");
}

#[test]
fn only_events_of_the_range_are_told() {
    let mut state = KvState::new();
    for key in ["a", "b", "ba", "c"] {
        do_put(&mut state, key, "1");
    }
    let cases = [
        (("b", ""), "+b=1@3"),
        (("b", "c"), "+b=1@3 +ba=1@4"),
        (("b", "\0"), "+b=1@3 +ba=1@4 +c=1@5"),
        (("", "\0"), "+a=1@2 +b=1@3 +ba=1@4 +c=1@5"),
        (("c", "b"), ""),
    ];
    for ((key, end), expected) in cases {
        let range = KeyRange::new(bytes(key), bytes(end));
        let page = state.events(&request(1, range, usize::MAX)).unwrap();
        assert_eq!((told(&page).as_str(), page.next_revision), (expected, 6));
    }
    assert!(KeyRange::new(bytes("c"), bytes("b")).is_empty());
}

#[test]
fn a_page_ends_between_revisions_and_always_has_one() {
    let mut state = KvState::new();
    let puts = ["a", "b", "c"].map(|key| Operation::Put(put(key, "12345678")));
    do_txn(&mut state, success(puts.to_vec())).unwrap();
    do_put(&mut state, "d", "1");
    do_put(&mut state, "e", "1");
    for max_bytes in [0, 1, 26] {
        let page = state
            .events(&request(1, KeyRange::all(), max_bytes))
            .unwrap();
        assert_eq!((page.revisions.len(), page.next_revision), (1, 3));
        assert_eq!(page.revisions[0].events.len(), 3);
    }
    let page = state.events(&request(1, KeyRange::all(), 28)).unwrap();
    assert_eq!((page.revisions.len(), page.next_revision), (2, 4));
    assert_eq!(read_all(&state, request(1, KeyRange::all(), 0)).len(), 3);
}

/// 70,000 puts over 7,000 keys, with one rare key every 10,000.
fn long_history() -> KvState {
    let mut state = KvState::new();
    for number in 0..70_000 {
        let key = if number % 10_000 == 0 {
            "rare".to_owned()
        } else {
            format!("key{}", number % 7_000)
        };
        state
            .apply(
                CONTEXT,
                &Command::Put(put(&key, &number.to_string())).encode(),
            )
            .unwrap();
    }
    state
}

#[test]
fn few_keys_of_a_long_history_are_told_exactly_and_in_order() {
    let state = long_history();
    let rare = KeyRange::new(bytes("rare"), bytes(""));
    for from in [1, 2, 3, 20_002, 20_003, 60_002, 60_003] {
        let told = read_all(&state, request(from, rare.clone(), usize::MAX));
        let revisions: Vec<i64> = told.iter().map(|told| told.revision).collect();
        let expected = (0..7)
            .map(|time| time * 10_000 + 2)
            .filter(|revision| *revision >= from);
        assert_eq!(revisions, expected.collect::<Vec<_>>());
    }
    let one_page = state.events(&request(1, rare, usize::MAX)).unwrap();
    assert_eq!(
        (one_page.revisions.len(), one_page.next_revision),
        (7, 70_002)
    );
}

#[test]
fn some_keys_of_a_long_history_are_told_alike_whether_walked_or_looked_up() {
    let state = long_history();
    let all = read_all(&state, request(1, KeyRange::all(), 100_000));
    let some = KeyRange::new(bytes("key12"), bytes("key2"));
    let looked_up = read_all(&state, request(1, some.clone(), 1_000));
    let walked: Vec<_> = all
        .into_iter()
        .filter(|told| some.contains(&told.events[0].kv.key))
        .collect();
    assert_eq!(looked_up, walked);
}

#[test]
fn a_walk_that_finds_nothing_ends_and_says_where_to_go_on() {
    let state = long_history();
    let many_but_the_rare = KeyRange::new(bytes("key"), bytes("kez"));
    let page = state
        .events(&request(2, many_but_the_rare, usize::MAX))
        .unwrap();
    assert_eq!(page.next_revision, 2 + 64 * 1024);
}
