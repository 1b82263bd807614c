use super::faults::Faults;
use super::inode::Inode;
use super::names::{Names, Node};
use super::steps::{Change, Steps};
use crate::disk::parent;
use crate::{Disk, DiskError};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

const ROOM_WITHOUT_LIMIT: u64 = 1 << 40;

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// An open file; it does not survive a power cut.
#[derive(Debug)]
pub struct SimFile {
    inode: u64,
    incarnation: u64,
    path: String,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) names: Names,
    pub(super) inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    pub(super) incarnation: u64,
    pub(super) faults: Faults,
    pub(super) steps: Steps,
    pub(super) sync_count: u64,
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        match self.faults.changes_before_cut {
            Some(0) => Err(io::Error::other("the power is off")),
            _ => Ok(()),
        }
    }

    fn count_change(&mut self) -> io::Result<()> {
        self.check_power()?;
        if let Some(left) = &mut self.faults.changes_before_cut {
            *left -= 1;
        }
        Ok(())
    }

    /// How much of `wanted` there is space for; it is taken.
    fn allocate(&mut self, wanted: u64) -> u64 {
        let Some(space) = &mut self.faults.space else {
            return wanted;
        };
        let given = wanted.min(*space);
        *space -= given;
        given
    }

    fn inode(&mut self, file: &SimFile) -> io::Result<&mut Inode> {
        if file.incarnation != self.incarnation {
            return Err(io::Error::other("the file was opened before the power cut"));
        }
        Ok(self
            .inodes
            .get_mut(&file.inode)
            .expect("an open file has an inode"))
    }

    fn file(&self, path: &str) -> io::Result<u64> {
        self.check_power()?;
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(inode),
            Some(Node::Directory) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn directory(&self, path: &str) -> io::Result<()> {
        self.check_power()?;
        match self.names.get(path) {
            Some(Node::Directory) => Ok(()),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn create_dir(&mut self, path: &str) -> io::Result<()> {
        self.count_change()?;
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        for end in ends.filter(|end| *end > 0) {
            match self.names.get(&path[..end]) {
                Some(Node::Directory) => {}
                Some(Node::File(_)) => return Err(ErrorKind::AlreadyExists.into()),
                None => self.names.create(&path[..end], Node::Directory),
            }
        }
        Ok(())
    }

    fn create_new(&mut self, path: &str, length: u64) -> io::Result<u64> {
        self.count_change()?;
        self.directory(parent(path))?;
        if self.names.get(path).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let given = self.allocate(length);
        if given < length {
            // The partial file is removed, and its space comes back.
            self.faults.space = Some(given);
            return Err(ErrorKind::StorageFull.into());
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes
            .insert(inode, Inode::durable_zeros(length as usize));
        self.names.create(path, Node::File(inode));
        Ok(inode)
    }

    fn write(&mut self, file: &SimFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count_change()?;
        let given = self.allocate(bytes.len() as u64) as usize;
        self.inode(file)?.write(offset as usize, &bytes[..given]);
        if given < bytes.len() {
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn sync(&mut self, file: &SimFile) -> io::Result<()> {
        self.count_change()?;
        self.sync_count += 1;
        let failing = self.faults.syncs_before_failure == Some(0);
        self.faults.syncs_before_failure = match self.faults.syncs_before_failure {
            None | Some(0) => None,
            Some(left) => Some(left - 1),
        };
        let inode = self.inode(file)?;
        if failing {
            inode.fail_sync();
            return Err(io::Error::other("the device reported an error"));
        }
        inode.sync();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.count_change()?;
        let inode = self.file(from)?;
        self.directory(parent(to))?;
        self.names.rename(Node::File(inode), from, to);
        if std::mem::take(&mut self.faults.rename_lies) {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.file(path)?;
        self.count_change()?;
        self.names.remove(path);
        Ok(())
    }

    fn sync_dir(&mut self, path: &str) -> io::Result<()> {
        self.count_change()?;
        self.directory(path)?;
        self.names.sync(path);
        Ok(())
    }
}

impl SimDisk {
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the disk's lock")
    }

    fn opened(state: &State, inode: u64, path: &str) -> SimFile {
        SimFile {
            inode,
            incarnation: state.incarnation,
            path: path.to_owned(),
        }
    }
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimDisk").finish_non_exhaustive()
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::CreateDirectory, path, |state| {
            state.create_dir(path)
        });
        done.map_err(|e| DiskError::of_change("create the directory", path, e))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let state = self.lock();
        state
            .directory(path)
            .map_err(|e| DiskError::determinate("list", path, e))?;
        Ok(state.names.children(path))
    }

    fn read(&self, path: &str) -> Result<Bytes, DiskError> {
        let state = self.lock();
        let inode = state
            .file(path)
            .map_err(|e| DiskError::determinate("read", path, e))?;
        Ok(Bytes::copy_from_slice(&state.inodes[&inode].bytes))
    }

    fn open(&self, path: &str) -> Result<SimFile, DiskError> {
        let state = self.lock();
        let inode = state
            .file(path)
            .map_err(|e| DiskError::determinate("open", path, e))?;
        Ok(Self::opened(&state, inode, path))
    }

    fn create_new(&self, path: &str, length: u64) -> Result<SimFile, DiskError> {
        let mut state = self.lock();
        let inode = state
            .step(Change::Create, path, |state| state.create_new(path, length))
            .map_err(|e| DiskError::of_change("create", path, e))?;
        Ok(Self::opened(&state, inode, path))
    }

    fn read_at(&self, file: &SimFile, offset: u64, buffer: &mut [u8]) -> Result<usize, DiskError> {
        let mut state = self.lock();
        let fail = |e| DiskError::determinate("read", &file.path, e);
        state.check_power().map_err(fail)?;
        let bytes = &state.inode(file).map_err(fail)?.bytes;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, file: &SimFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::Write, &file.path, |state| {
            state.write(file, offset, bytes)
        });
        done.map_err(|e| DiskError::of_change("write", &file.path, e))
    }

    fn sync_data(&self, file: &SimFile) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::Flush, &file.path, |state| state.sync(file));
        done.map_err(|e| DiskError::of_change("flush", &file.path, e))
    }

    fn len(&self, file: &SimFile) -> Result<u64, DiskError> {
        let mut state = self.lock();
        let inode = state.inode(file);
        inode
            .map(|inode| inode.bytes.len() as u64)
            .map_err(|e| DiskError::determinate("measure", &file.path, e))
    }

    fn truncate(&self, file: &SimFile, length: u64) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::Truncate, &file.path, |state| {
            state.count_change()?;
            state
                .inode(file)
                .map(|inode| inode.truncate(length as usize))
        });
        done.map_err(|e| DiskError::of_change("truncate", &file.path, e))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::Rename, to, |state| state.rename(from, to));
        done.map_err(|e| DiskError::of_change("rename", from, e))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::Remove, path, |state| state.remove(path));
        done.map_err(|e| DiskError::of_change("remove", path, e))
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut state = self.lock();
        let done = state.step(Change::SyncDirectory, path, |state| state.sync_dir(path));
        done.map_err(|e| DiskError::of_change("flush the directory", path, e))
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        Ok(self.lock().faults.space.unwrap_or(ROOM_WITHOUT_LIMIT))
    }
}
