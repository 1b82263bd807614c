//! A standby whose state differs from the primary's: found, refused, made
//! anew.

mod support;

#[path = "../examples/order_book/book.rs"]
mod book;

use book::{OrderBook, Outcome};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Pair;
use understudy_node::status::{StateStatus, Verdict, VerdictCheck};
use understudy_protocol::{AcceptLoss, AckPolicy, Mode, RequestId};
use understudy_state::{CommandContext, EpochStart, StateDigest, StateMachine};
use understudy_wire::v1::{RebuildStateRequest, WatchActivationRequest};

/// The command at which one book in the test goes wrong.
const FLIPS: &[u8] = b"C 77";

/// An order book in memory that may be damaged.
struct Book {
    book: OrderBook,
    memory: Memory,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    Sound,
    /// A bit flips when [`FLIPS`] is applied.
    Weak,
    Flipped,
}

impl Book {
    fn new(memory: Memory) -> Self {
        let book = OrderBook::default();
        Book { book, memory }
    }
}

impl StateMachine for Book {
    type Response = Outcome;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Outcome {
        if command == FLIPS && self.memory == Memory::Weak {
            self.memory = Memory::Flipped;
        }
        self.book.apply(context, command)
    }

    fn begin_epoch(&mut self, start: EpochStart) {
        self.book.begin_epoch(start);
    }

    fn digest(&self) -> StateDigest {
        let mut digest = self.book.digest();
        if self.memory == Memory::Flipped {
            digest.0[0] ^= 1;
        }
        digest
    }

    fn memory_bytes(&self) -> u64 {
        self.book.memory_bytes()
    }
}

/// A pair in which the first book that bravo makes has weak memory; what it
/// makes anew is sound.
async fn pair() -> Pair<Book> {
    let made = AtomicUsize::new(0);
    Pair::start(AckPolicy::Replicated, move |_| {
        Book::new(match made.fetch_add(1, Ordering::SeqCst) {
            1 => Memory::Weak,
            _ => Memory::Sound,
        })
    })
    .await
}

async fn order(pair: &Pair<Book>, order: &'static [u8]) -> u64 {
    let applied = pair.handle("alpha").propose(order.into()).await;
    applied.expect("alpha serves").lsn.get()
}

/// `None` while bravo does not follow.
fn compared(pair: &Pair<Book>) -> Option<StateStatus> {
    let shards = pair.observer("bravo").status().shards;
    let shard = shards.into_values().next().expect("one shard");
    shard.state
}

fn state(pair: &Pair<Book>) -> StateStatus {
    compared(pair).expect("bravo follows")
}

fn state_check(verdict: Verdict) -> VerdictCheck {
    let mut checks = verdict.checks.into_iter();
    checks.find(|check| check.id == "P06").expect("P06 is made")
}

async fn until_equal(pair: &Pair<Book>, lsn: u64) {
    pair.until("both states are compared and equal", |pair| {
        compared(pair).is_some_and(|state| state.outcome == "equal" && state.lsn >= Some(lsn))
    })
    .await;
}

/// The code of the refusal that `node` gives to a request.
async fn refusal(pair: &Pair<Book>, node: &str, id: RequestId) -> String {
    let request = WatchActivationRequest { id: id.to_string() };
    let mut admin = pair.admin(node).await;
    let mut steps = admin.watch_activation(request).await.unwrap().into_inner();
    let step = steps.message().await.unwrap().expect("one step");
    assert_eq!(step.step, "refused", "{}", step.detail);
    let code = step.detail.split([' ', ':']).nth(1);
    code.expect("a refusal has a code").to_owned()
}

async fn diverged_pair() -> (Pair<Book>, u64) {
    let pair = pair().await;
    let before = order(&pair, b"B 1 100 5").await;
    until_equal(&pair, before).await;
    let flipped = order(&pair, FLIPS).await;
    pair.until("the difference is found", |pair| {
        state(pair).outcome == "diverged"
    })
    .await;
    (pair, flipped)
}

#[tokio::test(flavor = "multi_thread")]
async fn state_that_differs_is_an_alarm_and_is_not_promoted() {
    let (pair, flipped) = diverged_pair().await;
    let found = state(&pair);
    assert!(
        found.lsn >= Some(flipped) && found.mismatches > 0,
        "{found:?}"
    );
    assert_ne!(found.digest, found.primary_digest);
    for mode in [Mode::Switchover, Mode::Failover] {
        let verdict = pair.observer("bravo").verdict(mode, None).await;
        let check = state_check(verdict);
        assert_eq!(check.outcome, "refused", "{}", check.fact);
    }
    let failover = pair.request(Mode::Failover, "bravo", AcceptLoss::Unknown);
    let failover = failover.await;
    assert_eq!(refusal(&pair, "bravo", failover).await, "E312");
    pair.until("alpha knows of it", |pair| {
        let standbys = pair.observer("alpha").status().standbys;
        standbys.iter().any(|standby| standby.state_diverged)
    })
    .await;
    let switchover = pair.request(Mode::Switchover, "bravo", AcceptLoss::Nothing);
    let switchover = switchover.await;
    assert_eq!(refusal(&pair, "alpha", switchover).await, "E208");
    assert!(pair.observer("alpha").is_primary_now());
    assert_eq!(pair.lease().await.epoch.get(), 1);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_made_anew_is_equal_again_and_may_be_promoted() {
    let (pair, flipped) = diverged_pair().await;
    let on_primary = RebuildStateRequest::default();
    let refused = pair.admin("alpha").await.rebuild_state(on_primary).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::FailedPrecondition);
    let request = RebuildStateRequest::default();
    let rebuilt = pair.admin("bravo").await.rebuild_state(request).await;
    let rebuilt = rebuilt.expect("bravo is a standby").into_inner().shards;
    assert_eq!(rebuilt.len(), 1);
    assert!(rebuilt[0].applied >= flipped, "{rebuilt:?}");
    until_equal(&pair, flipped).await;
    let verdict = pair.observer("bravo").verdict(Mode::Switchover, None).await;
    assert_eq!(state_check(verdict).outcome, "ok");
    let after = order(&pair, b"B 2 100 5").await;
    until_equal(&pair, after).await;
    pair.switchover("bravo").await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_states_stay_equal_over_switchovers() {
    let pair = Pair::start(AckPolicy::Replicated, |_| Book::new(Memory::Sound)).await;
    let lsn = order(&pair, FLIPS).await;
    until_equal(&pair, lsn).await;
    pair.switchover("bravo").await;
    pair.switchover("alpha").await;
    let lsn = order(&pair, b"B 1 100 5").await;
    until_equal(&pair, lsn).await;
    assert_eq!(state(&pair).mismatches, 0);
    pair.end().await;
}
