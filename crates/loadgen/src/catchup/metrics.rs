use std::collections::BTreeMap;

const POSITION_RECORDS: &str = "understudy_position_records";

/// One console's positions in records: by shard, then by stage.
pub(super) type Positions = BTreeMap<String, BTreeMap<String, u64>>;

/// Reads the positions out of a page in Prometheus' text format
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Other
/// metrics, and lines that are not whole, are passed over.
pub(super) fn positions(page: &str) -> Positions {
    let mut positions = Positions::new();
    for line in page.lines() {
        if let Some((shard, stage, records)) = position(line) {
            positions.entry(shard).or_default().insert(stage, records);
        }
    }
    positions
}

fn position(line: &str) -> Option<(String, String, u64)> {
    let labels_and_value = line.strip_prefix(POSITION_RECORDS)?.strip_prefix('{')?;
    let (labels, value) = labels_and_value.split_once('}')?;
    let value: f64 = value.split_whitespace().next()?.parse().ok()?;
    if !value.is_finite() || value < 0.0 {
        return None;
    }
    Some((
        label(labels, "shard")?,
        label(labels, "stage")?,
        value as u64,
    ))
}

/// Shards' and stages' names hold no quotes, commas or backslashes.
fn label(labels: &str, name: &str) -> Option<String> {
    labels.split(',').find_map(|label| {
        let (found, value) = label.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        (found == name).then(|| value.to_owned())
    })
}
