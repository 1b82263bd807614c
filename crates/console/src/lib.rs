//! The console of one node: health for load balancers, metrics, and a page
//! for people, which is told about each second what it shows, and by which an
//! operator who has signed in acts.
//!
//! It never decides about a promotion: it hands the operator's request to the
//! [`Cluster`], the way of the commands, and shows what comes of it. It never
//! keeps a token, only digests. What it tells of now is computed when it is
//! told, so nothing can be frozen; what it remembers is the lag of the last
//! hours, in bounded memory. What is unknown is absent, never zero.
//!
//! Start with [`router`]; `live` feeds the page, whose files are in `page/`;
//! `access` says who may look and act, `acts` is what operators do; `metrics`
//! holds the one table of metric names, `health` the answers for load
//! balancers, [`runbook`] what to do about each id that is shown.

mod doorway;
mod server;

mod cluster;
mod console;
mod refusal;
mod subject;

mod live;
mod page;

pub mod runbook;
mod runbook_routes;

mod access;
mod access_routes;
mod acts;

mod health;
mod metrics;

pub use access::{Role, TokenError, Tokens};
pub use cluster::{
    Alone, Ask, Cluster, Ended, Judged, NodeAnswer, Outcome, Receipts, Step, Tell, Told,
};
pub use console::Console;
pub use metrics::{ALL as METRICS, Form, Kind, Metric, render as render_metrics};
pub use refusal::Refusal;
pub use server::{router, serve};
pub use subject::Subject;

#[cfg(test)]
mod tests;
