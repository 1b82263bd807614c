//! Who may look, and who may act. Without tokens everybody who reaches the
//! console may look, and nobody may act.

mod attempts;
mod caller;
mod denied;
mod sessions;
mod tokens;

pub(crate) use caller::Caller;
pub(crate) use denied::Denied;
use tokens::{Holder, Person};
pub use tokens::{Role, TokenError, Tokens};

use attempts::Attempts;
use parking_lot::RwLock;
use sessions::{LASTS, Sessions};
use tokio::sync::watch;
use understudy_types::BootTime;

#[derive(Debug)]
pub(crate) struct Access {
    /// Held for reading while a session is opened: none outlives a change.
    tokens: RwLock<Tokens>,
    sessions: Sessions,
    attempts: Attempts,
    /// Of its own for each node: cookies know no ports.
    cookie: String,
}

/// Who has come to stay, as long as what let them in holds.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    caller: Caller,
    pub(crate) signed_in: bool,
}

impl Access {
    pub(crate) fn new(tokens: Tokens, node: &str) -> Access {
        Access {
            tokens: RwLock::new(tokens),
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            cookie: format!("understudy_{node}"),
        }
    }

    pub(crate) fn has_tokens(&self) -> bool {
        !self.tokens.read().is_empty()
    }

    /// From now on these count. Sessions that were opened with a token that is
    /// not among them in the same role end.
    pub(crate) fn take(&self, tokens: Tokens) {
        let mut current = self.tokens.write();
        *current = tokens;
        self.sessions.keep(|holder| current.has(holder));
    }

    /// Whose token that is. A wrong one counts against the caller's address.
    fn holder(
        &self,
        tokens: &Tokens,
        caller: &Caller,
        token: &str,
        now: BootTime,
    ) -> Result<Holder, Denied> {
        if tokens.is_empty() {
            return Err(Denied::NoTokens);
        }
        // A right one passes, or anybody at the same proxy could keep all out.
        if let Some(holder) = tokens.holder(token) {
            return Ok(holder.clone());
        }
        if let Some(wait) = self.attempts.wait(caller.address, now) {
            return Err(Denied::TooManyWrong(wait));
        }
        self.attempts.note_wrong(caller.address, now);
        Err(Denied::WrongToken)
    }

    /// Opens a session; gives the person and the cookie's line.
    pub(crate) fn sign_in(
        &self,
        caller: &Caller,
        token: &str,
        now: BootTime,
    ) -> Result<(Person, String), Denied> {
        let tokens = self.tokens.read();
        let holder = self.holder(&tokens, caller, token, now)?;
        let person = holder.person.clone();
        let secret = self.sessions.open(holder, now);
        let lasts = LASTS.as_secs();
        Ok((person, self.cookie_line(&secret, lasts)))
    }

    /// Ends the caller's session; gives the line that removes the cookie.
    pub(crate) fn sign_out(&self, caller: &Caller) -> String {
        if let Some(secret) = caller.cookie(&self.cookie) {
            self.sessions.close(secret);
        }
        self.cookie_line("", 0)
    }

    fn cookie_line(&self, secret: &str, lasts: u64) -> String {
        let name = &self.cookie;
        format!("{name}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={lasts}")
    }

    /// Who calls: by the session's cookie, or by a token in `Authorization`.
    pub(crate) fn person(&self, caller: &Caller, now: BootTime) -> Result<Option<Person>, Denied> {
        if let Some(token) = caller.bearer() {
            let holder = self.holder(&self.tokens.read(), caller, token, now);
            return holder.map(|holder| Some(holder.person));
        }
        Ok(self.person_by_cookie(caller, now))
    }

    fn person_by_cookie(&self, caller: &Caller, now: BootTime) -> Option<Person> {
        self.sessions.person(caller.cookie(&self.cookie)?, now)
    }

    /// Whether who was let in is still somebody. A token that was right when
    /// it was shown is no guess, so this counts against nobody's address.
    fn is_known(&self, caller: &Caller, now: BootTime) -> bool {
        match caller.bearer() {
            Some(token) => self.tokens.read().holder(token).is_some(),
            None => self.person_by_cookie(caller, now).is_some(),
        }
    }

    pub(crate) fn guest(&self, caller: Caller, now: BootTime) -> Guest {
        let signed_in = matches!(self.person(&caller, now), Ok(Some(_)));
        Guest { caller, signed_in }
    }

    /// Whoever came so may stay for now; asked again after every
    /// [`Access::changed`], and from time to time, because sessions run out.
    pub(crate) fn may_stay(&self, guest: &Guest, now: BootTime) -> bool {
        let everybody_may = !guest.signed_in && !self.tokens.read().has_viewers();
        everybody_may || self.is_known(&guest.caller, now)
    }

    /// Changes when a session was ended, or a token may be nobody's any more.
    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.sessions.ended()
    }

    pub(crate) fn may_look(&self, caller: &Caller, now: BootTime) -> Result<(), Denied> {
        let asks_who = self.tokens.read().has_viewers();
        match asks_who && self.person(caller, now)?.is_none() {
            true => Err(Denied::NotSignedIn),
            false => Ok(()),
        }
    }

    /// The operator who calls, from a page of this console or from a program.
    pub(crate) fn operator(&self, caller: &Caller, now: BootTime) -> Result<Person, Denied> {
        if !self.has_tokens() {
            return Err(Denied::NoTokens);
        }
        caller.is_own_page_or_program()?;
        match self.person(caller, now)? {
            None => Err(Denied::NotSignedIn),
            Some(person) if person.role < Role::Operator => Err(Denied::NotOperator(person.name)),
            Some(person) => Ok(person),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Caller, Denied, Guest, LASTS, Role, Tokens};
    use axum::http::HeaderMap;
    use axum::http::header::{AUTHORIZATION, COOKIE};
    use understudy_types::BootTime;

    const TOKEN: &str = "0123456789abcdef";

    fn access(tokens: Tokens) -> Access {
        Access::new(tokens, "alpha")
    }

    fn viewers(list: &str) -> Tokens {
        let mut tokens = Tokens::default();
        tokens.add(Role::Viewer, list).unwrap();
        tokens
    }

    /// Comes back with the session's cookie.
    fn signed_in(access: &Access, token: &str, now: BootTime) -> Guest {
        let stranger = Caller::with(HeaderMap::new());
        let (_, line) = access.sign_in(&stranger, token, now).unwrap();
        let cookie = line.split(';').next().unwrap().parse().unwrap();
        let headers = HeaderMap::from_iter([(COOKIE, cookie)]);
        let guest = access.guest(Caller::with(headers), now);
        assert!(guest.signed_in);
        guest
    }

    #[test]
    fn guest_may_stay_as_long_as_the_session_lasts() {
        let access = access(viewers(&format!("vic {TOKEN}")));
        let now = BootTime::from_nanos(5);
        let guest = signed_in(&access, TOKEN, now);
        assert!(access.may_stay(&guest, now));
        assert!(!access.may_stay(&guest, now + LASTS));
        let stranger = access.guest(Caller::with(HeaderMap::new()), now);
        assert!(!stranger.signed_in && !access.may_stay(&stranger, now));
    }

    #[test]
    fn token_that_was_right_once_counts_as_no_guess() {
        let access = access(viewers(&format!("vic {TOKEN}")));
        let now = BootTime::from_nanos(5);
        let bearer = format!("Bearer {TOKEN}").parse().unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let guest = access.guest(Caller::with(headers), now);
        assert!(guest.signed_in && access.may_stay(&guest, now));
        access.take(viewers("lou fedcba9876543210"));
        for _ in 0..20 {
            assert!(!access.may_stay(&guest, now));
        }
        let wrong = access.sign_in(&Caller::with(HeaderMap::new()), "wrong", now);
        assert_eq!(wrong.unwrap_err(), Denied::WrongToken, "and not E504");
    }

    #[test]
    fn session_ends_with_its_token_and_with_its_role() {
        let (now, other) = (BootTime::from_nanos(5), "fedcba9876543210");
        let both = format!("vic {TOKEN}\nlou {other}");
        let access = access(viewers(&both));
        let vic = signed_in(&access, TOKEN, now);
        let lou = signed_in(&access, other, now);
        let mut changed = access.changed();
        changed.borrow_and_update();
        access.take(viewers(&both));
        assert!(access.may_stay(&vic, now) && access.may_stay(&lou, now));
        // Another token of the same name is another token.
        access.take(viewers(&format!("vic {TOKEN}\nlou {other}1")));
        assert!(access.may_stay(&vic, now) && !access.may_stay(&lou, now));
        assert!(changed.has_changed().unwrap(), "pages look again");
        let mut tokens = viewers(&format!("lou {other}"));
        tokens.add(Role::Operator, &format!("vic {TOKEN}")).unwrap();
        access.take(tokens);
        assert!(!access.may_stay(&vic, now), "it was opened by a viewer");
    }
}
