//! The pages docs/runbooks, in the binary: one section for each id that a
//! refusal, a check or an alert shows.

mod inline;

use std::fmt::Write;
use std::sync::LazyLock;

const REFUSALS: &str = include_str!("../../../../docs/runbooks/refusals.md");
const ALERTS: &str = include_str!("../../../../docs/runbooks/alerts.md");

/// What the runbook says of one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// `E301`, `P04`, `UnderstudyLagUnknown`.
    pub id: &'static str,
    heading: &'static str,
    /// Paragraphs in Markdown, one a line.
    pub text: &'static str,
}

impl Section {
    /// One line: the heading's words, or what an alert means.
    pub fn title(&self) -> String {
        if !self.heading.is_empty() {
            return self.heading.to_owned();
        }
        let means = self.text.lines().next().unwrap_or_default();
        let means = inline::plain(means.trim_start_matches("**Means**: "));
        let sentence = means
            .split_once(". ")
            .map_or(means.as_str(), |(one, _)| one);
        sentence.trim_end_matches('.').to_owned()
    }

    pub(crate) fn title_html(&self) -> String {
        inline::html(&self.title())
    }

    /// For a terminal.
    pub fn plain(&self) -> String {
        let mut out = format!("{} {}", self.id, self.heading);
        out.truncate(out.trim_end().len());
        for paragraph in self.paragraphs() {
            out += "\n\n";
            out += &inline::plain(paragraph);
        }
        out
    }

    /// For the inside of a page; ids of other sections are links.
    pub(crate) fn html(&self) -> String {
        let (id, heading) = (self.id, inline::html(self.heading));
        let mut out = format!("<h1>{id} {heading}</h1>\n");
        for paragraph in self.paragraphs() {
            let _ = writeln!(out, "<p>{}</p>", inline::html(paragraph));
        }
        out
    }

    fn paragraphs(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty())
    }
}

static SECTIONS: LazyLock<Vec<Section>> =
    LazyLock::new(|| [REFUSALS, ALERTS].into_iter().flat_map(read).collect());

/// What stands before the first heading is of the whole page.
fn read(page: &'static str) -> impl Iterator<Item = Section> {
    page.split("\n## ").skip(1).map(|part| {
        let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
        let (id, heading) = heading.split_once(' ').unwrap_or((heading, ""));
        let text = text.trim();
        Section { id, heading, text }
    })
}

/// All sections, in the pages' order: refusals, checks, alerts.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter()
}

/// The section of an id, in whatever case it was typed.
pub fn section(id: &str) -> Option<&'static Section> {
    sections().find(|section| section.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::{Section, section, sections};
    use std::collections::BTreeSet;

    #[test]
    fn every_id_has_one_section_with_a_title_and_a_text() {
        let mut ids = BTreeSet::new();
        for section in sections() {
            assert!(ids.insert(section.id), "{} is there twice", section.id);
            assert!(!section.title().is_empty(), "{}", section.id);
            assert!(section.text.contains("**"), "{}", section.id);
        }
        for id in ["E301", "P04", "UnderstudyLagUnknown"] {
            assert!(ids.contains(id), "{id}");
        }
    }

    #[test]
    fn section_is_found_by_its_whole_id_only() {
        let found = section("e301").expect("there is one");
        assert_eq!(found.title(), "the pair moved since you looked");
        assert_eq!(section("E3"), None);
        assert_eq!(section("E999"), None);
        assert_eq!(section(""), None);
    }

    #[test]
    fn title_of_an_alert_is_what_it_means() {
        let alert = section("UnderstudyNoPrimary").expect("there is one");
        assert_eq!(alert.title(), "for 30 s no node has served writes");
    }

    #[test]
    fn no_mark_of_markdown_is_left_over() {
        for section in sections() {
            let (plain, html) = (section.plain(), section.html());
            assert!(plain.starts_with(section.id), "{plain}");
            for mark in ["**", "](", "## ", "```"] {
                assert!(!plain.contains(mark), "{mark} in {plain}");
                assert!(!html.contains(mark), "{mark} in {html}");
            }
            assert!(!html.contains('`'), "{html}");
        }
    }

    #[test]
    fn every_link_of_a_section_leads_to_another_section() {
        let mut links = 0;
        for html in sections().map(Section::html) {
            for link in html.split("href=\"").skip(1) {
                let target = link.split('"').next().expect("it ends");
                let id = target.strip_prefix("/runbook/").expect("a section");
                assert!(section(id).is_some(), "{target}");
                links += 1;
            }
        }
        assert!(links > 10, "{links}");
    }
}
