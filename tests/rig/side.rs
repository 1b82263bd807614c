use std::fmt;

/// One node of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Alpha,
    Bravo,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Alpha, Side::Bravo];

    pub fn other(self) -> Side {
        match self {
            Side::Alpha => Side::Bravo,
            Side::Bravo => Side::Alpha,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Side::Alpha => "alpha",
            Side::Bravo => "bravo",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
