//! Records a second that one core decodes and applies.
//!
//! `cargo run --release -p understudy-kv --example apply_rate`

use bytes::Bytes;
use understudy_kv::{Command, CompactRequest, KvState, Operation, PutRequest, Txn};
use understudy_state::{CommandContext, StateMachine};
use understudy_types::{Epoch, Lsn};

const RECORDS: u64 = 1_000_000;
const VALUE_BYTES: usize = 100;
const CONTEXT: CommandContext = CommandContext {
    lsn: Lsn::FIRST,
    epoch: Epoch::new(1),
    wall_millis: 0,
};

fn main() {
    let new_keys = commands(|number| Command::Put(put(number)));
    let updates = commands(|number| Command::Put(put(scattered(number) % 1000)));
    let scattered_keys = commands(|number| Command::Put(put(scattered(number) % RECORDS)));
    let txns = commands(|number| Command::Txn(txn(number)));
    report("puts of new keys in order", &mut KvState::new(), &new_keys);
    report("puts over 1,000 keys", &mut KvState::new(), &updates);
    let mut state = KvState::new();
    report("puts of scattered keys", &mut state, &scattered_keys);
    report(
        "puts over a million keys, scattered",
        &mut state,
        &scattered_keys,
    );
    report("txns of two puts", &mut KvState::new(), &txns);
    let compact = Command::Compact(CompactRequest {
        revision: state.revision(),
    })
    .encode();
    let records = state.revision() as u64;
    report_one("compaction of that history", records, || {
        drop(state.apply(CONTEXT, &compact))
    });
}

fn report(what: &str, state: &mut KvState, commands: &[Vec<u8>]) {
    report_one(what, commands.len() as u64, || {
        for command in commands {
            state
                .apply(CONTEXT, command)
                .expect("the command makes sense");
        }
    });
}

#[allow(clippy::disallowed_methods, reason = "a measurement, not a lease")]
fn report_one(what: &str, records: u64, act: impl FnOnce()) {
    let start = std::time::Instant::now();
    act();
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:<40} {:>10.0} records/s", records as f64 / seconds);
}

fn commands(command: impl Fn(u64) -> Command) -> Vec<Vec<u8>> {
    (0..RECORDS)
        .map(|number| command(number).encode())
        .collect()
}

/// Numbers in no order, without chance.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn put(number: u64) -> PutRequest {
    let key = Bytes::from(format!("/registry/pods/default/{number:012}"));
    PutRequest {
        key,
        value: Bytes::from(vec![b'v'; VALUE_BYTES]),
        ..PutRequest::default()
    }
}

fn txn(number: u64) -> Txn {
    let puts = [number, RECORDS + number].map(|number| Operation::Put(put(number)));
    Txn {
        success: puts.to_vec(),
        ..Txn::default()
    }
}
