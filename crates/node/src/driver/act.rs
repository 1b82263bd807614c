//! The core's actions, done.

use super::{ACTIVATION_KEY, Driver, LEASE_KEY, Told};
use crate::follow::{Context, Following, Knowledge, Target};
use crate::shard::{LogCommand, ShardCore};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;
use understudy_log::RootError;
use understudy_protocol::control::{ObjectFetched, WriteAnswer};
use understudy_protocol::{Action, Event, Heads, Member, Notice};
use understudy_types::{Epoch, Position};

impl Driver {
    pub(super) async fn act(&mut self, action: Action) {
        match action {
            Action::FetchLease { known } => {
                let (store, driver) = (self.store.clone(), self.handle.clone());
                let (meters, clock) = (self.meters.clone(), self.clock.clone());
                tokio::spawn(async move {
                    let began = clock.now();
                    let fetched = store.fetch(LEASE_KEY, known).await;
                    if !matches!(fetched, ObjectFetched::Failed) {
                        meters.store_times.note(clock.now().since(began));
                    }
                    driver.tell(Told::Core(Event::LeaseFetched(fetched))).await;
                });
            }
            Action::FetchActivation { known } => {
                let (store, driver) = (self.store.clone(), self.handle.clone());
                tokio::spawn(async move {
                    let fetched = store.fetch(ACTIVATION_KEY, known).await;
                    driver
                        .tell(Told::Core(Event::ActivationFetched(fetched)))
                        .await;
                });
            }
            Action::WriteLease { base, body } => {
                let (store, driver) = (self.store.clone(), self.handle.clone());
                let (meters, clock) = (self.meters.clone(), self.clock.clone());
                tokio::spawn(async move {
                    let began = clock.now();
                    let answer = store.write(LEASE_KEY, base, body).await;
                    let took = clock.now().since(began);
                    match &answer {
                        WriteAnswer::Applied(_) => {
                            meters.lease_writes.note(took);
                            meters.store_times.note(took);
                        }
                        WriteAnswer::Refused => meters.lease_conflicts.add(1),
                        WriteAnswer::NotApplied | WriteAnswer::Unknown => {}
                    }
                    driver.tell(Told::Core(Event::LeaseWritten(answer))).await;
                });
            }
            Action::PersistPromise(epoch) => self.persist_promise(epoch),
            Action::RunHook(call) => self.run_hook(*call),
            Action::Follow {
                epoch,
                promised,
                primary,
            } => {
                self.follow(Target {
                    epoch,
                    promised,
                    primary: *primary,
                })
                .await;
            }
            Action::DrainFollowing => {
                if let Some(following) = &self.state.following {
                    following.drain();
                }
            }
            Action::StopFollowing => {
                self.state.drain.shutdown().await;
                self.stop_following().await;
            }
            Action::Drain {
                epoch,
                first,
                history,
            } => self.drain_slots(epoch, first, history),
            Action::Fill {
                epoch,
                fallback,
                free,
            } => self.fill_slots(epoch, &fallback, &free).await,
            Action::StopFilling => self.stop_filling().await,
            Action::RemoveSlots(ranges) => self.remove_slots(ranges),
            Action::Open { epoch, lossy } => {
                self.peers.forget_away();
                self.open(epoch, lossy);
            }
            Action::Grant { epoch, deadline } => {
                self.authority.grant(epoch, deadline);
                self.state.granted = true;
            }
            Action::Revoke => self.revoke(),
            Action::Require(requirement) => {
                for shard in &self.shards {
                    shard.update(|marks| marks.require(requirement.clone()));
                }
            }
            Action::HoldWrites => self.hold_writes(),
            Action::ResumeWrites => {
                self.state.hold += 1;
                self.shards
                    .iter()
                    .for_each(|shard| shard.command(LogCommand::Resume));
            }
            Action::Close => {
                self.state.hold += 1;
                self.revoke();
                self.stop_filling().await;
                self.shards
                    .iter()
                    .for_each(|shard| shard.command(LogCommand::Close));
            }
            Action::AskToVouch(round) => self.peers.ask_to_vouch(round),
            Action::Vouch { epoch, round } => self.vouch(epoch, round),
            Action::HintStandbys => self.handle.hints.send_modify(|hints| *hints += 1),
            Action::Notify(notice) => self.notify(notice),
            Action::Exit => self.state.exiting = true,
        }
    }

    fn revoke(&mut self) {
        self.authority.revoke();
        self.state.granted = false;
    }

    /// The next report carries it.
    fn vouch(&self, epoch: Epoch, round: u64) {
        let following = self.state.following.as_ref();
        let context = following.map(|following| &following.context);
        if let Some(context) = context.filter(|context| context.target.epoch == epoch) {
            context.vouched.store(round, Ordering::SeqCst);
            self.shards.iter().for_each(|shard| shard.announce());
        }
    }

    fn persist_promise(&self, epoch: Epoch) {
        let (promise, driver, fatal) = (
            self.promise.clone(),
            self.handle.clone(),
            self.fatal.clone(),
        );
        tokio::spawn(async move {
            let persisted = tokio::task::spawn_blocking(move || promise.lock().persist(epoch));
            match persisted.await {
                Ok(Ok(())) => {
                    driver
                        .tell(Told::Core(Event::PromisePersisted(epoch)))
                        .await
                }
                // A newer promise overtook this one, and stands for both.
                Ok(Err(RootError::OlderPromise { .. })) => {}
                Ok(Err(error)) => fatal.raise(format!("epoch {epoch} cannot be promised: {error}")),
                Err(error) => fatal.raise(error.to_string()),
            }
        });
    }

    async fn follow(&mut self, target: Target) {
        self.end_following().await;
        let knowledge = self
            .shards
            .iter()
            .map(|shard| (shard.name.clone(), Arc::new(Knowledge::default())));
        let context = Context {
            cluster: self.setup.cluster,
            me: Member::standby_id(&self.setup.me),
            target,
            settings: self.settings.stream.clone(),
            clock: self.clock.clone(),
            driver: self.handle.clone(),
            known: self.known.clone(),
            dialer: self.dialer.clone(),
            reporting: AtomicBool::new(true),
            vouched: AtomicU64::new(0),
            stop: CancellationToken::new(),
            knowledge: knowledge.collect(),
            meters: self.meters.clone(),
            reconnects: AtomicU64::new(0),
        };
        self.state.following = Some(Following::begin(context, &self.shards));
    }

    /// Ends the streams, and waits until what they brought is on disk.
    async fn end_following(&mut self) -> Heads {
        if let Some(following) = self.state.following.take() {
            following.end().await;
        }
        let barriers = self.shards.iter().map(|shard| async move {
            let head = shard
                .ask(|reply| LogCommand::Barrier { reply })
                .await
                .flatten();
            (shard.name.clone(), head)
        });
        join_all(barriers).await.into_iter().collect()
    }

    async fn stop_following(&mut self) {
        let heads = self.end_following().await;
        self.state.local.push_back(Event::FollowingStopped(heads));
    }

    fn open(&self, epoch: Epoch, lossy: bool) {
        let (shards, driver) = (self.shards.clone(), self.handle.clone());
        tokio::spawn(async move {
            let opened = shards.iter().map(|shard| async move {
                let opened = shard
                    .ask(|reply| LogCommand::Open {
                        epoch,
                        lossy,
                        reply,
                    })
                    .await?;
                wait_until_applied(shard, opened.fork).await
            });
            if join_all(opened)
                .await
                .into_iter()
                .all(|opened| opened.is_some())
            {
                driver.tell(Told::Core(Event::Opened(epoch))).await;
            }
        });
    }

    fn hold_writes(&mut self) {
        self.state.hold += 1;
        let hold = self.state.hold;
        let (shards, driver) = (self.shards.clone(), self.handle.clone());
        tokio::spawn(async move {
            let held = shards.iter().map(|shard| async move {
                let head = shard.ask(|reply| LogCommand::Hold { reply }).await?;
                Some((shard.name.clone(), head))
            });
            let heads: Option<Heads> = join_all(held).await.into_iter().collect();
            let Some(heads) = heads else { return };
            driver
                .tell(Told::Held {
                    hold,
                    event: Event::Sealed(heads),
                })
                .await;
            let answered = shards.iter().map(|shard| wait_until_answered(shard));
            if join_all(answered).await.contains(&None) {
                return;
            }
            driver
                .tell(Told::Held {
                    hold,
                    event: Event::Answered,
                })
                .await;
        });
    }

    fn notify(&mut self, notice: Notice) {
        match &notice {
            Notice::Activation { id, step } => self.note_step(*id, step),
            Notice::LeaseMissing
            | Notice::LeaseUnusable(_)
            | Notice::EpochWentBack { .. }
            | Notice::Cloned
            | Notice::SlotsHaveGap { .. }
            | Notice::LogShorterThanLease => tracing::error!("{notice}"),
            Notice::Lapsed
            | Notice::GoesOnByWord
            | Notice::ActivationUnusable(_)
            | Notice::OutOfSync(_)
            | Notice::RestsInStore
            | Notice::AsksItself(_)
            | Notice::NoAutomaticFailover(_)
            | Notice::Unacknowledged { .. } => {
                tracing::warn!("{notice}");
            }
            _ => tracing::info!("{notice}"),
        }
    }
}

/// Waits until the state holds everything up to `fork`; `None` when the node
/// ends first.
async fn wait_until_applied(shard: &ShardCore, fork: Option<Position>) -> Option<()> {
    let upto = fork.map(|position| position.lsn);
    let applied = shard.wait_until(|marks| {
        let is_applied = marks.applied >= upto && !marks.needs_restoration();
        is_applied.then_some(())
    });
    applied.await
}

/// Waits until nothing that was given a place is unanswered; `None` when the
/// node ends first. Only while writes are held: then no new place is given.
async fn wait_until_answered(shard: &ShardCore) -> Option<()> {
    tokio::select! {
        () = shard.unanswered.none() => Some(()),
        stopped = shard.wait_until(|_| None) => stopped,
    }
}
