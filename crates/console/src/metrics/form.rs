//! The two text formats that scrapers know, and which of them one gets.

/// `Plain` is Prometheus' text format 0.0.4; `OpenMetrics` is
/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    OpenMetrics,
}

const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_VERSION: &str = "1.0.0";

impl Form {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Form::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What the header `Accept` asks for: OpenMetrics only by its name, and
    /// when plain text is not liked better.
    pub(crate) fn wanted(accept: &str) -> Form {
        let (mut open, mut plain) = (0.0_f32, 0.0_f32);
        for range in accept.split(',').filter_map(Range::read) {
            match range.media {
                OPEN_METRICS if range.is_of_version(OPEN_METRICS_VERSION) => {
                    open = open.max(range.weight);
                }
                "text/plain" => plain = plain.max(range.weight),
                _ => {}
            }
        }
        match open > 0.0 && open >= plain {
            true => Form::OpenMetrics,
            false => Form::Plain,
        }
    }
}

/// One of the media ranges that a client takes.
struct Range<'a> {
    media: &'a str,
    version: Option<&'a str>,
    weight: f32,
}

impl<'a> Range<'a> {
    /// None for a weight that is no number.
    fn read(text: &'a str) -> Option<Range<'a>> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Range {
            media: parts.next()?,
            version: None,
            weight: 1.0,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name {
                "version" => range.version = Some(value.trim_matches('"')),
                "q" => range.weight = value.parse().ok()?,
                _ => {}
            }
        }
        Some(range)
    }

    fn is_of_version(&self, version: &str) -> bool {
        self.version.is_none_or(|asked| asked == version)
    }
}

#[cfg(test)]
mod tests {
    use super::Form::{self, OpenMetrics, Plain};

    #[test]
    fn form_is_the_one_that_is_asked_for() {
        // What Prometheus 2.42 and 3 send, among others.
        for (accept, form) in [
            ("", Plain),
            ("*/*", Plain),
            ("text/html, */*;q=0.8", Plain),
            ("text/plain", Plain),
            ("application/openmetrics-text", OpenMetrics),
            (
                "application/openmetrics-text; version=\"1.0.0\"",
                OpenMetrics,
            ),
            ("application/openmetrics-text;version=0.0.1", Plain),
            ("application/openmetrics-text;version=2.0.0", Plain),
            ("application/openmetrics-text;q=0", Plain),
            ("application/openmetrics-text;q=much", Plain),
            (
                "application/openmetrics-text;q=0.1, text/plain;q=0.5",
                Plain,
            ),
            ("text/plain, application/openmetrics-text", OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;\
                 escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
        ] {
            assert_eq!(Form::wanted(accept), form, "{accept}");
        }
    }
}
