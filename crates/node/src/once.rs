//! Failures that last are told once.

/// What was told last.
#[derive(Debug, Default)]
pub(crate) struct Once(Option<String>);

impl Once {
    /// Whether this is news.
    pub(crate) fn is_news(&mut self, failure: &impl ToString) -> bool {
        let failure = failure.to_string();
        let news = self.0.as_ref() != Some(&failure);
        self.0 = Some(failure);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::Once;

    #[test]
    fn only_what_changes_is_news() {
        let mut once = Once::default();
        let news = ["dark", "dark", "refused", "dark"].map(|failure| once.is_news(&failure));
        assert_eq!(news, [true, false, true, true]);
    }
}
