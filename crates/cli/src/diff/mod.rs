//! `understudy diff`: the first keys that differ between two endpoints.

mod compare;
mod pages;

use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::progress::Progress;
use anyhow::bail;
use clap::Args;
pub(crate) use compare::readable;
use compare::{Comparison, Difference, Kind};
use pages::Pages;
use serde_json::json;
use understudy_loadgen::Endpoint;

/// Compares all keys of two etcd endpoints at one revision, the smaller of
/// their two: key, value, lease, version, create and mod revision. Reads from
/// each endpoint's own memory, in pages; nothing is changed.
///
/// Exit code 0: no key differs; 30: some do; 1: an endpoint did not answer,
/// or the revision is compacted.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The client addresses of the two.
    #[arg(
        long,
        value_name = "HOST:PORT,HOST:PORT",
        value_delimiter = ',',
        num_args = 1,
        default_value = "127.0.0.1:2379,127.0.0.1:2479"
    )]
    endpoints: Vec<Endpoint>,
    /// Differences to print; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn diff(args: DiffArgs) -> anyhow::Result<Exit> {
    let [left, right] = args.endpoints.as_slice() else {
        bail!("give two client addresses: --endpoints HOST:PORT,HOST:PORT");
    };
    let (mut left_pages, mut right_pages) = (Pages::open(left).await?, Pages::open(right).await?);
    let revision = left_pages.newest().min(right_pages.newest());
    left_pages.read_at(revision);
    right_pages.read_at(revision);
    let mut comparison = Comparison::new(args.limit);
    let keys = left_pages.keys().max(right_pages.keys());
    let progress = Progress::of_count("comparing keys", keys);
    loop {
        let (left, right) = tokio::try_join!(left_pages.head(), right_pages.head())?;
        let Some(step) = comparison.step(left, right) else {
            break;
        };
        progress.add(1);
        if step.takes_left() {
            left_pages.take();
        }
        if step.takes_right() {
            right_pages.take();
        }
    }
    drop(progress);
    match args.output {
        OutputFormat::Json => print_json(&report(&comparison, left, right, revision))?,
        OutputFormat::Text => print(&describe(&comparison, left, right, revision)),
    }
    Ok(if comparison.differing() == 0 {
        Exit::Done
    } else {
        Exit::Damaged
    })
}

fn report(
    comparison: &Comparison,
    left: &Endpoint,
    right: &Endpoint,
    revision: i64,
) -> serde_json::Value {
    let counts = &comparison.counts;
    json!({
        "left": left, "right": right, "revision": revision,
        "equal": counts.equal, "differ": counts.differ,
        "only_left": counts.only_left, "only_right": counts.only_right,
        "first": comparison.first,
    })
}

fn describe(comparison: &Comparison, left: &Endpoint, right: &Endpoint, revision: i64) -> String {
    let mut out = format!(
        "{left} and {right} at revision {}\n",
        grouped(revision.unsigned_abs())
    );
    for difference in &comparison.first {
        out += &line(difference, left, right);
    }
    let told = comparison.first.len() as u64;
    let untold = comparison.differing() - told;
    if untold > 0 {
        out += &format!("  … and {} more\n", grouped(untold));
    }
    let counts = &comparison.counts;
    out += &format!(
        "{} keys equal, {} differ, {} only at {left}, {} only at {right}",
        grouped(counts.equal),
        grouped(counts.differ),
        grouped(counts.only_left),
        grouped(counts.only_right),
    );
    out
}

fn line(difference: &Difference, left: &Endpoint, right: &Endpoint) -> String {
    match &difference.kind {
        Kind::OnlyLeft => format!("  {}  only at {left}\n", difference.key),
        Kind::OnlyRight => format!("  {}  only at {right}\n", difference.key),
        Kind::Differ { fields } => {
            let fields = fields
                .iter()
                .map(|field| format!("{}: {} | {}", field.name, field.left, field.right));
            let fields = fields.collect::<Vec<_>>().join(", ");
            format!("  {}  {fields}\n", difference.key)
        }
    }
}
