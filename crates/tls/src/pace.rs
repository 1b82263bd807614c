//! Not more than one line a second about who is not let in: whoever floods a
//! port does not fill the log too.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const BETWEEN_LINES: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) remote: String,
    pub(crate) cause: String,
    /// Those before it that have no line of their own.
    pub(crate) unnamed: u64,
}

/// From a line on, what follows is held for a second; of that the last is said.
#[derive(Debug, Default)]
struct Pace {
    holds: bool,
    held: Option<Line>,
}

impl Pace {
    /// What is to be said now.
    fn hear(&mut self, line: Line) -> Option<Line> {
        if !self.holds {
            self.holds = true;
            return Some(line);
        }
        let before = self.held.take().map_or(0, |held| held.unnamed + 1);
        self.held = Some(Line {
            unnamed: before,
            ..line
        });
        None
    }

    /// A second later.
    fn passed(&mut self) -> Option<Line> {
        let held = self.held.take();
        self.holds = held.is_some();
        held
    }
}

/// The lines of one gate. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    service: Arc<str>,
    pace: Arc<Mutex<Pace>>,
}

impl Lines {
    pub(crate) fn of(service: &str) -> Lines {
        Lines {
            service: service.into(),
            pace: Arc::default(),
        }
    }

    pub(crate) fn say(&self, remote: String, cause: String) {
        let unnamed = 0;
        let line = Line {
            remote,
            cause,
            unnamed,
        };
        let Some(line) = self.pace.lock().hear(line) else {
            return;
        };
        self.warn(&line);
        let lines = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(BETWEEN_LINES).await;
                let held = lines.pace.lock().passed();
                match held {
                    Some(line) => lines.warn(&line),
                    None => return,
                }
            }
        });
    }

    fn warn(&self, line: &Line) {
        let (service, remote, cause) = (&*self.service, &line.remote, &line.cause);
        match line.unnamed {
            0 => tracing::warn!(service, remote, cause, "a connection was not let in"),
            more => tracing::warn!(service, remote, cause, more, "a connection was not let in"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Pace};

    fn line(cause: &str, unnamed: u64) -> Line {
        Line {
            remote: "10.0.0.1:1".to_owned(),
            cause: cause.to_owned(),
            unnamed,
        }
    }

    #[test]
    fn what_comes_within_a_second_is_one_line_with_its_number() {
        let mut pace = Pace::default();
        assert_eq!(pace.hear(line("first", 0)), Some(line("first", 0)));
        for cause in ["second", "third", "last"] {
            assert_eq!(pace.hear(line(cause, 0)), None);
        }
        assert_eq!(pace.passed(), Some(line("last", 2)));
        assert_eq!(pace.hear(line("soon after", 0)), None);
        assert_eq!(pace.passed(), Some(line("soon after", 0)));
        assert_eq!(pace.passed(), None);
        assert_eq!(
            pace.hear(line("much later", 0)),
            Some(line("much later", 0))
        );
    }
}
