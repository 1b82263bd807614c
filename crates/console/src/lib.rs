//! The console of one node: health for load balancers, metrics, the status
//! as JSON, and a page for people.
//!
//! It never changes anything: no route writes, promotes or configures. It
//! never keeps a value: everything is computed when it is asked for, so
//! nothing can be frozen. What is unknown is absent, never zero.
//!
//! Start with [`router`]; `metrics` holds the one table of metric names,
//! `health` the answers for load balancers.

mod health;
mod metrics;
mod page;
mod server;
mod subject;

pub use metrics::{ALL as METRICS, Kind, Metric, render as render_metrics};
pub use server::{router, serve};
pub use subject::Subject;

#[cfg(test)]
mod tests;
