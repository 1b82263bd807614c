use std::future::Future;
use understudy_node::status::{Receipt, Status};
use understudy_node::{Observer, Scrape};

/// What the console looks at.
pub trait Subject: Clone + Send + Sync + 'static {
    /// Everything that is known now; ages are computed by the call.
    fn status(&self) -> Status;

    /// All that the metrics show.
    fn scrape(&self) -> impl Future<Output = Scrape> + Send;

    /// Whether the lease is provably valid at this moment.
    fn is_primary_now(&self) -> bool;

    /// Whether every thread that the node lives by goes round.
    fn is_alive(&self) -> bool;

    /// Whether the node can do its part: serve as primary, or follow one.
    fn is_ready(&self) -> bool;

    /// What remains of the promotions that this node kept, the oldest epoch
    /// first. Blocks on the disk.
    fn receipts(&self) -> Result<Vec<Receipt>, String>;
}

impl Subject for Observer {
    fn status(&self) -> Status {
        Observer::status(self)
    }

    fn scrape(&self) -> impl Future<Output = Scrape> + Send {
        Observer::scrape(self)
    }

    fn is_primary_now(&self) -> bool {
        Observer::is_primary_now(self)
    }

    fn is_alive(&self) -> bool {
        Observer::is_alive(self)
    }

    fn is_ready(&self) -> bool {
        Observer::is_ready(self)
    }

    fn receipts(&self) -> Result<Vec<Receipt>, String> {
        Observer::receipts(self).map_err(|error| error.to_string())
    }
}
