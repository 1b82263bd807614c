use super::LOOK_EVERY;
use super::children::Pair;
use super::layout::Layout;
use crate::admin;
use anyhow::bail;
use std::time::Duration;

/// After a power cut the old lease must run out first.
const PATIENCE_BEYOND_TTL: Duration = Duration::from_secs(20);

/// Waits until one node serves and the other streams from it.
pub(crate) async fn wait(layout: &Layout, pair: &mut Pair) -> anyhow::Result<()> {
    let timing = &layout.nodes[0].configuration.settings.timing;
    let deadline = tokio::time::Instant::now() + 2 * timing.ttl + PATIENCE_BEYOND_TTL;
    loop {
        pair.nodes
            .iter_mut()
            .try_for_each(super::children::Child::check_alive)?;
        let addresses = layout
            .nodes
            .iter()
            .map(|node| node.configuration.settings.replication.advertise.clone());
        let answers = admin::ask_all(addresses.collect()).await;
        let statuses: Vec<_> = answers
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().ok())
            .collect();
        let serves = statuses.iter().any(|status| status.is_primary());
        let streams = statuses.iter().any(|status| {
            status
                .stream
                .as_ref()
                .is_some_and(|stream| stream.state == "streaming")
        });
        if serves && streams {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            bail!(
                "the pair did not come up in time (serving: {serves}, streaming: {streams}); see {}",
                layout.dir.join("logs").display()
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
