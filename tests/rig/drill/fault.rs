use rand::{Rng, rngs::SmallRng};

/// What happens to the pair in a round. The roles change with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The primary is killed.
    Kill,
    /// The standby is killed; later, with no standby in sync, the primary;
    /// then the standby comes back to an old primary that is gone.
    KillAlone,
    /// The primary is stopped beyond its deadline, and goes on when another
    /// has taken over.
    Freeze,
    /// Nothing: an operator moves the role.
    Switchover,
}

impl Fault {
    /// Under `local` what a primary acknowledges alone may be lost, all of
    /// it, and nobody says otherwise: there is nothing to prove by killing
    /// its standby first.
    pub fn draw(chance: &mut SmallRng, policy: &str) -> Fault {
        let is_local = policy == "local";
        match chance.random_range(0..10) {
            0..5 => Fault::Kill,
            5..7 if !is_local => Fault::KillAlone,
            5..9 => Fault::Switchover,
            _ => Fault::Freeze,
        }
    }
}
