//! Bytes of memory for a key and for a record of history, as the allocator
//! counts them, beside what the state says of itself.
//!
//! `cargo run --release -p understudy-kv --example memory`

use bytes::Bytes;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use understudy_kv::{Command, CompactRequest, KvState, PutRequest};
use understudy_state::{CommandContext, StateMachine};
use understudy_types::{Epoch, Lsn};

const KEYS: u64 = 500_000;
const KEY_BYTES: usize = 35;
const VALUE_BYTES: usize = 100;
const CONTEXT: CommandContext = CommandContext {
    lsn: Lsn::FIRST,
    epoch: Epoch::new(1),
    wall_millis: 0,
};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!("keys of {KEY_BYTES} bytes, values of {VALUE_BYTES} bytes");
    let before = HELD.load(Ordering::Relaxed);
    let mut state = KvState::new();
    put_all(&mut state);
    let first = report("a key with its one record", &state, before, KEYS);
    put_all(&mut state);
    let second = HELD.load(Ordering::Relaxed) - before;
    println!(
        "{:<32} {:>6} bytes",
        "each further record",
        (second - first) / KEYS as usize
    );
    let compact = Command::Compact(CompactRequest {
        revision: state.revision(),
    });
    state
        .apply(CONTEXT, &compact.encode())
        .expect("the revision can be compacted");
    report("a key without history", &state, before, KEYS);
}

fn report(what: &str, state: &KvState, before: usize, count: u64) -> usize {
    let held = HELD.load(Ordering::Relaxed) - before;
    let said = state.memory_bytes() / count;
    println!(
        "{what:<32} {:>6} bytes, memory_bytes() says {said}",
        held / count as usize
    );
    held
}

fn put_all(state: &mut KvState) {
    for number in 0..KEYS {
        let key = Bytes::from(format!("/registry/pods/default/{number:012}"));
        let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
        let command = Command::Put(PutRequest {
            key,
            value,
            ..PutRequest::default()
        });
        state
            .apply(CONTEXT, &command.encode())
            .expect("the put makes sense");
    }
}
