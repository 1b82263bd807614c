use crate::disk::parent;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File(u64),
}

#[derive(Debug, Clone)]
enum Change {
    Create(String, Node),
    Remove(String),
    /// What is named anew is the file, whatever the device still shows under
    /// the former name.
    Rename {
        from: String,
        to: String,
        node: Node,
    },
}

impl Change {
    fn touches(&self, directory: &str) -> bool {
        match self {
            Change::Create(path, _) | Change::Remove(path) => parent(path) == directory,
            Change::Rename { from, to, .. } => parent(from) == directory || parent(to) == directory,
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Change::Create(path, node) => {
                names.insert(path.clone(), *node);
            }
            Change::Remove(path) => {
                names.remove(path);
            }
            Change::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// The tree of names as the system shows it, and what the device has.
#[derive(Default)]
pub(super) struct Names {
    shown: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    unsynced: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, path: &str) -> Option<Node> {
        if path.is_empty() {
            Some(Node::Directory)
        } else {
            self.shown.get(path).copied()
        }
    }

    pub(super) fn children(&self, directory: &str) -> Vec<String> {
        let inside = self.shown.keys().filter(|path| parent(path) == directory);
        inside
            .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
            .collect()
    }

    pub(super) fn create(&mut self, path: &str, node: Node) {
        self.change(Change::Create(path.to_owned(), node));
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.change(Change::Remove(path.to_owned()));
    }

    pub(super) fn rename(&mut self, node: Node, from: &str, to: &str) {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.change(Change::Rename { from, to, node });
    }

    pub(super) fn sync(&mut self, directory: &str) {
        let all = std::mem::take(&mut self.unsynced);
        let (synced, rest) = all
            .into_iter()
            .partition::<Vec<_>, _>(|c| c.touches(directory));
        synced
            .iter()
            .for_each(|change| change.apply(&mut self.durable));
        self.unsynced = rest;
    }

    /// Each unsynced change reached the device or did not; what lies below
    /// a lost directory is lost with it.
    pub(super) fn crash(&mut self, decide: &mut dyn FnMut() -> u64) {
        for change in std::mem::take(&mut self.unsynced) {
            if decide().is_multiple_of(2) {
                change.apply(&mut self.durable);
            }
        }
        let directories: Vec<String> = self.durable.keys().cloned().collect();
        for path in directories {
            let above = parent(&path);
            if !above.is_empty() && !self.durable.contains_key(above) {
                self.durable.remove(&path);
            }
        }
        self.shown = self.durable.clone();
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.shown);
        self.unsynced.push(change);
    }
}
