use serde::Serialize;

/// An id, the fact, and the way out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub id: String,
    pub fact: String,
    pub way_out: String,
}

impl Refusal {
    pub fn new(id: &str, fact: impl Into<String>, way_out: impl Into<String>) -> Refusal {
        Refusal {
            id: id.to_owned(),
            fact: fact.into(),
            way_out: way_out.into(),
        }
    }
}
