//! Operators: they ask for switchovers and failovers, twice, late, at the
//! same time, of the wrong node; and they fence when they say so.

use super::World;
use crate::invariants;
use crate::node::Task;
use crate::queue::Happening;
use crate::scenario::Scenario;
use std::time::Duration;
use understudy_protocol::control::Errand;
use understudy_protocol::{AcceptLoss, ActivationRequest, Event, Mode, RequestId};
use understudy_types::{Epoch, NodeId};

#[derive(Debug, Default)]
pub(super) struct Operator {
    /// What was asked before; it may be asked again.
    former: Vec<ActivationRequest>,
    /// An epoch seen earlier, and who held it: an operator's old knowledge.
    remembered: Option<(Epoch, Option<NodeId>)>,
}

impl World {
    pub(super) fn operator_due(&mut self) {
        if self.env.healing {
            return;
        }
        let gap = self.env.scenario.operator_gap;
        let next = self.env.chance.between(Duration::from_millis(300), gap);
        self.env.after(next, Happening::OperatorDue);
        if self.env.scenario.is_automatic() && self.env.chance.percent(60) {
            self.acknowledge();
        }
        if self.env.chance.percent(10) && !self.operator.former.is_empty() {
            let index = self.env.chance.index(self.operator.former.len());
            let request = self.operator.former[index].clone();
            return self.ask(request);
        }
        let request = self.draw_request();
        if self.env.chance.percent(8) {
            // Two operators at once.
            let other = self.draw_request();
            self.ask(other);
        }
        self.ask(request);
    }

    /// Tells a node, mostly the primary, that the last automatic failover
    /// has been looked at.
    fn acknowledge(&mut self) {
        let env = &mut self.env;
        let Some(lease) = env.store.lease() else {
            unreachable!("the store keeps a copy of a deleted lease")
        };
        let any = env.chance.index(self.nodes.len());
        let holder = lease.holder.as_ref().map(|holder| &holder.node);
        let index = match holder {
            Some(holder) if env.chance.percent(80) => Scenario::node_index(holder),
            _ => any,
        };
        let Some(life) = self.nodes[index].life() else {
            return;
        };
        env.stats.fault("operator: acknowledged");
        invariants::acknowledged(env, lease.epoch);
        let event = Event::Errand {
            id: RequestId::from_bytes(env.chance.bytes()),
            errand: Errand::Acknowledge {
                expect_epoch: lease.epoch,
            },
        };
        env.task(
            Duration::from_millis(1),
            index,
            life,
            Task::Tell(Box::new(event)),
        );
    }

    fn draw_request(&mut self) -> ActivationRequest {
        let Some(lease) = self.env.store.lease() else {
            unreachable!("the store keeps a copy of a deleted lease")
        };
        let holder = lease.holder.as_ref().map(|holder| holder.node.clone());
        let now = (lease.epoch, holder);
        let remembered = self.operator.remembered.replace(now.clone());
        let stale = self.env.chance.percent(8);
        let (epoch, holder) = if stale {
            remembered.unwrap_or(now)
        } else {
            now
        };
        let chance = &mut self.env.chance;
        let target = chance.index(self.nodes.len());
        let mode = if chance.percent(50) {
            Mode::Switchover
        } else {
            Mode::Failover
        };
        let accept_loss = match chance.below(4) {
            0 | 1 => AcceptLoss::Nothing,
            2 => AcceptLoss::Seconds(chance.below(6)),
            _ => AcceptLoss::Unknown,
        };
        let names_holder = chance.percent(40);
        let fences = mode == Mode::Failover && chance.percent(25);
        let mut request = self.request(mode, target, epoch, accept_loss);
        request.expect_holder = holder.clone().filter(|_| names_holder);
        if fences && let Some(holder) = holder {
            request.fenced_by = self.fence(&holder, target);
        }
        request
    }

    /// Cuts the holder's power, for good measure before it is said.
    fn fence(&mut self, holder: &NodeId, target: usize) -> Option<String> {
        let node = Scenario::node_index(holder);
        if node == target {
            return None;
        }
        let env = &mut self.env;
        env.stats.fault("operator: fenced the holder");
        self.nodes[node].power_fails(env);
        let delay = env.chance.millis(300, 15_000);
        env.after(delay, Happening::Restart { node });
        Some("power off".to_owned())
    }

    pub(crate) fn request(
        &mut self,
        mode: Mode,
        target: usize,
        epoch: Epoch,
        accept_loss: AcceptLoss,
    ) -> ActivationRequest {
        ActivationRequest {
            format: ActivationRequest::FORMAT,
            id: RequestId::from_bytes(self.env.chance.bytes()),
            cluster: self.env.scenario.cluster,
            mode,
            target: Scenario::node_name(target),
            expect_epoch: epoch,
            expect_holder: None,
            accept_loss,
            fenced_by: None,
            overrides: Vec::new(),
            by: "operator".to_owned(),
            reason: "simulation".to_owned(),
            not_after_ms: u64::MAX / 2,
        }
    }

    /// Writes the flag, hands it to the target, or both; and knocks or not.
    pub(crate) fn ask(&mut self, request: ActivationRequest) {
        let env = &mut self.env;
        env.stats.fault("operator: asked");
        env.say(|| {
            format!(
                "operator asks {:?} to {} in epoch {}, accepts {:?}, fenced {:?}, id {}",
                request.mode,
                request.target,
                request.expect_epoch,
                request.accept_loss,
                request.fenced_by,
                request.id
            )
        });
        invariants::requested(env, &request);
        self.operator.former.push(request.clone());
        let target = Scenario::node_index(&request.target);
        let by_hand = env.chance.percent(15);
        if by_hand && let Some(life) = self.nodes[target].life() {
            let event = Event::ActivationGiven(request);
            return env.task(
                Duration::from_millis(1),
                target,
                life,
                Task::Tell(Box::new(event)),
            );
        }
        env.store.put_activation(request.encode());
        for node in &self.nodes {
            if let Some(life) = node.life()
                && env.chance.percent(50)
            {
                let delay = env.chance.millis(1, 50);
                env.task(delay, node.index, life, Task::Tell(Box::new(Event::Knock)));
            }
        }
    }
}
