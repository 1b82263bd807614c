//! What the comparison of states costs: the same puts applied without and
//! with a digest for each batch, then one digest and one entry's hash, which is
//! the digest's upkeep. Prints medians, and shares of one core at a full load.
//!
//! `cargo run --release -p understudy-kv --example digest_cost`

use bytes::Bytes;
use std::hint::black_box;
use understudy_kv::{Command, KvState, PutRequest};
use understudy_state::{CommandContext, StateMachine};
use understudy_types::{Epoch, Lsn};

const RECORDS: u64 = 500_000;
const KEYS: u64 = 100_000;
const VALUE_BYTES: usize = 256;
const ROUNDS: usize = 7;
/// What `benches/compare` reaches on two cores, rounded up.
const FULL_LOAD: f64 = 60_000.0;
const CONTEXT: CommandContext = CommandContext {
    lsn: Lsn::FIRST,
    epoch: Epoch::new(1),
    wall_millis: 0,
};

fn main() {
    let commands: Vec<_> = (0..RECORDS).map(|number| put(number % KEYS)).collect();
    for batch in [1, 16, 64] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        // In turns, so that both meet the same machine.
        for _ in 0..ROUNDS {
            without.push(apply(&commands, batch, |_| {}));
            with.push(apply(&commands, batch, |state| {
                black_box(state.digest());
            }));
        }
        let (without, with) = (median(without), median(with));
        println!(
            "batches of {batch:>2}: {without:>5.0} ns a record, with a digest each {with:>5.0} ns, ratio {:.3}",
            with / without,
        );
    }
    let mut state = KvState::new();
    let _ = state.apply(CONTEXT, &commands[0]);
    let digest = median(rounds(|| {
        black_box(black_box(&state).digest());
    }));
    let entry = vec![7_u8; 61 + VALUE_BYTES];
    let upkeep = median(rounds(|| {
        black_box(blake3::hash(black_box(&entry)));
    }));
    println!(
        "one digest {digest:.0} ns: {:.2} % of a core at {FULL_LOAD} records/s in batches of 64, {:.2} % in batches of 1",
        share(digest / 64.0),
        share(digest),
    );
    println!(
        "one entry's hash {upkeep:.0} ns, which applying a put contains: {:.2} % of a core",
        share(upkeep),
    );
}

/// Per cent of a core.
fn share(nanos_a_record: f64) -> f64 {
    nanos_a_record * FULL_LOAD / 1e9 * 100.0
}

fn rounds(act: impl Fn()) -> Vec<f64> {
    let round = || timed(|| (0..RECORDS).for_each(|_| act()));
    (0..ROUNDS).map(|_| round()).collect()
}

fn put(number: u64) -> Vec<u8> {
    let put = PutRequest {
        key: Bytes::from(format!("key/{number:016}")),
        value: Bytes::from(vec![b'v'; VALUE_BYTES]),
        ..PutRequest::default()
    };
    Command::Put(put).encode()
}

fn apply(commands: &[Vec<u8>], batch: usize, after: impl Fn(&KvState)) -> f64 {
    let mut state = KvState::new();
    timed(|| {
        for commands in commands.chunks(batch) {
            for command in commands {
                let _ = black_box(state.apply(CONTEXT, command));
            }
            after(&state);
        }
    })
}

fn median(mut found: Vec<f64>) -> f64 {
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

/// Nanoseconds for each of the records.
#[allow(clippy::disallowed_methods, reason = "a measurement, not a lease")]
fn timed(act: impl FnOnce()) -> f64 {
    let start = std::time::Instant::now();
    act();
    start.elapsed().as_secs_f64() / RECORDS as f64 * 1e9
}
