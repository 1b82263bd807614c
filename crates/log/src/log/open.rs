use super::roll::Active;
use super::spare::Spare;
use super::{Log, LogConfig, Shared};
use crate::recovery::{RecoveryReport, ShardRoot, Walked, cut_torn_tail, settle_tail, walk};
use crate::segment::is_leftover;
use crate::{Batch, Disk, LogError};
use std::sync::{Arc, Mutex};
use understudy_types::lsn_value;

impl<D: Disk> Log<D> {
    /// Opens the log, or founds an empty one. See [`Log::open_with`].
    pub fn open(disk: Arc<D>, config: LogConfig) -> Result<(Self, RecoveryReport), LogError> {
        Self::open_with(disk, config, &mut |_| {})
    }

    /// Opens the log and shows every batch to `visit`, in order, in the same
    /// pass that verifies it; a visited batch may keep a piece of 4 MiB in
    /// memory while it lives. A torn tail is cut. On return all that was
    /// visited is durable. When it fails, or the power does, what was not
    /// torn is still there, and opening again is the same as opening once.
    pub fn open_with(
        disk: Arc<D>,
        config: LogConfig,
        visit: &mut dyn FnMut(&Batch),
    ) -> Result<(Self, RecoveryReport), LogError> {
        let root = ShardRoot::new(config.cluster, &config.shard);
        make_directory(&*disk, &root)?;
        let walked = walk(&*disk, &root, visit)?;
        let removed = remove_leftovers(&*disk, &root)?;
        let report = report(&walked, removed);
        let active = settle(&*disk, &walked)?;
        let Walked { history, map, .. } = walked;
        let flushed = history.head();
        let shared = Arc::new(Mutex::new(Shared {
            map,
            flushed,
            cuts: 0,
        }));
        let mut spare = Spare::new(disk.clone(), &root.directory, config.segment_size.get());
        spare.prepare();
        let poisoned = false;
        let log = Log {
            disk,
            config,
            root,
            history,
            flushed,
            shared,
            active,
            spare,
            poisoned,
        };
        Ok((log, report))
    }
}

fn make_directory<D: Disk>(disk: &D, root: &ShardRoot) -> Result<(), LogError> {
    disk.create_dir(&root.directory)?;
    disk.sync_dir("")?;
    disk.sync_dir("shards")?;
    Ok(())
}

fn remove_leftovers<D: Disk>(disk: &D, root: &ShardRoot) -> Result<Vec<String>, LogError> {
    let mut removed = Vec::new();
    for name in disk.list(&root.directory)? {
        if is_leftover(&name) {
            let path = format!("{}/{name}", root.directory);
            disk.remove(&path)?;
            removed.push(path);
        }
    }
    // Also settles a segment's name that a crash left between rename and
    // sync: it is durable before anything in it counts.
    disk.sync_dir(&root.directory)?;
    Ok(removed)
}

/// Cuts the torn tail and makes the last segment durable.
fn settle<D: Disk>(disk: &D, walked: &Walked) -> Result<Option<Active<D>>, LogError> {
    if let Some(torn) = &walked.torn_tail {
        cut_torn_tail(disk, torn).map_err(LogError::Flush)?;
    }
    let Some(last) = walked.map.segments.last() else {
        return Ok(None);
    };
    settle_tail(disk, &last.path, walked.unproven_from, last.end).map_err(LogError::Flush)?;
    Ok(Some(Active::open(disk, last)?))
}

fn report(walked: &Walked, removed: Vec<String>) -> RecoveryReport {
    let head = walked.history.head();
    RecoveryReport {
        head,
        batches: walked.history.batches(),
        records: lsn_value(head.map(|head| head.lsn)),
        bytes: walked.history.bytes_total(),
        segments: walked.map.segments.len(),
        torn_tail: walked.torn_tail.clone(),
        removed,
    }
}
