//! The store's only file: every change, in order, appended and flushed one by
//! one. At start it is read once into memory.

mod record;
mod recovery;

use crate::DevStoreError;
use crate::contents::{Change, Contents};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

pub(crate) const FILE_NAME: &str = "journal";
const COMPACTED_NAME: &str = "journal.compacted";
const MAGIC: &[u8] = b"understudy-devstore-journal-1\n";
/// Below this a rewrite saves nothing worth it.
const COMPACT_BYTES_MIN: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Where the next record begins.
    end: u64,
    /// Set when an append failed; never cleared.
    stopped: bool,
}

impl Journal {
    /// Reads the journal in `dir`, or makes an empty one, durably. Cuts a torn
    /// tail off; rewrites a file that is mostly dead.
    pub(crate) fn open(dir: &Path) -> Result<(Journal, Contents), DevStoreError> {
        let path = dir.join(FILE_NAME);
        let bytes = read_all(&path)?;
        let recovered = recovery::recover(&bytes.into(), &path)?;
        let contents = recovered.contents;
        let live = recovery::size_of(&contents);
        if recovered.end == 0 || (live < recovered.end / 2 && recovered.end >= COMPACT_BYTES_MIN) {
            write_anew(dir, &contents)?;
            let (file, end) = open_for_append(&path)?;
            return Ok((
                Journal {
                    file,
                    path,
                    end,
                    stopped: false,
                },
                contents,
            ));
        }
        let (file, length) = open_for_append(&path)?;
        if recovered.end < length {
            let torn = length - recovered.end;
            tracing::warn!(path = %path.display(), torn, "cut a torn record off the journal's end");
            file.set_len(recovered.end)
                .map_err(DevStoreError::disk("truncate", &path))?;
            file.sync_all()
                .map_err(DevStoreError::disk("flush", &path))?;
        }
        Ok((
            Journal {
                file,
                path,
                end: recovered.end,
                stopped: false,
            },
            contents,
        ))
    }

    /// Appends one change. On `Ok` it is on stable storage. On an error it may
    /// or may not be, and the journal takes no more: a failed flush is never
    /// tried again. Blocks for one `fdatasync`.
    pub(crate) fn append(&mut self, change: &Change) -> Result<(), DevStoreError> {
        if self.stopped {
            return Err(DevStoreError::Stopped);
        }
        let record = record::encode(change, self.end);
        let outcome = self
            .file
            .write_all(&record)
            .and_then(|()| self.file.sync_data());
        match outcome {
            Ok(()) => {
                self.end += record.len() as u64;
                Ok(())
            }
            Err(source) => {
                self.stopped = true;
                tracing::error!(path = %self.path.display(), %source, "the journal failed");
                Err(DevStoreError::Disk {
                    act: "append to",
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }
}

fn read_all(path: &Path) -> Result<Vec<u8>, DevStoreError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut bytes)
                .map_err(DevStoreError::disk("read", path))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(DevStoreError::disk("open", path)(source)),
    }
    Ok(bytes)
}

fn open_for_append(path: &Path) -> Result<(File, u64), DevStoreError> {
    let file = OpenOptions::new().append(true).open(path);
    let file = file.map_err(DevStoreError::disk("open", path))?;
    let length = file
        .metadata()
        .map_err(DevStoreError::disk("inspect", path))?
        .len();
    Ok((file, length))
}

/// Puts a journal that holds just `contents` in the old one's place. A crash
/// on the way leaves the old one.
#[expect(
    clippy::disallowed_methods,
    reason = "the store's journal is its own durable file"
)]
fn write_anew(dir: &Path, contents: &Contents) -> Result<(), DevStoreError> {
    let (path, compacted) = (dir.join(FILE_NAME), dir.join(COMPACTED_NAME));
    let failed = |act| DevStoreError::disk(act, compacted.clone());
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&compacted);
    let mut file = std::io::BufWriter::new(file.map_err(failed("create"))?);
    file.write_all(MAGIC).map_err(failed("write"))?;
    let mut offset = MAGIC.len() as u64;
    for change in contents.changes() {
        let record = record::encode(&change, offset);
        file.write_all(&record).map_err(failed("write"))?;
        offset += record.len() as u64;
    }
    let file = file
        .into_inner()
        .map_err(|error| failed("write")(error.into_error()))?;
    file.sync_all().map_err(failed("flush"))?;
    std::fs::rename(&compacted, &path).map_err(failed("rename"))?;
    let directory = File::open(dir).map_err(DevStoreError::disk("open", dir))?;
    directory
        .sync_all()
        .map_err(DevStoreError::disk("flush", dir))
}

#[cfg(test)]
mod tests;
