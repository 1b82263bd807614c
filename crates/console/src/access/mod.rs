//! Who may look, and who may act. Without tokens everybody who reaches the
//! console may look, and nobody may act.

mod attempts;
mod caller;
mod denied;
mod sessions;
mod tokens;

pub(crate) use caller::Caller;
pub(crate) use denied::Denied;
use tokens::Person;
pub use tokens::{Role, TokenError, Tokens};

use attempts::Attempts;
use sessions::{LASTS, Sessions};
use tokio::sync::watch;
use understudy_types::BootTime;

#[derive(Debug)]
pub(crate) struct Access {
    tokens: Tokens,
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
            tokens,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            cookie: format!("understudy_{node}"),
        }
    }

    pub(crate) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whose token that is. A wrong one counts against the caller's address.
    fn holder(&self, caller: &Caller, token: &str, now: BootTime) -> Result<Person, Denied> {
        if self.tokens.is_empty() {
            return Err(Denied::NoTokens);
        }
        // A right one passes, or anybody at the same proxy could keep all out.
        if let Some(person) = self.tokens.holder(token) {
            return Ok(person.clone());
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
        let person = self.holder(caller, token, now)?;
        let secret = self.sessions.open(person.clone(), now);
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
            return self.holder(caller, token, now).map(Some);
        }
        let secret = caller.cookie(&self.cookie);
        Ok(secret.and_then(|secret| self.sessions.person(secret, now)))
    }

    pub(crate) fn guest(&self, caller: Caller, now: BootTime) -> Guest {
        let signed_in = matches!(self.person(&caller, now), Ok(Some(_)));
        Guest { caller, signed_in }
    }

    /// Whoever came so may stay for now; asked again after every
    /// [`Access::changed`], and from time to time, because sessions run out.
    pub(crate) fn may_stay(&self, guest: &Guest, now: BootTime) -> bool {
        match guest.signed_in {
            true => matches!(self.person(&guest.caller, now), Ok(Some(_))),
            false => self.may_look(&guest.caller, now).is_ok(),
        }
    }

    /// Changes when a session was ended.
    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.sessions.ended()
    }

    pub(crate) fn may_look(&self, caller: &Caller, now: BootTime) -> Result<(), Denied> {
        match self.tokens.has_viewers() && self.person(caller, now)?.is_none() {
            true => Err(Denied::NotSignedIn),
            false => Ok(()),
        }
    }

    /// The operator who calls, from a page of this console or from a program.
    pub(crate) fn operator(&self, caller: &Caller, now: BootTime) -> Result<Person, Denied> {
        if self.tokens.is_empty() {
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
    use super::{Access, Caller, LASTS, Role, Tokens};
    use axum::http::HeaderMap;
    use understudy_types::BootTime;

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn guest_may_stay_as_long_as_the_session_lasts() {
        let mut tokens = Tokens::default();
        tokens.add(Role::Viewer, &format!("vic {TOKEN}")).unwrap();
        let access = Access::new(tokens, "alpha");
        let now = BootTime::from_nanos(5);
        let stranger = Caller::with(HeaderMap::new());
        let (_, line) = access.sign_in(&stranger, TOKEN, now).unwrap();
        let cookie = line.split(';').next().unwrap().parse().unwrap();
        let caller = Caller::with(HeaderMap::from_iter([(axum::http::header::COOKIE, cookie)]));
        let guest = access.guest(caller, now);
        assert!(guest.signed_in);
        assert!(access.may_stay(&guest, now));
        assert!(!access.may_stay(&guest, now + LASTS));
        let stranger = access.guest(stranger, now);
        assert!(!stranger.signed_in && !access.may_stay(&stranger, now));
    }
}
