use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LINES_SHOWN: usize = 40;

/// A temporary directory, which stays when the test panics: then its place
/// and the ends of its logs are printed.
#[derive(Debug)]
pub struct Directory {
    inner: Option<TempDir>,
    path: PathBuf,
}

impl Directory {
    #[allow(clippy::new_without_default, reason = "it touches the disk")]
    pub fn new() -> Directory {
        let inner = tempfile::Builder::new()
            .prefix("understudy-")
            .tempdir()
            .expect("a temporary directory");
        Directory {
            path: inner.path().to_owned(),
            inner: Some(inner),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn show_logs(&self) {
        let Ok(entries) = std::fs::read_dir(&self.path) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|end| end == "log") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let from = lines.len().saturating_sub(LINES_SHOWN);
                eprintln!("--- {}\n{}", path.display(), lines[from..].join("\n"));
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.show_logs();
        if let Some(inner) = self.inner.take() {
            eprintln!("kept for you: {}", inner.keep().display());
        }
    }
}
