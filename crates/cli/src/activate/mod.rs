//! The two verbs. Each writes one request beside the lease, makes the nodes
//! look, and shows what they do with it. The nodes decide; everything that is
//! refused here is refused before anything is written.

mod by_page;
mod confirm;
mod follow;
mod judge;
mod overrides;
mod request;
mod target;
mod way;
mod without_store;

pub(crate) use by_page::PageWay;

use crate::check::Verb;
use crate::exit::Exit;
use crate::format::{OutputFormat, print, print_json};
use crate::operator::operator;
use crate::settings::AccessArgs;
use clap::Args;
use request::Wish;
use serde_json::json;
use understudy_protocol::{AcceptLoss, Mode};
use understudy_types::{Epoch, NodeId};
use way::{Looked, Way};

/// Moves the primary's role to a standby that streams. The primary holds new
/// writes for a moment, hands over at a sealed position, and follows. Nothing
/// is lost, or it does not happen and the primary goes on.
///
/// Asking twice is the same as asking once.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done, or with --dry-run ready; 4 written but the end was not seen; \
    10 ready with warnings; 20 refused; 1 error\n\
    Example: understudy switchover --to bravo --expect-epoch 1"
)]
pub(crate) struct SwitchoverArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Promotes a standby whose primary is gone or silent: it claims the next
/// epoch at once, waits until the old lease must have run out, and serves.
/// What may be lost is printed before, and must be accepted by name.
///
/// A primary that is alive is better moved with `understudy switchover`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done, or with --dry-run ready; 4 written but the end was not seen; \
    10 ready with warnings; 20 refused; 1 error\n\
    Example: understudy failover --to bravo --expect-epoch 1 --dry-run"
)]
pub(crate) struct FailoverArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// What may be lost: writes acknowledged in the last SECONDS, or
    /// `unknown` for whatever it is [default: nothing].
    #[arg(long, value_name = "SECONDS|unknown", value_parser = request::parse_accept_loss)]
    accept_loss: Option<AcceptLoss>,
    /// Evidence that the old primary cannot write any more; skips the wait
    /// and is kept in the receipt.
    #[arg(long, value_name = "TEXT")]
    fenced_by: Option<String>,
    /// The object store is lost for good: this node goes on with its lease on
    /// its own disk, until `understudy store adopt`. Refused while the store
    /// answers; needs --fenced-by and --accept-loss unknown, and --config of
    /// the node itself, on its machine.
    #[arg(long, conflicts_with = "output")]
    without_store: bool,
    /// The cluster's name, instead of typing it when asked. Skips no check.
    #[arg(long, value_name = "CLUSTER", visible_alias = "yes-cluster")]
    yes: Option<String>,
}

#[derive(Args, Debug)]
struct CommonArgs {
    /// The standby that is to become primary.
    #[arg(long, value_name = "NODE")]
    to: NodeId,
    /// The epoch that `understudy status` shows now.
    #[arg(long, value_name = "EPOCH")]
    expect_epoch: u64,
    /// The holder that you believe in; another one refuses.
    #[arg(long, value_name = "NODE")]
    expect_primary: Option<NodeId>,
    /// Why; kept in the receipt.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    /// Show the verdict and what would happen, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on although this check of the verdict refuses; may be repeated.
    /// What it said stands in the request and in the receipt.
    #[arg(long, value_name = "CHECK")]
    accept: Vec<String>,
    /// Replace the pending request of this id.
    #[arg(long, value_name = "ID")]
    replace: Option<String>,
    /// As JSON: a dry run's verdict, else all of it in one document at the end.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    access: AccessArgs,
}

pub(crate) async fn switchover(args: SwitchoverArgs) -> anyhow::Result<Exit> {
    let wish = Wish {
        verb: Verb::Switchover,
        target: args.common.to.clone(),
        expect_epoch: Epoch::new(args.common.expect_epoch),
        expect_holder: args.common.expect_primary.clone(),
        accept_loss: AcceptLoss::Nothing,
        fenced_by: None,
        accept: args.common.accept.clone(),
        replace: args.common.replace.clone(),
        reason: args.common.reason.clone(),
        by: operator(),
    };
    activate(&args.common, wish, None).await
}

pub(crate) async fn failover(args: FailoverArgs) -> anyhow::Result<Exit> {
    let wish = Wish {
        verb: Verb::Failover,
        target: args.common.to.clone(),
        expect_epoch: Epoch::new(args.common.expect_epoch),
        expect_holder: args.common.expect_primary.clone(),
        accept_loss: args.accept_loss.unwrap_or_default(),
        fenced_by: args.fenced_by.clone(),
        accept: args.common.accept.clone(),
        replace: args.common.replace.clone(),
        reason: args.common.reason.clone(),
        by: operator(),
    };
    if args.without_store {
        return without_store::failover(&args, wish).await;
    }
    activate(&args.common, wish, Some(args.yes)).await
}

/// `confirmation` is given for the verb that needs one.
async fn activate(
    args: &CommonArgs,
    wish: Wish,
    confirmation: Option<Option<String>>,
) -> anyhow::Result<Exit> {
    let configuration = args.access.load()?;
    let mut known = args.access.endpoint.clone();
    known.extend(args.access.neighbours(&configuration.settings.cluster_name));
    let way = Way::to(&configuration, known).await?;
    let sight = match way.look(&wish).await? {
        Looked::Done(text) => {
            match args.output {
                OutputFormat::Text => print(&text),
                OutputFormat::Json => print_json(&json!({ "done": text }))?,
            }
            return Ok(Exit::Done);
        }
        Looked::Seen(sight) => sight,
    };
    if args.output == OutputFormat::Text {
        print(&sight.seen.describe());
    } else if args.dry_run {
        print_json(&sight.seen.verdict)?;
    }
    let overrides = overrides::judge(&sight.seen.verdict, &wish)?;
    if args.output == OutputFormat::Text {
        print(&overrides::describe(&overrides));
    }
    if args.dry_run {
        if args.output == OutputFormat::Text {
            print("dry run: nothing was written");
        }
        return Ok(overrides::exit(&sight.seen.verdict));
    }
    if let Some(given) = confirmation {
        confirm::confirm(&sight.lease.name, given.as_deref())?;
    }
    match args.output {
        OutputFormat::Text => {
            let end = way.act(&wish, *sight, overrides, &mut follow::tell).await?;
            Ok(follow::tell_end(&end))
        }
        OutputFormat::Json => {
            let mut document = follow::Document::new(&sight.seen.verdict, &overrides);
            let mut note = |told| document.note(told);
            let end = way.act(&wish, *sight, overrides, &mut note).await?;
            document.print(&end)
        }
    }
}

fn mode_of(verb: Verb) -> Mode {
    match verb {
        Verb::Switchover => Mode::Switchover,
        Verb::Failover => Mode::Failover,
    }
}

#[cfg(test)]
mod tests;
