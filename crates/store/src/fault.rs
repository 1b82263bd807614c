use std::sync::Arc;
use tokio::sync::Semaphore;

/// What a [`MemoryStore`](crate::MemoryStore) does to one call, instead of
/// doing as it was asked.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is refused: nothing happens, and the caller knows it.
    Unreachable,
    /// The request is lost on its way: nothing happens, the caller cannot know.
    DropBefore,
    /// The request is applied and its answer is lost.
    LoseAnswer,
    /// The caller is told nothing; the request is applied, under its
    /// condition, when the gate opens.
    Zombie(Gate),
    /// 409: not applied.
    Conflict,
    /// 503: not applied, and the caller cannot know.
    Unavailable,
}

/// Holds a delayed request back until a test lets it land.
#[derive(Clone, Debug)]
pub struct Gate {
    opened: Arc<Semaphore>,
    landed: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        Gate {
            opened: Arc::new(Semaphore::new(0)),
            landed: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets the request land, and returns when it has been tried.
    pub async fn open(&self) {
        self.opened.add_permits(1);
        take_one(&self.landed).await;
    }

    pub(crate) async fn passed(&self) {
        take_one(&self.opened).await;
    }

    pub(crate) fn has_landed(&self) {
        self.landed.add_permits(1);
    }
}

async fn take_one(permits: &Semaphore) {
    let permit = permits.acquire().await;
    permit
        .expect("a gate's semaphores are never closed")
        .forget();
}
