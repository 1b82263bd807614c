//! A disk of a node's own that can be filled: a small file system in memory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::AsyncWriteExt;

/// A command line that runs what follows it with a file system of 24 MiB in
/// memory at `place`, in a mount namespace of its own: nothing is to be
/// unmounted. None where this may not be done.
pub fn behind_small_disk(place: &Path) -> Option<Vec<String>> {
    std::fs::create_dir_all(place).expect("a place to mount at");
    let namespaces = match rustix::process::geteuid().is_root() {
        true => "-m",
        false => "-Urm",
    };
    let mount = "mount -t tmpfs -o size=24m small \"$0\" && exec \"$@\"";
    let place = place.to_str().expect("a path of ASCII");
    let line = ["unshare", namespaces, "sh", "-c", mount, place].map(str::to_owned);
    let mut tried = Command::new(&line[0]);
    let tried = tried.args(&line[1..]).arg("true").status();
    tried
        .is_ok_and(|status| status.success())
        .then(|| line.to_vec())
}

/// The small disk, as the process sees it that was started behind it.
#[derive(Debug)]
pub struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    pub fn of(process: u32, place: &Path) -> SmallDisk {
        let inside = place.strip_prefix("/").expect("an absolute path");
        let root = PathBuf::from(format!("/proc/{process}/root"));
        SmallDisk {
            place: root.join(inside),
        }
    }

    pub async fn fill(&self) {
        let mut file = tokio::fs::File::create(self.filler())
            .await
            .expect("a file");
        let block = vec![1; 4096];
        loop {
            // The flush makes the write's own error visible.
            let written = match file.write_all(&block).await {
                Ok(()) => file.flush().await,
                error => error,
            };
            match written {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
    }

    pub async fn make_room(&self) {
        tokio::fs::remove_file(self.filler())
            .await
            .expect("the filler");
    }

    fn filler(&self) -> PathBuf {
        self.place.join("filler")
    }
}

/// The largest file below a directory: of a log, its segment with all data.
pub fn largest_file(directory: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => found.push(path),
            }
        }
    }
    let is_larger = |path: &PathBuf| path.metadata().map(|data| data.len()).unwrap_or(0);
    found.into_iter().max_by_key(is_larger).expect("a file")
}
