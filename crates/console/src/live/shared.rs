//! One answer for all who ask at once.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::Mutex as Turns;
use understudy_types::{BootTime, Clock};

/// An answer that costs something to fetch, and the moment when it was asked
/// for. Whoever comes while it is being fetched waits for that one; so there
/// is never more than one on its way.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    /// How much older than a question its answer may be.
    age_max: Duration,
    turn: Turns<()>,
    last: Mutex<Option<(BootTime, T)>>,
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new(age_max: Duration) -> Shared<T> {
        Shared {
            age_max,
            turn: Turns::default(),
            last: Mutex::default(),
        }
    }

    /// The last answer, however old.
    pub(crate) fn last(&self) -> Option<(BootTime, T)> {
        self.last.lock().clone()
    }

    /// An answer that is fresh enough, or what `fetch` gives. A caller who
    /// goes away leaves the fetching to the next one.
    pub(crate) async fn get(
        &self,
        clock: &dyn Clock,
        fetch: impl Future<Output = T>,
    ) -> (BootTime, T) {
        let came = clock.now();
        let is_fresh = |(asked, _): &(BootTime, T)| *asked + self.age_max >= came;
        let _turn = self.turn.lock().await;
        if let Some(last) = self.last().filter(is_fresh) {
            return last;
        }
        let asked = clock.now();
        let answer = (asked, fetch.await);
        *self.last.lock() = Some(answer.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use futures::future::join_all;
    use futures::poll;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    use tokio::sync::Semaphore;
    use understudy_types::{BootTime, Clock};

    const AGE_MAX: Duration = Duration::from_millis(500);

    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Hands {
        fn turn(&self, time: Duration) {
            self.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> BootTime {
            BootTime::from_nanos(self.0.load(Ordering::Relaxed))
        }

        fn wall_millis(&self) -> u64 {
            0
        }
    }

    /// Fetches the number of the fetch, when it is let go.
    struct Source {
        fetched: AtomicU64,
        gate: Semaphore,
    }

    impl Source {
        fn new() -> Source {
            Source {
                fetched: AtomicU64::new(0),
                gate: Semaphore::new(0),
            }
        }

        async fn fetch(&self) -> u64 {
            let number = self.fetched.fetch_add(1, Ordering::Relaxed) + 1;
            self.gate.acquire().await.unwrap().forget();
            number
        }
    }

    #[tokio::test]
    async fn all_who_come_at_once_get_one_answer() {
        let (shared, clock, source) = (Shared::new(AGE_MAX), Hands::default(), Source::new());
        let asks = (0..100).map(|_| shared.get(&clock, source.fetch()));
        let mut asks = pin!(join_all(asks));
        assert!(poll!(&mut asks).is_pending());
        source.gate.add_permits(100);
        let answers = asks.await;
        assert!(answers.iter().all(|(_, number)| *number == 1));
        assert_eq!(source.fetched.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn answer_is_never_older_than_allowed_when_it_is_asked_for() {
        let (shared, clock, source) = (Shared::new(AGE_MAX), Hands::default(), Source::new());
        source.gate.add_permits(100);
        let began = clock.now();
        assert_eq!(shared.get(&clock, source.fetch()).await, (began, 1));
        clock.turn(AGE_MAX);
        assert_eq!(shared.get(&clock, source.fetch()).await, (began, 1));
        clock.turn(Duration::from_nanos(1));
        assert_eq!(shared.get(&clock, source.fetch()).await, (clock.now(), 2));
    }

    #[tokio::test]
    async fn those_who_come_long_after_a_fetch_began_share_the_next_one() {
        let (shared, clock, source) = (Shared::new(AGE_MAX), Hands::default(), Source::new());
        let mut first = pin!(shared.get(&clock, source.fetch()));
        assert!(poll!(&mut first).is_pending());
        clock.turn(AGE_MAX * 4);
        let late = (0..100).map(|_| shared.get(&clock, source.fetch()));
        let mut late = pin!(join_all(late));
        assert!(poll!(&mut late).is_pending());
        source.gate.add_permits(100);
        assert_eq!(first.await.1, 1);
        assert!(late.await.iter().all(|(_, number)| *number == 2));
    }

    #[tokio::test]
    async fn whoever_goes_away_while_fetching_keeps_nobody_waiting() {
        let (shared, clock, source) = (Shared::new(AGE_MAX), Hands::default(), Source::new());
        {
            let mut gone = pin!(shared.get(&clock, source.fetch()));
            assert!(poll!(&mut gone).is_pending());
        }
        source.gate.add_permits(1);
        assert_eq!(shared.get(&clock, source.fetch()).await.1, 2);
        assert_eq!(shared.last().map(|(_, number)| number), Some(2));
    }
}
