use std::fmt;

/// What the last third may have more of than the first, at the median, beside
/// a quarter. Less cannot be told from an allocator's own ways.
const MEMORY_MORE: u64 = 24 << 20;
const FILES_MORE: u64 = 4;
const CONNECTIONS_MORE: u64 = 4;
/// With fewer looks there is no first and no last third to compare.
const LOOKS_MIN: usize = 6;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub memory_bytes: u64,
    /// Open files that are no sockets.
    pub files: u64,
    pub connections: u64,
}

impl Resources {
    /// Of a process of this machine. Panics when it is gone.
    pub fn of(process: u32) -> Resources {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"));
        let status = status.expect("the process runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let kibibytes: u64 = kibibytes.expect("VmRSS in kB");
        let mut found = Resources {
            memory_bytes: kibibytes * 1024,
            ..Resources::default()
        };
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).expect("the process runs");
        // One that was closed meanwhile leads nowhere.
        for target in open
            .flatten()
            .filter_map(|e| std::fs::read_link(e.path()).ok())
        {
            match target.to_string_lossy().starts_with("socket:") {
                true => found.connections += 1,
                false => found.files += 1,
            }
        }
        found
    }
}

/// Looks at both processes, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    looks: Vec<[Resources; 2]>,
}

impl Growth {
    pub fn note(&mut self, look: [Resources; 2]) {
        self.looks.push(look);
    }

    /// Whether nothing has grown beyond the rule, in either process. With too
    /// few looks there is no answer.
    pub fn is_bounded(&self) -> Option<bool> {
        if self.looks.len() < LOOKS_MIN {
            return None;
        }
        let bounded = |field: fn(&Resources) -> u64, more: u64| {
            (0..2).all(|side| {
                let column = self.column(side, field);
                let third = column.len() / 3;
                let first = median(&column[..third]);
                median(&column[column.len() - third..]) <= first + first / 4 + more
            })
        };
        Some(
            bounded(|look| look.memory_bytes, MEMORY_MORE)
                && bounded(|look| look.files, FILES_MORE)
                && bounded(|look| look.connections, CONNECTIONS_MORE),
        )
    }

    fn column(&self, side: usize, field: fn(&Resources) -> u64) -> Vec<u64> {
        self.looks.iter().map(|look| field(&look[side])).collect()
    }

    fn line(&self, name: &str, field: fn(&Resources) -> u64) -> String {
        let of = |side: usize| {
            let column = self.column(side, field);
            match (column.first(), column.last()) {
                (Some(first), Some(last)) => {
                    format!("first {first}, last {last}, median {}", median(&column))
                }
                _ => "none".to_owned(),
            }
        };
        format!("  {name:<17}alpha {}; bravo {}", of(0), of(1))
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.is_bounded() {
            Some(true) => "none",
            Some(false) => "GROWS",
            None => "unknown, too few histories to compare",
        };
        writeln!(
            f,
            "growth             {verdict} ({} looks)",
            self.looks.len()
        )?;
        writeln!(
            f,
            "{}",
            self.line("memory MiB", |look| look.memory_bytes >> 20)
        )?;
        writeln!(f, "{}", self.line("open files", |look| look.files))?;
        write!(f, "{}", self.line("connections", |look| look.connections))
    }
}

#[cfg(test)]
mod tests {
    use super::{Growth, Resources};

    fn growth(numbers: impl Iterator<Item = Resources>) -> Growth {
        Growth {
            looks: numbers.map(|look| [Resources::default(), look]).collect(),
        }
    }

    fn look(memory_mib: u64, files: u64, connections: u64) -> Resources {
        Resources {
            memory_bytes: memory_mib << 20,
            files,
            connections,
        }
    }

    #[test]
    fn what_goes_up_and_down_is_bounded_and_what_goes_up_is_not() {
        let waves = (0..30).map(|n| look(100 + n % 7, 20 + n % 3, 15 + n % 4));
        assert_eq!(growth(waves).is_bounded(), Some(true));
        let memory = (0..30).map(|n| look(100 + 4 * n, 20, 15));
        assert_eq!(growth(memory).is_bounded(), Some(false));
        let files = (0..30).map(|n| look(100, 20 + n, 15));
        assert_eq!(growth(files).is_bounded(), Some(false));
        let connections = (0..30).map(|n| look(100, 20, 15 + n));
        assert_eq!(growth(connections).is_bounded(), Some(false));
    }

    #[test]
    fn few_looks_tell_nothing() {
        let few = (0..5).map(|n| look(100 * n, 20, 15));
        assert_eq!(growth(few).is_bounded(), None);
    }

    #[test]
    fn own_process_is_looked_at() {
        let before = Resources::of(std::process::id());
        let file = tempfile::tempfile().expect("a file");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let after = Resources::of(std::process::id());
        assert!(after.memory_bytes > 0);
        assert!(after.files > before.files, "{before:?} {after:?}");
        assert!(
            after.connections > before.connections,
            "{before:?} {after:?}"
        );
        drop((file, socket));
    }
}
