use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

const LOOK_EVERY: Duration = Duration::from_millis(30);

/// Looks again and again until `look` gives something. Panics, with what was
/// waited for, when the patience ends.
pub async fn until<T, Look>(what: &str, patience: Duration, mut look: impl FnMut() -> Look) -> T
where
    Look: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The future's outcome; a panic when it takes longer.
pub async fn within<T: Debug>(
    what: &str,
    patience: Duration,
    future: impl Future<Output = T>,
) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {patience:?}: {what}"),
    }
}
