//! What the lease alone says for and against a wish.

use super::request::Wish;
use crate::check::Verb;
use crate::refusal::Refusal;
use understudy_protocol::{Lease, LeaseState};

/// Asking twice is the same as asking once.
pub(super) fn already_done(wish: &Wish, lease: &Lease) -> Option<String> {
    let holds = lease
        .holder
        .as_ref()
        .is_some_and(|holder| holder.node == wish.target);
    let moved = lease.epoch == wish.expect_epoch.next() && lease.activation.is_some();
    (holds && moved && lease.state != LeaseState::Claimed).then(|| {
        format!(
            "already epoch {}: {} holds the lease; nothing to do",
            lease.epoch, wish.target
        )
    })
}

pub(super) fn check_lease(wish: &Wish, lease: &Lease) -> Result<(), Refusal> {
    let id = match wish.verb {
        Verb::Switchover => "E201",
        Verb::Failover => "E301",
    };
    let look = "look at `understudy status`, and ask again with what it shows if you still want to";
    if lease.epoch != wish.expect_epoch {
        let fact = format!(
            "you expect epoch {}, the lease is at epoch {}, held by {}",
            wish.expect_epoch,
            lease.epoch,
            lease.holder_name()
        );
        return Err(Refusal::new(id, fact, look));
    }
    if let Some(expected) = &wish.expect_holder
        && lease.holder_name() != expected.as_str()
    {
        let fact = format!(
            "you expect {expected} to be primary, the lease names {}",
            lease.holder_name()
        );
        return Err(Refusal::new(id, fact, look));
    }
    if lease.holder_name() == wish.target.as_str() && lease.state == LeaseState::Held {
        let fact = format!("{} holds epoch {} already", wish.target, lease.epoch);
        return Err(Refusal::new(id, fact, "name the standby with --to"));
    }
    Ok(())
}
