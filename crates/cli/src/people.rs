//! Who may look at the console's page and act by it: two lists, whose files
//! may change while the node runs.

use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinError;
use understudy_console::{Console, Role, Subject, Tokens};
use understudy_node::settings::PageSettings;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where the lists are.
#[derive(Clone, Debug)]
pub(crate) struct People(Vec<(Role, Place)>);

#[derive(Clone, Debug)]
enum Place {
    Variable(&'static str),
    File(PathBuf),
}

impl People {
    /// A variable stands for its file.
    pub(crate) fn of(page: &PageSettings) -> People {
        let place = |variable: &'static str, file: &Option<PathBuf>| match list_in(variable) {
            Some(_) => Some(Place::Variable(variable)),
            None => file.clone().map(Place::File),
        };
        let viewers = place("UNDERSTUDY_CONSOLE_VIEWERS", &page.viewers_file);
        let operators = place("UNDERSTUDY_CONSOLE_OPERATORS", &page.operators_file);
        let lists = [(Role::Viewer, viewers), (Role::Operator, operators)];
        let given = |(role, place): (Role, Option<Place>)| Some((role, place?));
        People(lists.into_iter().filter_map(given).collect())
    }

    pub(crate) fn read(&self) -> anyhow::Result<Tokens> {
        let mut tokens = Tokens::default();
        for (role, place) in &self.0 {
            let (list, name) = match place {
                Place::Variable(name) => (list_in(name).unwrap_or_default(), (*name).to_owned()),
                Place::File(path) => {
                    let name = path.display().to_string();
                    let list = std::fs::read_to_string(path);
                    let list = list.with_context(|| {
                        format!("the console's tokens in {name} cannot be read: make the file readable for this user, or leave it out of [console]")
                    })?;
                    (list, name)
                }
            };
            tokens
                .add(*role, &list)
                .with_context(|| format!("the console's tokens in {name}"))?;
        }
        Ok(tokens)
    }

    /// Of the files, those that cannot be read included; the process' own
    /// variables do not change.
    fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for (_, place) in &self.0 {
            if let Place::File(path) = place {
                let read = std::fs::read(path).map_err(|error| error.kind().to_string());
                let read = read.as_ref().map_or_else(String::as_bytes, Vec::as_slice);
                hasher.update(&(read.len() as u64).to_le_bytes());
                hasher.update(read);
            }
        }
        hasher.finalize()
    }
}

/// An empty variable is one that somebody forgot to fill.
fn list_in(variable: &str) -> Option<String> {
    let list = std::env::var(variable).ok();
    list.filter(|list| !list.trim().is_empty())
}

/// The lists as they were looked at last.
#[derive(Clone, Debug)]
pub(crate) struct WatchedPeople {
    people: People,
    /// Of what was taken, or could not be.
    judged: blake3::Hash,
    seen: blake3::Hash,
}

#[derive(Debug)]
enum Look {
    Same,
    Taken(Tokens),
    Faulty(anyhow::Error),
}

impl WatchedPeople {
    /// With the lists that are there now.
    pub(crate) fn open(people: People) -> anyhow::Result<(WatchedPeople, Tokens)> {
        // Before they are read, so that a change during that is seen later.
        let judged = people.digest();
        let tokens = people.read()?;
        let seen = judged;
        let watched = WatchedPeople {
            people,
            judged,
            seen,
        };
        Ok((watched, tokens))
    }

    /// What stays as it is for a look is judged: half a list that is being
    /// written would end the sessions of the other half.
    fn look(&mut self) -> Look {
        let found = self.people.digest();
        let is_settled = std::mem::replace(&mut self.seen, found) == found;
        if !is_settled || found == self.judged {
            return Look::Same;
        }
        self.judged = found;
        match self.people.read() {
            Ok(tokens) => Look::Taken(tokens),
            Err(error) => Look::Faulty(error),
        }
    }

    /// By a thread that may wait for the files. One that panics leaves these
    /// as they were, for the next look.
    async fn looked(&mut self, look: fn(&mut WatchedPeople) -> Look) -> Result<Look, JoinError> {
        let mut watched = self.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let found = look(&mut watched);
            (watched, found)
        });
        let (watched, found) = looking.await?;
        *self = watched;
        Ok(found)
    }

    /// Gives the console changed lists as they come, until it is dropped.
    pub(crate) async fn watch<S: Subject>(mut self, console: Console<S>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.looked(WatchedPeople::look).await {
                Ok(Look::Same) => {}
                Ok(Look::Taken(tokens)) => {
                    console.take_tokens(tokens);
                    tracing::info!("changed lists of the console's people are in use");
                }
                Ok(Look::Faulty(error)) => tracing::warn!(
                    error = format!("{error:#}"),
                    "changed lists of the console's people cannot be used: the former ones stay in use"
                ),
                // The process ends.
                Err(error) if error.is_cancelled() => return,
                Err(error) => tracing::error!(
                    %error,
                    "a look at the lists of the console's people broke off, and is tried again: while this line comes back, a token that was taken from a list still counts; switch over, and start this node again"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, People, Place, WatchedPeople};
    use std::io::Write;
    use std::path::Path;
    use understudy_console::Role;

    const KIM: &str = "kim 0123456789abcdef\n";
    const LOU: &str = "lou fedcba9876543210\n";

    fn watched(file: &Path) -> WatchedPeople {
        let people = People(vec![(Role::Operator, Place::File(file.to_owned()))]);
        WatchedPeople::open(people).expect("a sound list").0
    }

    fn write(file: &Path, text: &str) {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = options.open(file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn changed_list_is_taken_when_it_stays_and_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("operators");
        write(&file, KIM);
        let mut watched = watched(&file);
        assert!(matches!(watched.look(), Look::Same));
        write(&file, "");
        assert!(matches!(watched.look(), Look::Same), "just begun");
        write(&file, LOU);
        assert!(matches!(watched.look(), Look::Same), "changed again");
        assert!(matches!(watched.look(), Look::Taken(_)));
        assert!(matches!(watched.look(), Look::Same));
    }

    #[test]
    fn list_that_cannot_be_used_is_told_once_and_the_next_one_taken() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("operators");
        write(&file, KIM);
        let mut watched = watched(&file);
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(watched.look(), Look::Same));
        let Look::Faulty(error) = watched.look() else {
            panic!("it stays away");
        };
        let told = format!("{error:#}");
        assert!(told.contains("operators cannot be read"), "{told}");
        assert!(matches!(watched.look(), Look::Same));
        write(&file, KIM);
        assert!(matches!(watched.look(), Look::Same));
        assert!(matches!(watched.look(), Look::Taken(_)));
    }

    #[tokio::test]
    async fn look_that_panics_is_told_and_the_next_one_sees_the_change() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("operators");
        write(&file, KIM);
        let mut watched = watched(&file);
        write(&file, LOU);
        let look = watched.looked(WatchedPeople::look).await;
        assert!(matches!(look, Ok(Look::Same)), "{look:?}");
        let broken = watched.looked(|_| panic!("the disk's driver")).await;
        assert!(broken.is_err_and(|error| error.is_panic()));
        let look = watched.looked(WatchedPeople::look).await;
        assert!(matches!(look, Ok(Look::Taken(_))), "{look:?}");
    }
}
