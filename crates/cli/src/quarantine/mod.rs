//! `understudy quarantine`: tails that only a returning primary had.

mod diff;
mod tail;

use crate::exit::Exit;
use crate::format::{OutputFormat, grouped, print, print_json};
use crate::log::identify;
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use tail::Tail;
use understudy_kv::Command;
use understudy_loadgen::Endpoint;
use understudy_log::quarantine::{self, Summary};
use understudy_log::{Batch, Disk, DiskErrorKind, OsDisk, Record};
use understudy_types::{Lsn, ShardName};

/// Shows and exports records that only this node had when it came back as a
/// standby. They are never merged and never deleted by understudy.
#[derive(Args, Debug)]
pub(crate) struct QuarantineArgs {
    #[command(subcommand)]
    command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
enum QuarantineCommand {
    /// List the quarantined tails.
    List {
        /// The data root.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Print one tail's records, readable; as JSON the same as `export`.
    Show {
        #[command(flatten)]
        item: ItemArgs,
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Print one tail's records as JSON lines, with the commands' bytes.
    Export(ItemArgs),
    /// Compare one tail with what an endpoint says now, key by key.
    ///
    /// Prints each key that is not as the tail left it. Where that depends on
    /// the state that the tail met (a transaction with comparisons), it is
    /// said to be open. Exit code 0: all is as the tail left it; 30: it is not.
    Diff {
        #[command(flatten)]
        item: ItemArgs,
        /// The client address to ask: that of the shard, linearizably.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2379")]
        endpoint: Endpoint,
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
}

#[derive(Args, Debug)]
struct ItemArgs {
    /// The data root.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// SHARD/FILE as `list` shows it [default: the only one].
    item: Option<String>,
}

pub(crate) async fn quarantine(args: QuarantineArgs) -> anyhow::Result<Exit> {
    match args.command {
        QuarantineCommand::List { data, output } => {
            let (disk, _) = identify(&data)?;
            list(&all(&disk)?, output)?;
        }
        QuarantineCommand::Show {
            item,
            output: OutputFormat::Text,
        } => each_record(&item, show)?,
        QuarantineCommand::Show { item, .. } | QuarantineCommand::Export(item) => {
            each_record(&item, |lsn, batch, record| {
                export(lsn, batch, record).to_string()
            })?;
        }
        QuarantineCommand::Diff {
            item,
            endpoint,
            output,
        } => return diff::diff(Tail::of(&batches(&item)?), &endpoint, output).await,
    }
    Ok(Exit::Done)
}

fn all(disk: &OsDisk) -> anyhow::Result<Vec<Summary>> {
    let shards = match disk.list("quarantine") {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        shards => shards?,
    };
    let mut found = Vec::new();
    for shard in shards
        .iter()
        .filter_map(|name| name.parse::<ShardName>().ok())
    {
        found.extend(quarantine::list(disk, &shard)?);
    }
    Ok(found)
}

fn name_of(summary: &Summary) -> String {
    format!("{}/{}", summary.notice.shard, summary.file_name())
}

fn list(found: &[Summary], output: OutputFormat) -> anyhow::Result<()> {
    if output == OutputFormat::Json {
        return print_json(&found);
    }
    if found.is_empty() {
        print("nothing is quarantined");
    }
    for summary in found {
        let fork = summary
            .notice
            .fork
            .map_or("the beginning".to_owned(), |fork| fork.to_string());
        print(&format!(
            "{}\n  {} records (epoch {}, {} to {}), {} after {fork}\n  {}",
            name_of(summary),
            grouped(summary.records()),
            summary.epoch,
            grouped(summary.first_lsn.get()),
            grouped(summary.last.lsn.get()),
            summary.bytes,
            summary.notice.reason,
        ));
    }
    Ok(())
}

/// Prints a line for each record of one tail.
fn each_record(
    item: &ItemArgs,
    line: impl Fn(Lsn, &Batch, &Record) -> String,
) -> anyhow::Result<()> {
    let batches = batches(item)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for batch in &batches {
        for (lsn, record) in batch.records() {
            writeln!(out, "{}", line(lsn, batch, &record))?;
        }
    }
    Ok(out.flush()?)
}

/// The tail that is meant, every batch verified.
fn batches(item: &ItemArgs) -> anyhow::Result<Vec<Batch>> {
    let (disk, _) = identify(&item.data)?;
    let summary = select(all(&disk)?, item.item.as_deref())?;
    let (_, batches) = quarantine::read(&disk, &summary.notice.shard, &summary.file_name())?;
    Ok(batches)
}

fn select(found: Vec<Summary>, wanted: Option<&str>) -> anyhow::Result<Summary> {
    let names: Vec<String> = found.iter().map(name_of).collect();
    let mut matching = found
        .into_iter()
        .filter(|summary| wanted.is_none_or(|wanted| name_of(summary) == wanted));
    match (matching.next(), matching.next()) {
        (Some(only), None) => Ok(only),
        (None, _) if names.is_empty() => bail!("nothing is quarantined"),
        (None, _) => bail!("there is no such tail; there are: {}", names.join(", ")),
        (Some(_), Some(_)) => bail!(
            "several tails are quarantined, name one: {}",
            names.join(", ")
        ),
    }
}

fn show(lsn: Lsn, _: &Batch, record: &Record) -> String {
    match record {
        Record::EpochStart(start) => format!("{lsn}  epoch begins, holder {}", start.holder),
        Record::Audit(body) => format!("{lsn}  audit {}", String::from_utf8_lossy(body)),
        Record::Command(body) => match Command::decode(body) {
            Ok(command) => format!("{lsn}  {command:?}"),
            Err(error) => format!("{lsn}  {} bytes ({error})", body.len()),
        },
    }
}

fn export(lsn: Lsn, batch: &Batch, record: &Record) -> Value {
    let (kind, holder, command) = match record {
        Record::EpochStart(start) => ("epoch_start", Some(start.holder.to_string()), None),
        Record::Audit(_) => ("audit", None, None),
        Record::Command(body) => ("command", None, Some(hex(body))),
    };
    json!({
        "lsn": lsn.get(),
        "epoch": batch.epoch().get(),
        "wall_millis": batch.wall_millis(),
        "kind": kind,
        "holder": holder,
        "command_hex": command,
        "readable": show(lsn, batch, record),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
