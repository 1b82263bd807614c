//! What the comparison of states costs: the same puts applied without and
//! with a digest for each batch, and what of applying is the upkeep of the
//! digest. Prints medians, and the share of one core at a full load.
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
    let hashed: Vec<_> = (0..RECORDS).map(|_| vec![7_u8; 20 + VALUE_BYTES]).collect();
    for batch in [1, 16, 64] {
        let without = median(|| apply(&commands, batch, |_| {}));
        let with = median(|| {
            apply(&commands, batch, |state| {
                black_box(state.digest());
            })
        });
        let share = (with - without).max(0.0) / RECORDS as f64 * FULL_LOAD;
        println!(
            "batches of {batch:>3}: {:>5.0} ns a record, with digests {:>5.0} ns, ratio {:.3}; the digests are {:.2} % of a core at {FULL_LOAD} records/s",
            nanos(without),
            nanos(with),
            with / without,
            share * 100.0,
        );
    }
    let upkeep = median(|| {
        timed(|| {
            for entry in &hashed {
                black_box(blake3::hash(entry));
            }
        })
    });
    println!(
        "upkeep         : {:>5.0} ns a record for its entry's hash, which applying contains; {:.2} % of a core at {FULL_LOAD} records/s",
        nanos(upkeep),
        upkeep / RECORDS as f64 * FULL_LOAD * 100.0,
    );
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

fn nanos(seconds: f64) -> f64 {
    seconds / RECORDS as f64 * 1e9
}

fn median(measure: impl Fn() -> f64) -> f64 {
    let mut found: Vec<_> = (0..ROUNDS).map(|_| measure()).collect();
    found.sort_by(f64::total_cmp);
    found[ROUNDS / 2]
}

#[allow(clippy::disallowed_methods, reason = "a measurement, not a lease")]
fn timed(act: impl FnOnce()) -> f64 {
    let start = std::time::Instant::now();
    act();
    start.elapsed().as_secs_f64()
}
