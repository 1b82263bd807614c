//! The owner of a node's role: one pure state machine.
//!
//! Level-triggered: every event is first noted, then [`Control::drive`] looks
//! at what is known and issues the next act of the role. At most one request
//! about the lease is under way at a time ([`desk::Desk`]).

mod activate;
mod automatic;
mod desk;
mod errand;
mod event;
mod failsafe;
mod hooks;
mod inbox;
mod insync;
mod loss;
mod pause;
mod primary;
mod promotion;
mod registered;
mod standby;
mod view;

pub use automatic::Reluctance;
pub use errand::Errand;
pub use event::{
    Action, Completeness, Drained, Event, Facts, LeaseFetched, Moment, Notice, ObjectFetched,
    Setup, Step, WriteAnswer,
};
pub use failsafe::Failsafe;
pub use hooks::{HookCall, HookOutcome, HookPhase};
pub use insync::AckHome;
pub use loss::{Known, LossBound};
pub use view::{ControlView, LeaseView, PeerView, RoleName};

use crate::activation::{ActivationRequest, Mode};
use crate::lease::{ETag, Heads, Lease};
use activate::{Case, displaced};
use automatic::Watch;
use desk::{Desk, DeskNews};
use failsafe::Vow;
use hooks::Hooks;
use inbox::{Inbox, Look, Wait};
use loss::Confirmed;
use primary::Primary;
use promotion::Promotion;
use standby::Standby;
use std::time::Duration;
use understudy_types::{BootTime, Epoch};

/// How often a primary that has handed over looks whether the successor has
/// taken the lease.
const SUCCESSOR_POLL: Duration = Duration::from_millis(10);

/// The lease object as last seen, and since when it has looked like that.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) lease: Lease,
    pub(crate) etag: ETag,
    /// When the answer that first showed this object arrived.
    pub(crate) since: BootTime,
}

#[derive(Debug)]
enum Role {
    Standby(Standby),
    Promoting(Box<Promotion>),
    Primary(Box<Primary>),
    /// The process was asked to end and holds nothing any more.
    Ended,
}

/// One node's role, and all that it decides from.
#[derive(Debug)]
pub struct Control {
    setup: Setup,
    /// Durable: no batch of an older epoch is taken or acknowledged.
    promised: Epoch,
    seen: Option<Seen>,
    /// The last moment the store answered about the lease.
    store_answered: Option<BootTime>,
    facts: Facts,
    confirmed: Confirmed,
    desk: Desk,
    inbox: Inbox,
    watch: Watch,
    vow: Vow,
    running: Option<errand::Running>,
    hooks: Hooks,
    role: Role,
    shutting_down: bool,
}

impl Control {
    /// `promised` is what the data root says; `heads` are the recovered logs.
    pub fn new(setup: Setup, promised: Epoch, heads: Heads, now: BootTime) -> Self {
        let facts = Facts {
            heads,
            ..Facts::default()
        };
        Control {
            desk: Desk::new(now),
            inbox: Inbox::new(now),
            setup,
            promised,
            seen: None,
            store_answered: None,
            facts,
            confirmed: Confirmed::default(),
            watch: Watch::default(),
            vow: Vow::default(),
            running: None,
            hooks: Hooks::default(),
            role: Role::Standby(Standby::default()),
            shutting_down: false,
        }
    }

    /// Notes an event and issues what follows from it. `moment.entropy` must
    /// be fresh for every call.
    pub fn step(&mut self, moment: &Moment, event: Event, out: &mut Vec<Action>) {
        self.note(moment, event, out);
        self.drive(moment, out);
    }

    /// When [`Event::Tick`] is due at the latest; earlier ones do no harm.
    pub fn deadline(&self) -> BootTime {
        let role = match &self.role {
            // Without a lease there is nothing to judge a request by.
            Role::Standby(_) => self.seen.as_ref().and(self.inbox.patience_ends()),
            Role::Ended => None,
            Role::Promoting(promotion) => promotion.deadline(),
            Role::Primary(primary) => {
                let patience = self.inbox.patience_ends();
                let patience = patience.filter(|_| primary.judges_requests());
                primary
                    .next_due(&self.desk)
                    .into_iter()
                    .chain(patience)
                    .min()
            }
        };
        let polls = self
            .desk
            .due()
            .into_iter()
            .chain(self.inbox.due())
            .chain(role)
            .min();
        polls.unwrap_or(BootTime::from_nanos(u64::MAX))
    }

    fn note(&mut self, moment: &Moment, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Tick => {}
            Event::LeaseFetched(fetched) => {
                let news = self
                    .desk
                    .fetched(moment, &self.setup, self.seen.as_ref(), fetched, out);
                self.note_desk(moment, news, out);
            }
            Event::LeaseWritten(answer) => {
                let news = self.desk.written(moment, answer);
                self.note_desk(moment, news, out);
            }
            Event::ActivationFetched(fetched) => {
                if let Some(request) = self.inbox.fetched(moment, fetched, out) {
                    self.note_request(moment, request, out);
                }
            }
            Event::ActivationGiven(request) => self.note_request(moment, request, out),
            Event::PromisePersisted(epoch) => self.promised = self.promised.max(epoch),
            Event::Facts(facts) => self.note_facts(facts),
            Event::Knock => {
                self.desk.read_now(moment.now);
                self.inbox.read_now(moment.now);
            }
            Event::Errand { id, errand } => self.note_errand(id, errand, out),
            Event::HookEnded { id, outcome } => self.hooks.note_ended(id, outcome),
            Event::VouchAsked { epoch, round } => {
                self.note_vouch_asked(moment, epoch, round, out);
            }
            Event::Shutdown => self.shutting_down = true,
            other => self.note_in_role(moment, other),
        }
    }

    /// A request has come: the lease is read once more before it is judged.
    fn note_request(&mut self, moment: &Moment, request: ActivationRequest, out: &mut Vec<Action>) {
        if let Some(former) = self.inbox.waiting()
            && former.id != request.id
            && self.answers_for(former)
        {
            let (id, step) = (former.id, displaced(request.id));
            out.push(Action::Notify(Notice::Activation { id, step }));
        }
        let wait = Wait {
            read: self.desk.next_number(),
            until: Some(moment.now + self.setup.timing.store_patience()),
        };
        if self.inbox.given(request, wait) {
            self.desk.read_now(moment.now);
        }
    }

    /// Whether it is this node that the operator hears from.
    fn answers_for(&self, request: &ActivationRequest) -> bool {
        let hands_over = matches!(self.role, Role::Primary(_)) && request.mode == Mode::Switchover;
        hands_over || request.target == self.setup.me.node
    }

    /// Whether the open request may be judged, and by a fresh lease; `None`
    /// while that is still awaited.
    fn store_is_fresh_for_request(&mut self, moment: &Moment) -> Option<bool> {
        match self.inbox.look(&self.desk, moment.now) {
            Look::NotYet => None,
            Look::Silent => Some(false),
            // Without the store no epoch can be taken.
            Look::Fresh => {
                self.store_answered?;
                Some(self.store_is_fresh(moment.now))
            }
        }
    }

    fn case<'a>(
        &'a self,
        request: &'a ActivationRequest,
        store_is_fresh: bool,
        seen: &'a Seen,
        moment: &'a Moment,
    ) -> Case<'a> {
        Case {
            request,
            store_is_fresh,
            setup: &self.setup,
            seen,
            facts: &self.facts,
            moment,
        }
    }

    /// Whether the store has answered about the lease lately.
    fn store_is_fresh(&self, now: BootTime) -> bool {
        let limit = self.setup.timing.store_patience();
        self.store_answered
            .is_some_and(|answered| now.since(answered) <= limit)
    }

    fn note_facts(&mut self, facts: Facts) {
        let former = std::mem::replace(&mut self.facts, facts);
        // What a stream said stays true when the stream is gone: it only
        // grows older.
        for (shard, known) in former.known {
            self.facts.known.entry(shard).or_insert(known);
        }
        self.cap_known();
        if let Role::Primary(primary) = &mut self.role {
            if let Some(joining) = &mut primary.joining {
                joining.note_heads(&self.facts.heads);
            }
            if let Some(leaving) = &mut primary.leaving {
                leaving.note_facts(&self.facts);
            }
        }
    }

    fn cap_known(&mut self) {
        if let Some(seen) = &self.seen {
            self.confirmed.cap(&seen.lease, &mut self.facts.known);
        }
    }

    fn note_in_role(&mut self, moment: &Moment, event: Event) {
        match (&mut self.role, event) {
            (Role::Primary(primary), event) => primary.note(moment, event, &mut self.desk),
            (Role::Promoting(promotion), event) => promotion.note(event),
            (Role::Standby(standby), event) => standby.note(event),
            (Role::Ended, _) => {}
        }
    }

    fn note_desk(&mut self, moment: &Moment, news: DeskNews, out: &mut Vec<Action>) {
        match news {
            DeskNews::Nothing => {}
            DeskNews::Unchanged => {
                self.note_store_answer(moment.now);
                self.note_confirmed();
            }
            DeskNews::Unusable(notice) => out.push(Action::Notify(notice)),
            DeskNews::Changed { lease, etag } => {
                self.note_store_answer(moment.now);
                self.see(moment, *lease, etag.clone(), out);
                if self.seen.as_ref().is_some_and(|seen| seen.etag == etag) {
                    self.note_confirmed();
                }
            }
            DeskNews::Won(won) => {
                self.note_store_answer(moment.now);
                self.seen = Some(Seen {
                    lease: won.lease.clone(),
                    etag: won.etag.clone(),
                    since: moment.now,
                });
                match &mut self.role {
                    Role::Primary(primary) => primary.won(&self.setup, won, out),
                    Role::Promoting(promotion) => promotion.won(won),
                    Role::Standby(_) | Role::Ended => {}
                }
            }
        }
    }

    /// A read showed the lease that is known.
    fn note_confirmed(&mut self) {
        if let Some(seen) = &self.seen {
            self.confirmed
                .note(seen.lease.epoch, self.desk.last_sent_at());
        }
        self.cap_known();
    }

    fn note_store_answer(&mut self, now: BootTime) {
        let patience = self.setup.timing.store_patience();
        self.watch.note_answer(self.store_answered, now, patience);
        self.store_answered = Some(now);
    }

    /// Takes a lease object that some other write made.
    fn see(&mut self, moment: &Moment, lease: Lease, etag: ETag, out: &mut Vec<Action>) {
        if let Some(seen) = &self.seen
            && lease.epoch < seen.lease.epoch
        {
            let (seen, found) = (seen.lease.epoch, lease.epoch);
            out.push(Action::Notify(Notice::EpochWentBack { seen, found }));
            return;
        }
        if self.seen.is_none() {
            self.owe_former_vow(moment, &lease);
        }
        self.seen = Some(Seen {
            lease,
            etag,
            since: moment.now,
        });
    }

    fn drive(&mut self, moment: &Moment, out: &mut Vec<Action>) {
        // A role may end in a call; the next one then has its say at once.
        for _ in 0..4 {
            let next = match &self.role {
                Role::Standby(_) => self.drive_standby(moment, out),
                Role::Promoting(_) => self.drive_promotion(moment, out),
                Role::Primary(_) => self.drive_primary(moment, out),
                Role::Ended => None,
            };
            match next {
                Some(role) => self.role = role,
                None => break,
            }
        }
        self.give_up_errand(out);
        if !matches!(self.role, Role::Ended) {
            let timing = &self.setup.timing;
            let poll_every = timing.poll_every;
            // A holder learns of others from its own renewals.
            let lease_every = if matches!(self.role, Role::Primary(_)) {
                timing.ttl
            } else {
                poll_every
            };
            if let Role::Primary(primary) = &self.role
                && primary.awaits_successor()
            {
                // Clients wait for us to say where the writes go now.
                self.desk.read_within(moment.now, SUCCESSOR_POLL);
            }
            self.desk
                .drive(moment, lease_every, self.seen.as_ref(), out);
            self.inbox.drive(moment, poll_every, out);
        }
    }
}
