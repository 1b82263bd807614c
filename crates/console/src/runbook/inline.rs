//! What the runbooks use of Markdown within a paragraph: `**strong**`, code in
//! backticks, and `[text](target)`.

use super::sections;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Strong(&'a str),
    Code(&'a str),
    /// The target is a file of the repository, which no reader here has.
    Link(&'a str),
}

/// The first piece and what is behind it. A mark that does not close is text.
fn split(line: &str) -> Option<(Piece<'_>, &str)> {
    let between = |open: &str, close: &str| line.strip_prefix(open)?.split_once(close);
    if let Some((inside, rest)) = between("**", "**") {
        return Some((Piece::Strong(inside), rest));
    }
    if let Some((inside, rest)) = between("`", "`") {
        return Some((Piece::Code(inside), rest));
    }
    let link = between("[", "](").and_then(|(text, rest)| Some((text, rest.split_once(')')?.1)));
    if let Some((text, rest)) = link {
        return Some((Piece::Link(text), rest));
    }
    let first = line.chars().next()?.len_utf8();
    let next = line[first..].find(['*', '`', '[']);
    let (text, rest) = line.split_at(next.map_or(line.len(), |next| first + next));
    Some((Piece::Text(text), rest))
}

fn pieces(line: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (piece, behind) = split(rest)?;
        rest = behind;
        Some(piece)
    })
}

pub(super) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for piece in pieces(line) {
        match piece {
            Piece::Text(text) | Piece::Strong(text) | Piece::Link(text) => out += text,
            Piece::Code(text) => {
                out.push('`');
                out += text;
                out.push('`');
            }
        }
    }
    out
}

pub(super) fn html(line: &str) -> String {
    let mut out = String::with_capacity(2 * line.len());
    for piece in pieces(line) {
        out += &match piece {
            Piece::Text(text) => linked(text),
            Piece::Strong(text) => format!("<b>{}</b>", escaped(text)),
            Piece::Code(text) => format!("<code>{}</code>", escaped(text)),
            Piece::Link(text) => escaped(text),
        };
    }
    out
}

/// Text with a link at each id that has a section.
fn linked(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let linked = words.map(|word| {
        let id = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let behind = escaped(&word[id.len()..]);
        match sections().find(|section| section.id == id) {
            Some(_) => format!("<a href=\"/runbook/{id}\">{id}</a>{behind}"),
            None => escaped(id) + &behind,
        }
    });
    linked.collect()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_told_plainly_and_as_html() {
        let line = "**Do**: `a < b`, see [lag.md](../lag.md), P04; 2 * 3 [open";
        assert_eq!(plain(line), "Do: `a < b`, see lag.md, P04; 2 * 3 [open");
        assert_eq!(
            html(line),
            "<b>Do</b>: <code>a &lt; b</code>, see lag.md, \
             <a href=\"/runbook/P04\">P04</a>; 2 * 3 [open"
        );
    }

    #[test]
    fn nothing_is_taken_for_markup() {
        assert_eq!(html("<i>&\"ä\""), "&lt;i&gt;&amp;&quot;ä&quot;");
    }
}
