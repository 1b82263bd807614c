//! The files of an authority and of what it made.

use crate::files::replace;
use crate::refusal::Refusal;
use anyhow::Context;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use understudy_tls::Issued;
use understudy_types::NodeId;

const ONLY_ITS_OWNER: u32 = 0o600;
const FOR_EVERYBODY: u32 = 0o644;

/// What a certificate's two files are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stem {
    Authority,
    Of(String),
}

impl Stem {
    pub(super) fn node(name: &NodeId) -> Stem {
        Stem::Of(format!("node-{name}"))
    }

    pub(super) fn operator(name: &NodeId) -> Stem {
        Stem::Of(format!("operator-{name}"))
    }

    pub(super) fn certificate(&self) -> String {
        format!("{}.pem", self.name())
    }

    pub(super) fn key(&self) -> String {
        format!("{}.key", self.name())
    }

    fn name(&self) -> &str {
        match self {
            Stem::Authority => "ca",
            Stem::Of(name) => name,
        }
    }
}

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Directory {
        Directory { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses where a file of that name is: nothing is ever written over.
    pub(super) fn is_free(&self, stem: &Stem, way_out: &str) -> Result<(), Refusal> {
        let taken = [stem.certificate(), stem.key()];
        let taken = taken.iter().find(|name| self.path.join(name).exists());
        match taken {
            None => Ok(()),
            Some(name) => Err(Refusal::new(
                "E601",
                format!("{} exists already", self.path.join(name).display()),
                way_out,
            )),
        }
    }

    /// Certificate and key, if both are there.
    pub(super) fn read(&self, stem: &Stem) -> anyhow::Result<Option<(String, String)>> {
        let read = |name: String| {
            let path = self.path.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).with_context(|| path.display().to_string()),
            }
        };
        Ok(read(stem.certificate())?.zip(read(stem.key())?))
    }

    /// Makes both files; the key is readable by its owner alone from the
    /// moment it exists.
    pub(super) fn write(&self, stem: &Stem, issued: &Issued) -> anyhow::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .with_context(|| self.path.display().to_string())?;
        self.create(&stem.key(), &issued.key, ONLY_ITS_OWNER)?;
        self.create(&stem.certificate(), &issued.certificate, FOR_EVERYBODY)
    }

    /// A new certificate in place of the old one, as a whole.
    pub(super) fn replace(&self, stem: &Stem, certificate: &str) -> anyhow::Result<()> {
        Ok(replace(
            &self.path,
            &stem.certificate(),
            certificate.as_bytes(),
        )?)
    }

    fn create(&self, name: &str, text: &str, mode: u32) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }
}
