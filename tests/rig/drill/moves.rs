//! Switchovers back and forth on the same processes: nothing may grow.

use super::{Drill, Growth, Resources};
use crate::{PATIENCE, Side, until};

impl Drill {
    /// Looks at both processes after each history, when nothing of it is left.
    pub(super) async fn move_back_and_forth(&mut self) {
        let mut growth = Growth::default();
        for _ in 0..self.options.switchovers {
            self.histories.begin(&self.rig, self.primary).await;
            self.switch_over().await;
            self.report.rounds += 1;
            if self.histories.is_long_enough() {
                self.end_history().await;
                self.compare_states().await;
                growth.note(self.resources());
            }
        }
        self.end_history().await;
        self.compare_states().await;
        growth.note(self.resources());
        self.report.growth = Some(growth);
    }

    fn resources(&mut self) -> [Resources; 2] {
        Side::BOTH.map(|side| Resources::of(self.rig.node(side).id()))
    }

    /// Equal chains: the position of a log's end has the hash of all of it.
    /// Equal digests: the standby found its state to be the primary's, at all
    /// that the primary has applied.
    pub(super) async fn compare_states(&self) {
        self.rig.wait_for_standby(self.primary.other()).await;
        self.rig.wait_for_equal_heads().await;
        until("both states are equal", PATIENCE, || async {
            let primary = self.rig.status(self.primary).await?;
            let standby = self.rig.status(self.primary.other()).await?;
            let applied = primary["shards"]["main"]["applied"].as_u64()?;
            let state = &standby["shards"]["main"]["state"];
            let is_equal = state["outcome"] == "equal" && state["lsn"].as_u64()? >= applied;
            is_equal.then_some(())
        })
        .await;
    }
}
