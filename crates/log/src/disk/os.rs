//! The file system of the machine: the one home of `std::fs`.

use super::{Disk, DiskError};
use bytes::Bytes;
use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];

/// A data root on the file system of this machine.
#[derive(Debug, Clone)]
pub struct OsDisk {
    root: PathBuf,
    failures: Arc<AtomicU64>,
}

#[derive(Debug)]
pub struct OsFile {
    file: fs::File,
    path: String,
}

impl OsDisk {
    /// The root need not exist yet: `create_dir("")` makes it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        OsDisk {
            root: root.into(),
            failures: Arc::default(),
        }
    }

    /// Operations that failed since this was made, on all clones: not those
    /// that only found a name free or taken.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn note(&self, error: &io::Error) {
        let expected = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists);
        self.failures
            .fetch_add(u64::from(!expected), Ordering::Relaxed);
    }

    fn of_change(&self, act: &'static str, path: &str, error: io::Error) -> DiskError {
        self.note(&error);
        DiskError::of_change(act, path, error)
    }

    fn determinate(&self, act: &'static str, path: &str, error: io::Error) -> DiskError {
        self.note(&error);
        DiskError::determinate(act, path, error)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        }
    }

    fn fill_with_zeros(file: &fs::File, length: u64) -> io::Result<()> {
        let mut offset = 0;
        while offset < length {
            let step = (length - offset).min(ZEROS.len() as u64);
            file.write_all_at(&ZEROS[..step as usize], offset)?;
            offset += step;
        }
        file.sync_all()
    }
}

impl Disk for OsDisk {
    type File = OsFile;

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        fs::create_dir_all(self.at(path))
            .map_err(|e| self.of_change("create the directory", path, e))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let fail = |e| self.determinate("list", path, e);
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(path)).map_err(fail)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry.map_err(fail)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str) -> Result<Bytes, DiskError> {
        let bytes = fs::read(self.at(path)).map_err(|e| self.determinate("read", path, e))?;
        Ok(bytes.into())
    }

    fn open(&self, path: &str) -> Result<OsFile, DiskError> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.at(path))
            .map_err(|e| self.determinate("open", path, e))?;
        Ok(OsFile {
            file,
            path: path.to_owned(),
        })
    }

    fn create_new(&self, path: &str, length: u64) -> Result<OsFile, DiskError> {
        let fail = |e| self.of_change("create", path, e);
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.at(path))
            .map_err(fail)?;
        if let Err(error) = Self::fill_with_zeros(&file, length) {
            // Best effort: a leftover is cleaned at the next open.
            let _ = fs::remove_file(self.at(path));
            return Err(fail(error));
        }
        Ok(OsFile {
            file,
            path: path.to_owned(),
        })
    }

    fn read_at(&self, file: &OsFile, offset: u64, buffer: &mut [u8]) -> Result<usize, DiskError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match file
                .file
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.determinate("read", &file.path, e)),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, file: &OsFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        file.file
            .write_all_at(bytes, offset)
            .map_err(|e| self.of_change("write", &file.path, e))
    }

    fn sync_data(&self, file: &OsFile) -> Result<(), DiskError> {
        file.file
            .sync_data()
            .map_err(|e| self.of_change("flush", &file.path, e))
    }

    fn len(&self, file: &OsFile) -> Result<u64, DiskError> {
        let metadata = file.file.metadata();
        Ok(metadata
            .map_err(|e| self.determinate("measure", &file.path, e))?
            .len())
    }

    fn truncate(&self, file: &OsFile, length: u64) -> Result<(), DiskError> {
        file.file
            .set_len(length)
            .map_err(|e| self.of_change("truncate", &file.path, e))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this is the home of durable files"
    )]
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        fs::rename(self.at(from), self.at(to)).map_err(|e| self.of_change("rename", from, e))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        fs::remove_file(self.at(path)).map_err(|e| self.of_change("remove", path, e))
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        fs::File::open(self.at(path))
            .and_then(|directory| directory.sync_all())
            .map_err(|e| self.of_change("flush the directory", path, e))
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::statvfs(&self.root)
            .map_err(|e| self.determinate("ask the free space of", "", e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn forget_cached(&self, path: &str) -> Result<(), DiskError> {
        let file = self.open(path)?.file;
        let advised = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        advised.map_err(|e| self.determinate("advise about", path, e.into()))
    }

    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        let started = thread::Builder::new().name("log-spare".into()).spawn(work);
        // Without a thread the work is dropped, and whoever waits for it
        // sees that and does it alone.
        drop(started);
    }
}
