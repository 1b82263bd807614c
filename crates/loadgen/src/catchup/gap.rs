use super::metrics::Positions;
use serde::Serialize;

/// Where a standby stands, in records over all shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Gap {
    pub(super) reached: u64,
    pub(super) target: u64,
    /// Summed shard by shard: one shard's lead never hides another's lag.
    pub(super) behind: u64,
}

/// The stages that are compared.
#[derive(Clone, Debug)]
pub(super) struct Stages {
    pub(super) target: String,
    pub(super) reached: String,
}

/// Compares what several consoles say: of the target the highest counts, of
/// the position the lowest. None while a shard's target or position is not
/// known: unknown is no number.
pub(super) fn gap(consoles: &[Positions], stages: &Stages) -> Option<Gap> {
    let mut shards: Vec<&String> = consoles.iter().flat_map(|console| console.keys()).collect();
    shards.sort();
    shards.dedup();
    if shards.is_empty() {
        return None;
    }
    let mut gap = Gap {
        reached: 0,
        target: 0,
        behind: 0,
    };
    for shard in shards {
        let stage = |name: &String| {
            let name = name.clone();
            consoles
                .iter()
                .filter_map(move |console| console.get(shard)?.get(&name).copied())
        };
        let target = stage(&stages.target).max()?;
        let reached = stage(&stages.reached).min()?;
        gap.target += target;
        gap.reached += reached;
        gap.behind += target.saturating_sub(reached);
    }
    Some(gap)
}
