use crate::refusal::Refusal;
use std::io::{BufRead, IsTerminal, Write};

/// The operator types the cluster's name, or has given it. Blocks on the
/// terminal; nothing was written yet.
pub(super) fn confirm(cluster: &str, given: Option<&str>) -> anyhow::Result<()> {
    if let Some(given) = given {
        return Ok(compare(cluster, given)?);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Refusal::new(
            "usage",
            "a failover is confirmed by the cluster's name, and there is no terminal to ask",
            format!("give --yes {cluster}"),
        )
        .into());
    }
    eprint!("proceed? type the cluster name: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(compare(cluster, line.trim())?)
}

pub(super) fn compare(cluster: &str, given: &str) -> Result<(), Refusal> {
    if given == cluster {
        return Ok(());
    }
    Err(Refusal::new(
        "E311",
        format!("{given:?} is not this cluster's name, {cluster:?}"),
        "check --config: this is perhaps another cluster than you think",
    ))
}
