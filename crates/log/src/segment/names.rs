use crate::{Disk, DiskError, DiskErrorKind};
use understudy_types::{Lsn, ShardName};

const SUFFIX: &str = ".seg";

pub(crate) fn shard_directory(shard: &ShardName) -> String {
    format!("shards/{shard}")
}

pub(crate) fn segment_path(directory: &str, first_lsn: Lsn) -> String {
    format!("{directory}/{first_lsn:020}{SUFFIX}")
}

fn first_lsn_of(name: &str) -> Option<Lsn> {
    let digits = name
        .strip_suffix(SUFFIX)
        .filter(|digits| digits.len() == 20)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok().and_then(Lsn::new))?
}

/// Is this a file that an interrupted preparation left behind?
pub(crate) fn is_leftover(name: &str) -> bool {
    name == "spare" || name.ends_with(".tmp")
}

/// The segments of a shard in order; none when its directory is missing.
/// Files with other names are not the log's.
pub(crate) fn list_segments<D: Disk>(disk: &D, directory: &str) -> Result<Vec<Lsn>, DiskError> {
    let names = match disk.list(directory) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut segments: Vec<Lsn> = names.iter().filter_map(|name| first_lsn_of(name)).collect();
    segments.sort();
    Ok(segments)
}
