use super::tokens::{Holder, Person};
use blake3::Hash;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::watch;
use understudy_types::BootTime;

/// After so long a person signs in again.
pub(crate) const LASTS: Duration = Duration::from_secs(12 * 3600);
const OPEN_MAX: usize = 256;
/// Of one person: a careless program must not sign others out.
const OPEN_OF_ONE_MAX: usize = 16;

/// Who is signed in. Only digests of the cookies are kept; a restart signs
/// everybody out.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<Vec<Session>>,
    ended: watch::Sender<()>,
}

#[derive(Debug)]
struct Session {
    key: Hash,
    holder: Holder,
    until: BootTime,
}

impl Sessions {
    /// The new session's secret, for the cookie. The oldest session of too
    /// many ends, of the same person first.
    pub(crate) fn open(&self, holder: Holder, now: BootTime) -> String {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).expect("the system gives entropy");
        let secret = Hash::from_bytes(secret).to_hex().to_string();
        let mut open = self.open.lock();
        let before = open.len();
        open.retain(|session| now < session.until);
        let is_own = |session: &Session| session.holder.person == holder.person;
        let own = open.iter().filter(|session| is_own(session));
        if own.count() >= OPEN_OF_ONE_MAX {
            let oldest = open.iter().position(is_own);
            open.remove(oldest.expect("just counted"));
        }
        if open.len() == OPEN_MAX {
            open.remove(0);
        }
        if open.len() < before {
            self.ended.send_replace(());
        }
        open.push(Session {
            key: blake3::hash(secret.as_bytes()),
            holder,
            until: now + LASTS,
        });
        secret
    }

    pub(crate) fn person(&self, secret: &str, now: BootTime) -> Option<Person> {
        let key = blake3::hash(secret.as_bytes());
        let open = self.open.lock();
        let session = open.iter().find(|session| session.key == key)?;
        (now < session.until).then(|| session.holder.person.clone())
    }

    pub(crate) fn close(&self, secret: &str) {
        let key = blake3::hash(secret.as_bytes());
        self.open.lock().retain(|session| session.key != key);
        self.ended.send_replace(());
    }

    /// Ends those of all others. It is told even when none was: a token may
    /// be in use without a session.
    pub(crate) fn keep(&self, is_kept: impl Fn(&Holder) -> bool) {
        self.open.lock().retain(|session| is_kept(&session.holder));
        self.ended.send_replace(());
    }

    /// Changes when one was ended before its time.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::{LASTS, OPEN_MAX, Sessions};
    use crate::access::tokens::{Holder, Person, Role};
    use understudy_types::BootTime;

    fn kim() -> Person {
        Person {
            name: "kim".to_owned(),
            role: Role::Operator,
        }
    }

    #[test]
    fn session_lasts_until_its_time_or_its_end() {
        let (sessions, now) = (Sessions::default(), BootTime::from_nanos(5));
        let (one, two) = (
            sessions.open(Holder::of(kim()), now),
            sessions.open(Holder::of(kim()), now),
        );
        assert_ne!(one, two);
        assert_eq!(sessions.person(&one, now), Some(kim()));
        assert_eq!(sessions.person(&one, now + LASTS), None);
        sessions.close(&one);
        assert_eq!(sessions.person(&one, now), None);
        assert_eq!(sessions.person(&two, now), Some(kim()));
        assert_eq!(sessions.person("", now), None);
    }

    #[test]
    fn sessions_are_bounded_and_the_oldest_ends_first() {
        let (sessions, now) = (Sessions::default(), BootTime::from_nanos(5));
        let person = |number: usize| Person {
            name: format!("p{number}"),
            role: Role::Viewer,
        };
        let first = sessions.open(Holder::of(kim()), now);
        let others: Vec<_> = (0..OPEN_MAX)
            .map(|number| sessions.open(Holder::of(person(number)), now))
            .collect();
        assert_eq!(sessions.person(&first, now), None);
        assert_eq!(sessions.person(&others[0], now), Some(person(0)));
    }

    #[test]
    fn one_persons_many_sessions_end_no_other_persons() {
        let (sessions, now) = (Sessions::default(), BootTime::from_nanos(5));
        let lou = Person {
            name: "lou".to_owned(),
            role: Role::Viewer,
        };
        let of_kim = sessions.open(Holder::of(kim()), now);
        let first = sessions.open(Holder::of(lou.clone()), now);
        for _ in 0..OPEN_MAX {
            sessions.open(Holder::of(lou.clone()), now);
        }
        assert_eq!(sessions.person(&of_kim, now), Some(kim()));
        assert_eq!(sessions.person(&first, now), None);
    }
}
