use std::fmt;
use std::time::Duration;

/// Durations of many rounds, as p50, p99 and the longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn median(&self) -> Option<Duration> {
        self.quantile(50)
    }

    pub fn longest(&self) -> Option<Duration> {
        self.quantile(100)
    }

    /// The least of them that is not below so many percent of them.
    fn quantile(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.max(1) - 1).copied()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantiles = [50, 99, 100].map(|percent| self.quantile(percent));
        let [Some(p50), Some(p99), Some(max)] = quantiles else {
            return f.write_str("none");
        };
        let [p50, p99, max] = [p50, p99, max].map(|duration| duration.as_secs_f64());
        write!(f, "p50 {p50:.4} s, p99 {p99:.4} s, max {max:.4} s")
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;
    use std::time::Duration;

    #[test]
    fn quantiles_are_ranks() {
        let mut spread = Spread::default();
        assert_eq!(spread.to_string(), "none");
        for milliseconds in (1..=200).rev() {
            spread.add(Duration::from_millis(milliseconds));
        }
        let text = "p50 0.1000 s, p99 0.1980 s, max 0.2000 s";
        assert_eq!(spread.to_string(), text);
    }
}
