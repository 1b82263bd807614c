/// How the store betrays its callers when it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Takes `If-Match` and `If-None-Match` on puts, and ignores them.
    IgnoresConditions,
    /// Honours `If-Match`, and creates over an existing object.
    CreatesTwice,
    /// Gives one `ETag` to everything.
    KeepsETag,
    /// Checks, then writes, and lets others in between.
    ChecksThenWrites,
}

impl Lie {
    pub const ALL: [Lie; 4] = [
        Lie::IgnoresConditions,
        Lie::CreatesTwice,
        Lie::KeepsETag,
        Lie::ChecksThenWrites,
    ];
}

/// The `ETag` of [`Lie::KeepsETag`].
pub(crate) const ONLY_ETAG: &str = "00000000000000000000000000000000";
