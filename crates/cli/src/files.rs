use std::path::Path;
use understudy_log::{Disk, DiskError, OsDisk};

/// Makes or replaces a small file as a whole. Durable on return; on an error
/// the old bytes or the new ones are there.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let disk = OsDisk::new(directory);
    let temporary = format!("{name}.tmp");
    if directory.join(&temporary).exists() {
        disk.remove(&temporary)?;
    }
    let file = disk.create_new(&temporary, 0)?;
    disk.write_at(&file, 0, bytes)?;
    disk.sync_data(&file)?;
    disk.rename(&temporary, name)?;
    disk.sync_dir("")
}

/// 16 bytes that nobody has used before.
pub(crate) fn entropy() -> anyhow::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no entropy: {error}"))?;
    Ok(bytes)
}
