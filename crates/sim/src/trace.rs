//! The trace of a run: off while seeds are many, on when one is looked at.

use crate::time::SimTime;

#[derive(Debug, Default)]
pub(crate) enum Trace {
    /// Costs nothing.
    #[default]
    Off,
    Kept(Vec<String>),
}

impl Trace {
    pub(crate) fn say(&mut self, now: SimTime, line: impl FnOnce() -> String) {
        if let Trace::Kept(lines) = self {
            lines.push(format!("{now} {}", line()));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        match self {
            Trace::Off => Vec::new(),
            Trace::Kept(lines) => lines,
        }
    }
}
