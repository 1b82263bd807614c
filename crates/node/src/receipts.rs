//! Reads the receipts that a data root keeps.

use crate::status::Receipt;
use understudy_log::{Disk, DiskError, DiskErrorKind};

pub(crate) const DIRECTORY: &str = "receipts";

#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        file: String,
        source: serde_json::Error,
    },
}

/// Every receipt, the oldest epoch first. Changes nothing.
pub fn read(disk: &impl Disk) -> Result<Vec<Receipt>, ReceiptError> {
    let names = match disk.list(DIRECTORY) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut receipts = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".json")) {
        let file = format!("{DIRECTORY}/{name}");
        let body = disk.read(&file)?;
        let receipt: Receipt = serde_json::from_slice(&body)
            .map_err(|source| ReceiptError::Unreadable { file, source })?;
        receipts.push(receipt);
    }
    put_in_order(&mut receipts);
    Ok(receipts)
}

/// By epoch, and each once: an epoch is taken by one node.
pub fn put_in_order(receipts: &mut Vec<Receipt>) {
    receipts.sort_by_key(|receipt| receipt.epoch);
    receipts.dedup_by_key(|receipt| receipt.epoch);
}

/// The last `count` of them.
pub fn newest(receipts: &[Receipt], count: usize) -> &[Receipt] {
    &receipts[receipts.len().saturating_sub(count)..]
}
