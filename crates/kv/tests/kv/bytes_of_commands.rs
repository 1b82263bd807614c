use crate::against_model::commands;
use crate::support::*;
use proptest::prelude::*;
use understudy_kv::*;
use understudy_state::StateMachine;

#[test]
fn a_put_has_the_bytes_that_logs_hold() {
    let request = PutRequest {
        lease: 3,
        prev_kv: true,
        ..put("key", "value")
    };
    let expected = b"\x01\x00\x03key\x05value\x06\x01\x00\x00";
    assert_eq!(Command::Put(request).encode(), expected);
}

#[test]
fn a_txn_has_the_bytes_that_logs_hold() {
    let nested = success(vec![Operation::DeleteRange(delete("b", "c"))]);
    let txn = Txn {
        compare: vec![compare(
            "k",
            CompareResult::Less,
            CompareTarget::ModRevision(1),
        )],
        success: vec![Operation::Txn(nested)],
        failure: vec![Operation::Range(range("r", ""))],
    };
    let expected = [
        // Format, txn, two of them; one comparison.
        &b"\x01\x02\x02\x01\x01k\x00\x02\x02\x02"[..],
        // Success: the txn at place 1. Failure: a range.
        b"\x01\x03\x01\x01\x00\x01r\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        // The nested one: no comparison, a deletion, no failure.
        b"\x00\x01\x02\x01b\x01c\x00\x00",
    ];
    assert_eq!(Command::Txn(txn).encode(), expected.concat());
}

#[test]
fn the_other_commands_have_the_bytes_that_logs_hold() {
    let cases = [
        (
            Command::DeleteRange(delete("a", "b")),
            &b"\x01\x01\x01a\x01b\x00"[..],
        ),
        (
            Command::Compact(CompactRequest { revision: 64 }),
            b"\x01\x03\x80\x01",
        ),
        (
            Command::LeaseGrant(LeaseGrantRequest {
                id: 1,
                ttl_seconds: 5,
            }),
            b"\x01\x04\x02\x0a",
        ),
        (
            Command::LeaseRevoke(LeaseRevokeRequest { id: 1 }),
            b"\x01\x05\x02",
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(command.encode(), expected);
        assert_eq!(Command::decode(expected), Ok(command));
    }
}

#[test]
fn bytes_that_are_no_command_are_told_apart() {
    let mut trailing = Command::Put(put("a", "b")).encode();
    trailing.push(0);
    let cases = [
        (&b""[..], MalformedCommand::Empty),
        (b"\x02\x00", MalformedCommand::UnknownFormat { found: 2 }),
        (b"\x01", MalformedCommand::Unreadable),
        (b"\x01\x09", MalformedCommand::Unreadable),
        (&trailing, MalformedCommand::Unreadable),
    ];
    for (bytes, error) in cases {
        assert_eq!(Command::decode(bytes), Err(error));
        assert_eq!(
            KvState::new().apply(CONTEXT, bytes),
            Err(KvError::MalformedCommand)
        );
    }
}

#[test]
fn a_list_of_txns_that_is_no_tree_is_unreadable() {
    let lists = [
        // No txn at all; one that holds itself; one that nobody holds.
        &b"\x01\x02\x00"[..],
        b"\x01\x02\x01\x00\x01\x03\x00\x00",
        b"\x01\x02\x02\x00\x00\x00\x00\x00\x00",
        // One that is held twice; one that is not in the list.
        b"\x01\x02\x02\x00\x02\x03\x01\x03\x01\x00\x00\x00\x00",
        b"\x01\x02\x01\x00\x01\x03\x05\x00",
    ];
    for bytes in lists {
        assert_eq!(
            Command::decode(bytes),
            Err(MalformedCommand::Unreadable),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_chain_of_txns_deeper_than_any_valid_one_is_unreadable() {
    let nest = |depth: usize| {
        (0..depth).fold(Txn::default(), |inner, _| {
            success(vec![Operation::Txn(inner)])
        })
    };
    let decoded = |depth| Command::decode(&Command::Txn(nest(depth)).encode());
    assert!(decoded(128).is_ok());
    assert_eq!(decoded(129), Err(MalformedCommand::Unreadable));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_read_back_as_they_were(commands in commands()) {
        for command in commands {
            prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
        }
    }

    #[test]
    fn arbitrary_bytes_panic_neither_decode_nor_apply(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0..7_u8,
    ) {
        let _ = KvState::new().apply(CONTEXT, &bytes);
        if let [format, variant, ..] = &mut bytes[..] {
            (*format, *variant) = (1, kind);
        }
        let mut state = KvState::new();
        let _ = state.apply(CONTEXT, &bytes);
        prop_assert_eq!(state.digest(), state.digest_from_scratch());
    }

    #[test]
    fn damaged_commands_panic_neither_decode_nor_apply(
        commands in commands(),
        place in any::<prop::sample::Index>(),
        damage in 1..=255_u8,
    ) {
        let mut state = KvState::new();
        for command in commands {
            let mut bytes = command.encode();
            let place = place.index(bytes.len());
            bytes[place] ^= damage;
            let _ = state.apply(CONTEXT, &bytes);
            prop_assert_eq!(state.digest(), state.digest_from_scratch());
        }
    }
}
