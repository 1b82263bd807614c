use bytes::Bytes;

/// Which attempt of a run: the key and the value follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Attempt {
    pub(super) writer: u32,
    /// Counted from 0 by each writer.
    pub(super) number: u64,
}

/// Names the attempts of one run; two runs never share a key.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    prefix: String,
    value_size: usize,
}

impl Naming {
    pub(super) fn new(prefix: &str, run: u64, value_size: usize) -> Self {
        Naming {
            prefix: format!("{prefix}{run:016x}/"),
            value_size,
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn key(&self, attempt: Attempt) -> Bytes {
        let Attempt { writer, number } = attempt;
        format!("{}{writer:05}/{number:012}", self.prefix).into()
    }

    /// The key, repeated to the value's size: a value found under another
    /// key, or made of two, is noticed.
    pub(super) fn value(&self, attempt: Attempt) -> Bytes {
        let key = self.key(attempt);
        let size = self.value_size.max(key.len());
        key.iter().copied().cycle().take(size).collect()
    }

    /// The attempt that a key names; none when no attempt has this key.
    pub(super) fn attempt(&self, key: &[u8]) -> Option<Attempt> {
        let rest = key.strip_prefix(self.prefix.as_bytes())?;
        let (writer, number) = std::str::from_utf8(rest).ok()?.split_once('/')?;
        let attempt = Attempt {
            writer: writer.parse().ok()?,
            number: number.parse().ok()?,
        };
        (self.key(attempt) == key).then_some(attempt)
    }
}
