//! Small changes of the lease that an operator asks the primary for:
//! `understudy acknowledge` and `understudy forget`.

use crate::admin::{self, NoAnswer};
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::{OutputFormat, print, print_json};
use crate::nodes::NodesArgs;
use crate::refusal::Refusal;
use crate::status;
use clap::Args;
use serde_json::json;
use understudy_protocol::RequestId;
use understudy_types::{Epoch, NodeId};
use understudy_wire::v1::ErrandResponse;

/// Says that the last automatic failover has been looked at: the primary
/// takes its mark out of the lease, and another one may happen.
///
/// Exit code 0: it is stored, or there was nothing to acknowledge; 20: refused.
#[derive(Args, Debug)]
pub(crate) struct AcknowledgeArgs {
    /// The epoch that `understudy status` shows.
    #[arg(long, value_name = "EPOCH")]
    expect_epoch: u64,
    #[command(flatten)]
    asked: AskedArgs,
}

/// Says that a standby is gone for good: the primary takes its name out of the
/// lease, and it has no row in status, metrics and alerts any more. Should it
/// follow again, it is registered again.
///
/// Exit code 0: it is stored; 20: refused.
#[derive(Args, Debug)]
pub(crate) struct ForgetArgs {
    /// The standby's name, as `understudy status` shows it.
    #[arg(value_name = "NODE")]
    standby: NodeId,
    #[command(flatten)]
    asked: AskedArgs,
}

/// Whom to ask, and how to say what it answered.
#[derive(Args, Debug)]
struct AskedArgs {
    #[command(flatten)]
    nodes: NodesArgs,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn acknowledge(args: AcknowledgeArgs) -> anyhow::Result<Exit> {
    let primary = args.asked.primary().await?;
    let id = RequestId::from_bytes(entropy()?);
    let answer = admin::acknowledge(&primary, id, Epoch::new(args.expect_epoch)).await;
    args.asked.say(&primary, answer)
}

pub(crate) async fn forget(args: ForgetArgs) -> anyhow::Result<Exit> {
    let primary = args.asked.primary().await?;
    let id = RequestId::from_bytes(entropy()?);
    let answer = admin::forget(&primary, id, &args.standby).await;
    args.asked.say(&primary, answer)
}

impl AskedArgs {
    /// The address of the one that writes the lease.
    async fn primary(&self) -> anyhow::Result<String> {
        let report = status::ask(self.nodes.addresses()?).await;
        let primary = report.primary_node().map(|node| node.endpoint.clone());
        let silent = || {
            Refusal::new(
                "E313",
                "no primary answers, and only the primary writes the lease",
                "give its address with --endpoint; where there is none, a failover comes first",
            )
        };
        Ok(primary.ok_or_else(silent)?)
    }

    fn say(&self, asked: &str, answer: Result<ErrandResponse, NoAnswer>) -> anyhow::Result<Exit> {
        let answer = answer.map_err(|why| {
            anyhow::anyhow!(
                "{asked} did not say that it is stored: {why}; look at `understudy status`"
            )
        })?;
        match self.output {
            OutputFormat::Text => print(&answer.detail),
            OutputFormat::Json => {
                print_json(&json!({ "failed": answer.failed, "detail": answer.detail }))?
            }
        }
        Ok(match answer.failed {
            true => Exit::Refused,
            false => Exit::Done,
        })
    }
}
