use crate::exit::Exit;
use understudy_console::runbook;

/// An id, the fact, and the way out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused {id}: {fact}\n  way out: {way_out}")]
pub(crate) struct Refusal {
    pub(crate) id: &'static str,
    pub(crate) fact: String,
    pub(crate) way_out: String,
}

impl Refusal {
    pub(crate) fn new(
        id: &'static str,
        fact: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Refusal {
        Refusal {
            id,
            fact: fact.into(),
            way_out: way_out.into(),
        }
    }

    /// The command that says more about it.
    pub(crate) fn more(&self) -> Option<String> {
        let has_section = runbook::section(self.id).is_some();
        has_section.then(|| format!("understudy explain {}", self.id))
    }

    pub(crate) fn exit(&self) -> Exit {
        match self.id {
            "usage" => Exit::Usage,
            _ => Exit::Refused,
        }
    }
}
