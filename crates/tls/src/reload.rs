//! Files that may be replaced while they are in use.

use crate::{ClientCredentials, ClientTlsFiles, Credentials, CredentialsError, Holder, TlsFiles};
use parking_lot::{Mutex, RwLock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

type Read<T> = Box<dyn Fn() -> Result<T, CredentialsError> + Send + Sync>;

/// What was last read without a fault, and whether the files are worse now.
pub struct Reloaded<T> {
    paths: Vec<PathBuf>,
    read: Read<T>,
    current: RwLock<Arc<T>>,
    seen: Mutex<Seen>,
}

/// Of the files' bytes.
type Digest = blake3::Hash;

#[derive(Debug)]
struct Seen {
    taken: Digest,
    /// Could not be taken at the last look. Two files are never replaced at
    /// once, so what is wrong is told when it stays.
    faulty: Option<Digest>,
    problem: Option<String>,
}

/// What a look at the files led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Same,
    Taken,
    /// It is told when it is still so at the next look.
    PerhapsFaulty,
    Faulty(String),
}

impl<T> std::fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloaded")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

impl Reloaded<Credentials> {
    pub fn open(files: TlsFiles, holder: Holder) -> Result<Arc<Self>, CredentialsError> {
        let paths = files.paths();
        Reloaded::with(paths, Box::new(move || files.read(&holder)))
    }
}

impl Reloaded<ClientCredentials> {
    pub fn open(files: ClientTlsFiles) -> Result<Arc<Self>, CredentialsError> {
        let paths = files.paths();
        Reloaded::with(paths, Box::new(move || files.read()))
    }
}

impl<T> Reloaded<T> {
    fn with(paths: Vec<PathBuf>, read: Read<T>) -> Result<Arc<Self>, CredentialsError> {
        // Before the files, so that a change during the reading is seen later.
        let taken = digest(&paths);
        let current = RwLock::new(Arc::new(read()?));
        let seen = Mutex::new(Seen {
            taken,
            faulty: None,
            problem: None,
        });
        Ok(Arc::new(Reloaded {
            paths,
            read,
            current,
            seen,
        }))
    }

    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read())
    }

    /// Why the files as they are now are not used.
    pub fn problem(&self) -> Option<String> {
        self.seen.lock().problem.clone()
    }

    pub(crate) fn look(&self) -> Look {
        let digest = digest(&self.paths);
        let mut seen = self.seen.lock();
        if digest == seen.taken {
            seen.faulty = None;
            seen.problem = None;
            return Look::Same;
        }
        match (self.read)() {
            Ok(new) => {
                *self.current.write() = Arc::new(new);
                *seen = Seen {
                    taken: digest,
                    faulty: None,
                    problem: None,
                };
                Look::Taken
            }
            Err(_) if seen.faulty != Some(digest) => {
                seen.faulty = Some(digest);
                Look::PerhapsFaulty
            }
            Err(error) => {
                let problem = error.to_string();
                if seen.problem.as_ref() == Some(&problem) {
                    return Look::Same;
                }
                seen.problem = Some(problem.clone());
                Look::Faulty(problem)
            }
        }
    }
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Takes changed files as they come, until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
            let reloaded = Arc::clone(&self);
            let look = tokio::task::spawn_blocking(move || reloaded.look()).await;
            let files = self.paths.iter().map(|path| path.display().to_string());
            let files = files.collect::<Vec<_>>().join(", ");
            match look {
                Ok(Look::Taken) => {
                    tracing::info!(
                        files,
                        "changed certificate files are in use for new connections"
                    );
                }
                Ok(Look::Faulty(problem)) => tracing::warn!(
                    files,
                    problem,
                    "changed certificate files cannot be used: the former ones stay in use"
                ),
                _ => {}
            }
        }
    }
}

/// What cannot be read is part of it.
fn digest(paths: &[PathBuf]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        match std::fs::read(path) {
            Ok(bytes) => {
                hasher.update(&(bytes.len() as u64).to_le_bytes());
                hasher.update(&bytes);
            }
            Err(error) => {
                hasher.update(error.kind().to_string().as_bytes());
            }
        }
    }
    hasher.finalize()
}
