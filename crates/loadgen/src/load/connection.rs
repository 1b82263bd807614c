use super::run::Run;
use super::slot::run_slot;
use super::tally::Tally;
use crate::call::{CallFailure, Connection};
use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use rand::{SeedableRng, rngs::SmallRng};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Keeps one connection and its share of calls in flight, in one task: the
/// answers that one read brings start the next calls, and one write sends them.
pub(super) async fn run_connection(run: Arc<Run>, index: u32) -> Tally {
    let tally = Mutex::new(Tally::default());
    let target = &run.plan.target;
    let mut endpoint = index as usize;
    let mut unreachable_since = None;
    while !run.is_over() && !has_lasted(&run, unreachable_since) {
        let opened = Connection::open(target.endpoint(endpoint), target.connect_timeout).await;
        // Where the connection goes after this one ends.
        endpoint += 1;
        match opened {
            Ok((connection, driver)) => {
                unreachable_since = None;
                let closed = AtomicBool::new(false);
                let calls = pin!(run_slots(&run, index, connection, &tally, &closed));
                // The driver ends first when the connection is lost; then the
                // calls learn it one by one, at their timeouts if need be.
                if let Either::Left((_, calls)) = select(pin!(driver), calls).await {
                    closed.store(true, Ordering::Relaxed);
                    calls.await;
                }
            }
            Err(failure) => {
                unreachable_since.get_or_insert(run.stopwatch.elapsed());
                count(&tally, failure);
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
        }
    }
    tally.into_inner()
}

/// A run of a number of calls would else wait for a server without end.
fn has_lasted(run: &Run, unreachable_since: Option<Duration>) -> bool {
    unreachable_since.is_some_and(|since| {
        run.stopwatch.elapsed().saturating_sub(since) > run.plan.target.call_timeout
    })
}

async fn run_slots(
    run: &Run,
    index: u32,
    connection: Connection,
    tally: &Mutex<Tally>,
    closed: &AtomicBool,
) {
    let slots: FuturesUnordered<_> = (0..run.slots_of(index))
        .map(|slot| {
            let stream = (u64::from(index) << 32) | u64::from(slot);
            let random = SmallRng::seed_from_u64(run.plan.seed ^ stream.rotate_left(17));
            run_slot(run, tally, connection.clone(), closed, random)
        })
        .collect();
    // Else the connection would stay open for this one.
    drop(connection);
    slots.collect::<()>().await;
}

fn count(tally: &Mutex<Tally>, failure: CallFailure) {
    tally.lock().record(&Err(failure), Duration::ZERO);
}
