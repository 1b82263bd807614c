//! One object as a file: the length of its key as four bytes, little-endian,
//! the key, the body. The file's name is the key's BLAKE3, so that any key
//! has one; a file that is being written has another ending.

use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

const ENDING: &str = "object";
const UNFINISHED: &str = "new";

#[derive(Debug)]
pub(super) struct ObjectFile {
    pub(super) key: String,
    pub(super) body: Bytes,
}

pub(super) fn path_of(directory: &Path, key: &str) -> PathBuf {
    let name = blake3::hash(key.as_bytes()).to_hex();
    directory.join(name.as_str()).with_extension(ENDING)
}

/// `None` when there is no such file.
pub(super) fn read(path: &Path) -> io::Result<Option<ObjectFile>> {
    match std::fs::read(path) {
        Ok(bytes) => decode(bytes.into()).map(Some).ok_or_else(|| {
            let detail = format!("{} is no object file", path.display());
            io::Error::new(ErrorKind::InvalidData, detail)
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn decode(mut bytes: Bytes) -> Option<ObjectFile> {
    let length = bytes.get(..4)?.try_into().ok()?;
    let _ = bytes.split_to(4);
    let length = u32::from_le_bytes(length) as usize;
    if bytes.len() < length {
        return None;
    }
    let key = bytes.split_to(length);
    let key = String::from_utf8(key.into()).ok()?;
    Some(ObjectFile { key, body: bytes })
}

/// Durable on return; on an error the object is the old or the new one.
#[expect(
    clippy::disallowed_methods,
    reason = "the log's disk knows a data root's files; this is a store's directory"
)]
pub(super) fn write(directory: &Path, key: &str, body: &[u8]) -> io::Result<()> {
    let path = path_of(directory, key);
    let unfinished = path.with_extension(UNFINISHED);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&unfinished)?;
    let length = u32::try_from(key.len()).map_err(|_| ErrorKind::InvalidFilename)?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(key.as_bytes())?;
    file.write_all(body)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    sync(directory)
}

/// Durable on return. An absent object is no error.
pub(super) fn remove(directory: &Path, key: &str) -> io::Result<()> {
    match std::fs::remove_file(path_of(directory, key)) {
        Ok(()) => sync(directory),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Every object there is, in no order.
pub(super) fn files(directory: &Path) -> io::Result<Vec<ObjectFile>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.extend(read(&path)?);
        }
    }
    Ok(found)
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
