use blake3::Hash;

/// What somebody may do; each may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
}

/// Somebody who has shown a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// Somebody, and the digest of the token that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) person: Person,
    digest: Hash,
}

/// A shorter one could be guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// Who may look and act. Tokens themselves are not kept, and never shown:
/// only their digests are.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Holder>);

/// What is wrong with a list of tokens; never shows one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("line {0} is not `NAME TOKEN`: write the person's name, a space, and the token")]
    NotAPair(usize),
    #[error(
        "line {0} has a token of fewer than {TOKEN_CHARS_MIN} characters: make one with `openssl rand -hex 16`"
    )]
    TooShort(usize),
    #[error("line {0} has a token that another line has: give each person one of their own")]
    Twice(usize),
    #[error("it names nobody: write `NAME TOKEN` in a line for each person, or leave the list out")]
    Nobody,
}

impl Tokens {
    /// Adds the people of a list: `NAME TOKEN` in each line; empty lines and
    /// lines that begin with `#` are passed over. A list of nobody is refused:
    /// without viewers everybody may look, and that must not happen by chance.
    pub fn add(&mut self, role: Role, list: &str) -> Result<(), TokenError> {
        let before = self.0.len();
        for (line, text) in (1..).zip(list.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let mut words = text.split_whitespace();
            let (Some(name), Some(token), None) = (words.next(), words.next(), words.next()) else {
                return Err(TokenError::NotAPair(line));
            };
            if token.len() < TOKEN_CHARS_MIN {
                return Err(TokenError::TooShort(line));
            }
            let digest = blake3::hash(token.as_bytes());
            if self.0.iter().any(|known| known.digest == digest) {
                return Err(TokenError::Twice(line));
            }
            let name = name.to_owned();
            let person = Person { name, role };
            self.0.push(Holder { person, digest });
        }
        match self.0.len() > before {
            true => Ok(()),
            false => Err(TokenError::Nobody),
        }
    }

    /// Whose token that is. Takes the same time for every wrong one: digests
    /// are compared, in constant time, with all that there are.
    pub(crate) fn holder(&self, token: &str) -> Option<&Holder> {
        let digest = blake3::hash(token.as_bytes());
        let mut found = None;
        for holder in &self.0 {
            if holder.digest == digest {
                found = Some(holder);
            }
        }
        found
    }

    /// The same person by the same token, in the same role.
    pub(crate) fn has(&self, holder: &Holder) -> bool {
        self.0.contains(holder)
    }

    /// Nobody can sign in.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looking needs a token as well, once there are viewers.
    pub(crate) fn has_viewers(&self) -> bool {
        self.0
            .iter()
            .any(|holder| holder.person.role == Role::Viewer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, Holder, Person, Role, TokenError, Tokens};

    const KIM: &str = "0123456789abcdef0";

    fn operators(list: &str) -> Result<Tokens, TokenError> {
        let mut tokens = Tokens::default();
        tokens.add(Role::Operator, list).map(|()| tokens)
    }

    #[test]
    fn token_names_its_holder_and_nothing_else_does() {
        let tokens = operators(&format!("# people\n\nkim {KIM}\nlou fedcba9876543210\n")).unwrap();
        assert_eq!(tokens.holder(KIM).unwrap().person.name, "kim");
        assert_eq!(tokens.holder(KIM).unwrap().person.role, Role::Operator);
        for wrong in ["", "kim", "0123456789abcdef", "0123456789ABCDEF0"] {
            assert_eq!(tokens.holder(wrong), None, "{wrong:?}");
        }
        assert!(!tokens.has_viewers());
    }

    impl Holder {
        /// Of a token that no list has.
        pub(crate) fn of(person: Person) -> Holder {
            let digest = Hash::from_bytes([1; 32]);
            Holder { person, digest }
        }
    }

    #[test]
    fn tokens_are_never_shown() {
        let tokens = operators(&format!("kim {KIM}")).unwrap();
        assert!(!format!("{tokens:?}").contains(KIM));
        for list in [
            format!("kim x {KIM}"),
            format!("kim {KIM}\nlou {KIM}"),
            format!("{KIM}x"),
        ] {
            let error = operators(&list).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(KIM));
        }
    }

    #[test]
    fn lists_that_make_no_sense_are_refused_with_their_line() {
        assert_eq!(operators("kim").unwrap_err(), TokenError::NotAPair(1));
        assert_eq!(
            operators("\nkim short").unwrap_err(),
            TokenError::TooShort(2)
        );
        assert_eq!(operators(" \n# kim\n").unwrap_err(), TokenError::Nobody);
        let twice = format!("kim {KIM}\nlou {KIM}");
        assert_eq!(operators(&twice).unwrap_err(), TokenError::Twice(2));
    }
}
