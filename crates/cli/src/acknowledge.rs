//! `understudy acknowledge`: an operator has looked at the last automatic
//! failover, and another one may happen.

use crate::admin::DEFAULT_ENDPOINTS;
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::{OutputFormat, print, print_json};
use crate::refusal::Refusal;
use crate::{admin, status};
use clap::Args;
use serde_json::json;
use understudy_protocol::RequestId;
use understudy_types::Epoch;

/// Says that the last automatic failover has been looked at: the primary
/// takes its mark out of the lease, and another one may happen.
///
/// Exit code 0: it is stored, or there was nothing to acknowledge; 20: refused.
#[derive(Args, Debug)]
pub(crate) struct AcknowledgeArgs {
    /// The epoch that `understudy status` shows.
    #[arg(long, value_name = "EPOCH")]
    expect_epoch: u64,
    /// A node's replication address; may be repeated.
    #[arg(long, value_name = "HOST:PORT", default_values_t = DEFAULT_ENDPOINTS.map(str::to_owned))]
    endpoint: Vec<String>,
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

pub(crate) async fn acknowledge(args: AcknowledgeArgs) -> anyhow::Result<Exit> {
    let report = status::ask(args.endpoint).await;
    let Some(primary) = report.primary_node() else {
        return Err(Refusal::new(
            "E313",
            "no primary answers, and only the primary writes the lease",
            "give its address with --endpoint; a failover that you ask for acknowledges the last one too",
        )
        .into());
    };
    let id = RequestId::from_bytes(entropy()?);
    let answer = admin::acknowledge(&primary.endpoint, id, Epoch::new(args.expect_epoch)).await;
    let answer = answer.map_err(|why| {
        let endpoint = &primary.endpoint;
        anyhow::anyhow!(
            "{endpoint} did not say that it is stored: {why}; look at `understudy status`"
        )
    })?;
    match args.output {
        OutputFormat::Text => print(&answer.detail),
        OutputFormat::Json => {
            print_json(&json!({ "failed": answer.failed, "detail": answer.detail }))?
        }
    }
    Ok(if answer.failed {
        Exit::Refused
    } else {
        Exit::Done
    })
}
