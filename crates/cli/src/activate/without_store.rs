//! `understudy failover --without-store`: the object store is lost for good.
//!
//! Runs on the machine of the node that is to go on, because what decides who
//! writes is from then on in that node's data root.

use super::follow::{self, tell};
use super::request::Wish;
use super::{FailoverArgs, confirm};
use crate::exit::Exit;
use crate::files::entropy;
use crate::format::print;
use crate::operator::operator;
use crate::refusal::Refusal;
use crate::store::ClusterStore;
use std::sync::Arc;
use std::time::Duration;
use understudy_log::{Identity, OsDisk};
use understudy_node::config::Configuration;
use understudy_node::{BootClock, stand_in};
use understudy_protocol::{AcceptLoss, Lease, Override, WithoutStore, stand_in_lease};
use understudy_store::{FaultKind, StoreError};
use understudy_types::{Clock, Nonce};

/// The longest that is waited for a store that is said to be lost.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// The one refusal that a word may override: something answers in the store's
/// name, and shows no lease.
const UNREADABLE: &str = "E327";

pub(super) async fn failover(args: &FailoverArgs, wish: Wish) -> anyhow::Result<Exit> {
    let configuration = args.common.access.load()?;
    let data = &configuration.settings.data;
    check_target(&wish, &configuration)?;
    let fenced_by = check_evidence(&wish)?.to_owned();
    check_words(&wish)?;
    let mut overrides = Vec::new();
    let lease = if stand_in::is_there(data) {
        existing(&configuration).await?
    } else {
        overrides = check_store_is_silent(&configuration, &wish).await?;
        begun(&wish, &configuration, fenced_by)?
    };
    if lease_is_own(&lease, &wish) {
        print(&format!(
            "epoch {}: {} goes on without the object store already; `understudy store adopt` ends that",
            lease.epoch, wish.target
        ));
        return Ok(Exit::Done);
    }
    print(&describe(&wish, &lease));
    check_loss(&wish)?;
    if args.common.dry_run {
        print("dry run: nothing was written");
        return Ok(Exit::Done);
    }
    confirm::confirm(&lease.name, args.yes.as_deref())?;
    go_on(&configuration, &wish, &lease, overrides).await
}

/// There is no verdict here: one refusal may be overridden.
fn check_words(wish: &Wish) -> Result<(), Refusal> {
    match wish.accept.iter().find(|id| *id != UNREADABLE) {
        None => Ok(()),
        Some(id) => Err(Refusal::new(
            "E209",
            format!("--accept {id}: without the store no check is made that it could override"),
            format!("leave it out; {UNREADABLE} is the only one that may be accepted here"),
        )),
    }
}

fn check_target(wish: &Wish, configuration: &Configuration) -> Result<(), Refusal> {
    let here = &configuration.settings.node;
    if wish.target == *here {
        return Ok(());
    }
    Err(Refusal::new(
        "E322",
        format!("--config is {here}'s, and --to names {}", wish.target),
        format!(
            "run this on the machine of {}, with its configuration: the lease is kept in its data root",
            wish.target
        ),
    ))
}

fn check_evidence(wish: &Wish) -> Result<&str, Refusal> {
    let evidence = wish.fenced_by.as_deref().map(str::trim);
    evidence.filter(|text| !text.is_empty()).ok_or_else(|| {
        Refusal::new(
            "E323",
            "without the object store nothing fences the other nodes",
            "make sure that no other node runs, or can be reached by clients, and say how with --fenced-by TEXT",
        )
    })
}

/// Nothing that was acknowledged by way of the lost store can be known here.
fn check_loss(wish: &Wish) -> Result<(), Refusal> {
    if wish.accept_loss == AcceptLoss::Unknown {
        return Ok(());
    }
    Err(Refusal::new(
        "E303",
        "what the lost store knew is lost with it: who was in sync last, and writes that rested there",
        "accept it with --accept-loss unknown",
    ))
}

/// What was overridden by the operator's word, if it had to be.
async fn check_store_is_silent(
    configuration: &Configuration,
    wish: &Wish,
) -> anyhow::Result<Vec<Override>> {
    let store = ClusterStore::connect(&configuration.store).await?;
    let read = match tokio::time::timeout(STORE_PATIENCE, store.lease()).await {
        Ok(read) => silence_of(read, store.place()),
        Err(_) => Ok(format!("does not answer within {STORE_PATIENCE:?}")),
    };
    match read {
        Ok(silence) => {
            print(&format!("{} {silence}", store.place()));
            Ok(Vec::new())
        }
        Err(refusal) => Ok(vec![overridden(refusal, wish)?]),
    }
}

fn overridden(refusal: Refusal, wish: &Wish) -> Result<Override, Refusal> {
    if refusal.id != UNREADABLE || !wish.accept.iter().any(|id| id == UNREADABLE) {
        return Err(refusal);
    }
    let fact = format!("{} (--accept {UNREADABLE})", refusal.fact);
    print(&format!("overridden {UNREADABLE}: {fact}"));
    Ok(Override {
        check: UNREADABLE.to_owned(),
        fact,
    })
}

/// Only a store that cannot be reached, or is gone, may be given up: one that
/// shows its lease to others may have let somebody take an epoch since.
fn silence_of(read: anyhow::Result<Option<Lease>>, place: &str) -> Result<String, Refusal> {
    let error = match read {
        Ok(Some(lease)) => {
            return Err(Refusal::new(
                "E320",
                format!("{place} answers: its lease is at epoch {}", lease.epoch),
                "use `understudy failover` without --without-store",
            ));
        }
        Ok(None) => return Ok("answers, and holds no lease any more".to_owned()),
        Err(error) => error,
    };
    let kind = error.downcast_ref().map(StoreError::kind);
    if kind.is_some_and(|kind| kind.is_outage() || kind == FaultKind::NoSuchBucket) {
        return Ok(format!("gives no lease: {error:#}"));
    }
    Err(Refusal::new(
        UNREADABLE,
        format!(
            "{place} is there and may hold the lease, which this command cannot read: {error:#}"
        ),
        "see to that and ask again: only a store that cannot be reached, or whose bucket is gone, is given up. Should it answer so for ever (an account that was closed), and no other node can use it: --accept E327",
    ))
}

/// The stand-in's lease as it will be made.
fn begun(wish: &Wish, configuration: &Configuration, fenced_by: String) -> anyhow::Result<Lease> {
    let data = &configuration.settings.data;
    let last = stand_in::last_seen(data).map_err(|error| never_seen(&error))?;
    let last = last.ok_or_else(|| never_seen("it has kept none"))?;
    if last.name != configuration.settings.cluster_name {
        return Err(never_seen(&format!("the one that it kept is of {:?}", last.name)).into());
    }
    if last.epoch != wish.expect_epoch {
        return Err(Refusal::new(
            "E301",
            format!(
                "this node last saw epoch {}, the request expects {}",
                last.epoch, wish.expect_epoch
            ),
            "compare what each node's `understudy status` showed last: the node that saw the highest epoch should go on",
        )
        .into());
    }
    let identity = Identity::load(&OsDisk::new(data))?.ok_or_else(|| never_seen("no data root"))?;
    let mark = WithoutStore {
        by: operator(),
        reason: wish.reason.clone(),
        fenced_by,
        at_ms: BootClock.wall_millis(),
        former_epoch: last.epoch,
    };
    let nonce = Nonce::from_bytes(entropy()?);
    Ok(stand_in_lease(&last, mark, identity.data_id, nonce))
}

fn never_seen(fact: &str) -> Refusal {
    Refusal::new(
        "E321",
        format!("this node does not know the cluster's lease: {fact}"),
        "choose a node that has followed or held the lease; check --config",
    )
}

/// What an earlier call has made.
async fn existing(configuration: &Configuration) -> anyhow::Result<Lease> {
    stand_in_store(configuration)?.lease_of(configuration).await
}

fn stand_in_store(configuration: &Configuration) -> anyhow::Result<ClusterStore> {
    let store = stand_in::open(&configuration.settings.data)?;
    let place = "the stand-in in the data root".to_owned();
    Ok(ClusterStore::on(Arc::new(store), place))
}

fn lease_is_own(lease: &Lease, wish: &Wish) -> bool {
    let holder = lease.holder.as_ref();
    lease.state == understudy_protocol::LeaseState::Held
        && holder.is_some_and(|holder| holder.node == wish.target)
}

fn describe(wish: &Wish, lease: &Lease) -> String {
    format!(
        "FAILOVER WITHOUT THE STORE to {target}, epoch {former} → {next}\n\
         \x20 nobody but you fences the other nodes: {evidence:?}\n\
         \x20 waits out one lease time ({ttl:.0} s × 1.1) all the same\n\
         \x20 what may be lost is not known, and revisions begin above all that can have been served\n\
         \x20 until `understudy store adopt` all that is acknowledged is on this machine alone",
        target = wish.target,
        former = wish.expect_epoch,
        next = lease.epoch.next(),
        evidence = wish.fenced_by.as_deref().unwrap_or_default(),
        ttl = lease.ttl().as_secs_f64(),
    )
}

/// Makes the stand-in, or asks the one that is there; then follows the
/// request.
async fn go_on(
    configuration: &Configuration,
    wish: &Wish,
    lease: &Lease,
    overrides: Vec<Override>,
) -> anyhow::Result<Exit> {
    let data = &configuration.settings.data;
    let request = Wish {
        expect_epoch: lease.epoch,
        ..wish.clone()
    }
    .request(lease, overrides)?;
    if stand_in::is_there(data) {
        let store = stand_in_store(configuration)?;
        super::request::write(&store, lease, &request, wish.replace.as_deref()).await?;
    } else {
        stand_in::make(data, lease, &request).await?;
    }
    let address = configuration.settings.replication.advertise.clone();
    let store = stand_in_store(configuration)?;
    let end = follow::follow(&store, configuration, &request, vec![address], &mut tell).await?;
    if !stand_in::is_there(data) {
        return Err(Refusal::new(
            "E320",
            format!("{} can reach the object store", wish.target),
            "use `understudy failover` without --without-store",
        )
        .into());
    }
    Ok(follow::tell_end(&end))
}

#[cfg(test)]
mod tests;
