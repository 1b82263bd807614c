use std::fmt::Write;

/// Lines of a name and what it is, in two columns.
#[derive(Debug, Default)]
pub(crate) struct Table {
    text: String,
}

const NAME_WIDTH: usize = 18;

impl Table {
    pub(crate) fn titled(title: &str) -> Self {
        Table {
            text: format!("{title}\n"),
        }
    }

    pub(crate) fn row(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "  {name:<NAME_WIDTH$}{value}");
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Microseconds as a person reads them.
pub(crate) fn micros(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} µs"),
        1_000..1_000_000 => format!("{:.2} ms", value as f64 / 1e3),
        _ => format!("{:.3} s", value as f64 / 1e6),
    }
}

/// Counts by kind on one line.
pub(crate) fn counts<'a>(kinds: impl IntoIterator<Item = (&'a &'static str, &'a u64)>) -> String {
    let parts: Vec<String> = kinds
        .into_iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}
