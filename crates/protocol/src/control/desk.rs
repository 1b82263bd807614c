//! The one place where the lease is read and written: a single request under
//! way, and every ambiguous answer settled by reading back.

use super::Seen;
use super::event::{Action, LeaseFetched, Moment, Notice, Setup, WriteAnswer};
use crate::lease::{ETag, Lease};
use std::time::Duration;
use understudy_types::{BootTime, Nonce};

/// How soon a failed read is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A write of ours that has certainly been applied.
#[derive(Clone, Debug)]
pub(crate) struct Won {
    pub(crate) lease: Lease,
    pub(crate) etag: ETag,
    /// From before the attempt that landed was sent.
    pub(crate) sent_at: BootTime,
}

/// What an answer of the store meant.
#[derive(Debug)]
pub(crate) enum DeskNews {
    Nothing,
    /// The store answered, and the lease is as it was.
    Unchanged,
    Changed {
        lease: Box<Lease>,
        etag: ETag,
    },
    Won(Box<Won>),
    Unusable(Notice),
}

#[derive(Debug)]
struct Write {
    base: ETag,
    draft: Lease,
    /// Every attempt at this write that may still land.
    attempts: Vec<(Nonce, BootTime)>,
}

#[derive(Debug)]
enum State {
    Idle,
    Reading,
    Writing(Write),
    /// The outcome of the attempts is open: read back at `due`, or reading.
    Settling {
        write: Write,
        due: Option<BootTime>,
    },
}

/// Names one read of the lease, in the order they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReadNumber(u64);

#[derive(Debug)]
pub(crate) struct Desk {
    state: State,
    next_read: BootTime,
    /// A reason to look arose while a request was under way.
    read_again: bool,
    last_sent: ReadNumber,
    last_sent_at: BootTime,
    last_answered: ReadNumber,
}

impl Desk {
    pub(crate) fn new(now: BootTime) -> Self {
        Desk {
            state: State::Idle,
            next_read: now,
            read_again: false,
            last_sent: ReadNumber(0),
            last_sent_at: now,
            last_answered: ReadNumber(0),
        }
    }

    /// The first read that will be sent from now on.
    pub(crate) fn next_number(&self) -> ReadNumber {
        ReadNumber(self.last_sent.0 + 1)
    }

    /// Whether the store has answered this read, or a later one.
    pub(crate) fn has_answered(&self, read: ReadNumber) -> bool {
        self.last_answered >= read
    }

    /// When the last read was sent.
    pub(crate) fn last_sent_at(&self) -> BootTime {
        self.last_sent_at
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether a write of ours is under way or its outcome is open.
    pub(crate) fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing(_) | State::Settling { .. })
    }

    pub(crate) fn read_now(&mut self, now: BootTime) {
        self.next_read = now;
        self.read_again = true;
    }

    /// Looks at the latest so long from now.
    pub(crate) fn read_within(&mut self, now: BootTime, within: Duration) {
        self.next_read = self.next_read.min(now + within);
    }

    pub(crate) fn due(&self) -> Option<BootTime> {
        match &self.state {
            State::Idle => Some(self.next_read),
            State::Settling { due, .. } => *due,
            State::Reading | State::Writing(_) => None,
        }
    }

    /// Sends a write on top of `base`. Only when idle.
    pub(crate) fn write(
        &mut self,
        moment: &Moment,
        base: ETag,
        draft: Lease,
        out: &mut Vec<Action>,
    ) {
        assert!(self.is_idle(), "one request about the lease at a time");
        self.send(
            moment,
            Write {
                base,
                draft,
                attempts: Vec::new(),
            },
            out,
        );
    }

    fn send(&mut self, moment: &Moment, mut write: Write, out: &mut Vec<Action>) {
        let nonce = Nonce::from_bytes(moment.entropy);
        write.draft.nonce = nonce;
        write.attempts.push((nonce, moment.now));
        out.push(Action::WriteLease {
            base: write.base.clone(),
            body: write.draft.encode(),
        });
        self.state = State::Writing(write);
    }

    pub(crate) fn written(&mut self, moment: &Moment, answer: WriteAnswer) -> DeskNews {
        let State::Writing(write) = std::mem::replace(&mut self.state, State::Idle) else {
            return DeskNews::Nothing;
        };
        let WriteAnswer::Applied(etag) = answer else {
            // A 412 may be the answer to our own write, sent twice on its way.
            self.state = State::Settling {
                write,
                due: Some(moment.now),
            };
            return DeskNews::Nothing;
        };
        let sent_at = write.attempts.last().expect("an attempt was sent").1;
        DeskNews::Won(Box::new(Won {
            lease: write.draft,
            etag,
            sent_at,
        }))
    }

    pub(crate) fn fetched(
        &mut self,
        moment: &Moment,
        setup: &Setup,
        seen: Option<&Seen>,
        fetched: LeaseFetched,
        out: &mut Vec<Action>,
    ) -> DeskNews {
        let read = self.last_sent;
        let state = std::mem::replace(&mut self.state, State::Idle);
        let news = match state {
            State::Settling { write, due: None } => self.settle(moment, setup, write, fetched, out),
            State::Reading => self.read(moment, setup, seen, fetched),
            other => {
                self.state = other;
                return DeskNews::Nothing;
            }
        };
        if !matches!(news, DeskNews::Nothing | DeskNews::Unusable(_)) {
            self.last_answered = read;
        }
        news
    }

    fn read(
        &mut self,
        moment: &Moment,
        setup: &Setup,
        seen: Option<&Seen>,
        fetched: LeaseFetched,
    ) -> DeskNews {
        if self.read_again {
            self.next_read = moment.now;
        }
        match fetched {
            LeaseFetched::Found { etag, .. } if seen.is_some_and(|s| s.etag == etag) => {
                DeskNews::Unchanged
            }
            LeaseFetched::Found { etag, body } => decoded(setup, &body, etag),
            LeaseFetched::NotModified => DeskNews::Unchanged,
            LeaseFetched::Absent => DeskNews::Unusable(Notice::LeaseMissing),
            LeaseFetched::Failed => DeskNews::Nothing,
        }
    }

    /// Reads back after an ambiguous answer.
    fn settle(
        &mut self,
        moment: &Moment,
        setup: &Setup,
        write: Write,
        fetched: LeaseFetched,
        out: &mut Vec<Action>,
    ) -> DeskNews {
        let LeaseFetched::Found { etag, body } = fetched else {
            let missing = fetched == LeaseFetched::Absent;
            self.state = State::Settling {
                write,
                due: Some(moment.now + RETRY_AFTER),
            };
            return if missing {
                DeskNews::Unusable(Notice::LeaseMissing)
            } else {
                DeskNews::Nothing
            };
        };
        if etag == write.base {
            // Nothing has landed *yet*. Sent again on the same base, at most
            // one of the attempts can ever land.
            self.send(moment, write, out);
            return DeskNews::Unchanged;
        }
        let lease = match Lease::decode_of(&body, setup.cluster) {
            Ok(lease) => lease,
            Err(error) => return DeskNews::Unusable(Notice::LeaseUnusable(error.to_string())),
        };
        match write
            .attempts
            .iter()
            .find(|(nonce, _)| *nonce == lease.nonce)
        {
            Some((_, sent_at)) => DeskNews::Won(Box::new(Won {
                lease,
                etag,
                sent_at: *sent_at,
            })),
            None => DeskNews::Changed {
                lease: Box::new(lease),
                etag,
            },
        }
    }

    /// Issues the request that is due: a read-back, or a poll.
    pub(crate) fn drive(
        &mut self,
        moment: &Moment,
        poll_every: Duration,
        seen: Option<&Seen>,
        out: &mut Vec<Action>,
    ) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Settling {
                write,
                due: Some(due),
            } if due <= moment.now => {
                self.fetch(moment, None, out);
                self.state = State::Settling { write, due: None };
            }
            State::Idle if self.next_read <= moment.now => {
                self.read_again = false;
                self.next_read = moment.now + poll_every;
                self.fetch(moment, seen.map(|s| s.etag.clone()), out);
                self.state = State::Reading;
            }
            other => self.state = other,
        }
    }

    fn fetch(&mut self, moment: &Moment, known: Option<ETag>, out: &mut Vec<Action>) {
        self.last_sent = self.next_number();
        self.last_sent_at = moment.now;
        out.push(Action::FetchLease { known });
    }
}

fn decoded(setup: &Setup, body: &[u8], etag: ETag) -> DeskNews {
    match Lease::decode_of(body, setup.cluster) {
        Ok(lease) => DeskNews::Changed {
            lease: Box::new(lease),
            etag,
        },
        Err(error) => DeskNews::Unusable(Notice::LeaseUnusable(error.to_string())),
    }
}
