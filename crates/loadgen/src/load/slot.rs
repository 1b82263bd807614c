use super::run::Run;
use super::tally::{Found, Tally};
use crate::call::{CallFailure, Connection, Method, frame};
use bytes::Bytes;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_wire::etcd::etcdserverpb as pb;

/// One call at a time until the run is over or the connection is gone: a call
/// on one that nothing drives any more could only run into its timeout.
pub(super) async fn run_slot(
    run: &Run,
    tally: &Mutex<Tally>,
    mut connection: Connection,
    closed: &AtomicBool,
    mut random: SmallRng,
) {
    let work = &run.plan.work;
    let within = run.plan.target.call_timeout;
    let mut started = run.stopwatch.elapsed();
    while let Some(turn) = run.next_turn(started) {
        let request = work
            .template
            .with_key(|key| work.keys.write_turn(turn, &mut random, key));
        let result = connection
            .call(work.method, request, within)
            .await
            .and_then(|body| found(work.method, body));
        let ended = run.stopwatch.elapsed();
        if started >= run.plan.warm_up {
            tally.lock().record(&result, ended.saturating_sub(started));
        }
        let is_over = result.is_err_and(|failure| failure.ends_connection());
        if is_over || closed.load(Ordering::Relaxed) {
            return;
        }
        started = ended;
    }
}

fn found(method: Method, body: Bytes) -> Result<Found, CallFailure> {
    match method {
        Method::Put | Method::DeleteRange | Method::Txn => Ok(Found::Key),
        Method::Range => {
            let answer: pb::RangeResponse = frame::decode(body)?;
            Ok(if answer.kvs.is_empty() {
                Found::Nothing
            } else {
                Found::Key
            })
        }
    }
}
