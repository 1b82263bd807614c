//! The whole of a run: nodes, clients, operators, faults, and the end.

mod faults;
mod healing;
mod lost_store;
mod operator;
mod staged;

use crate::client::{self, Client};
use crate::env::Env;
use crate::network;
use crate::node::Node;
use crate::queue::Happening;
use crate::store;
use crate::time::SimTime;
use operator::Operator;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct World {
    pub env: Env,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    operator: Operator,
    healing: healing::Healing,
    /// A node that its operator keeps switched off.
    kept_off: Option<usize>,
    done: bool,
}

impl World {
    pub(crate) fn new(mut env: Env) -> World {
        let nodes = (0..env.scenario.nodes)
            .map(|index| Node::new(&mut env, index))
            .collect();
        let clients = (0..env.scenario.clients).map(Client::new).collect();
        World {
            env,
            nodes,
            clients,
            operator: Operator::default(),
            healing: Default::default(),
            kept_off: None,
            done: false,
        }
    }

    /// Until a violation is found, or the pair has healed, or has not.
    pub(crate) fn run(&mut self) {
        self.begin();
        while !self.done && self.env.violation.is_none() {
            let Some((at, happening)) = self.env.queue.pop() else {
                break;
            };
            debug_assert!(at >= self.env.now, "time never goes back");
            self.env.now = at;
            self.env.stats.steps += 1;
            self.happen(happening);
        }
    }

    fn begin(&mut self) {
        let line = format!("{:?}", self.env.scenario);
        self.env.say(|| line);
        for index in 0..self.nodes.len() {
            let delay = self.env.chance.millis(0, 300);
            self.env.after(delay, Happening::Restart { node: index });
        }
        client::start(&mut self.env, self.clients.len());
        let first_fault = Duration::from_millis(1500);
        self.env.after(first_fault, Happening::FaultDue);
        self.env.after(first_fault, Happening::OperatorDue);
        let over = self.env.scenario.faults_for;
        self.env.after(over, Happening::HealthDue);
    }

    fn happen(&mut self, happening: Happening) {
        let env = &mut self.env;
        match happening {
            Happening::Task { node, life, task } => self.nodes[node].run(env, life, task),
            Happening::StoreArrives(request) => store::arrive(env, *request),
            Happening::Client { client, event } => {
                let lives: Vec<_> = self.nodes.iter().map(Node::life).collect();
                self.clients[client].on(env, event, &lives);
            }
            Happening::FaultDue => self.fault_due(),
            Happening::OperatorDue => self.operator_due(),
            Happening::Restart { node } if self.kept_off == Some(node) => {}
            Happening::Restart { node } => self.nodes[node].start(env),
            Happening::Resume { node } => self.nodes[node].resume(env),
            Happening::PowerFails { node, life } => {
                if self.nodes[node].is_losing_power(life) {
                    self.lose_power(node);
                }
            }
            Happening::LinkHeals { from, to } => network::unblock(env, from, to),
            Happening::DiskHeals { node } => {
                self.nodes[node].disk.limit_space(None);
                self.nodes[node].slowness = 1;
            }
            Happening::LeaseRestored => env.store.restore_lease(),
            Happening::StoreAdopted => self.store_adopted(),
            Happening::StoreAnswers => self.store_answers(),
            Happening::Overtaken { node } => self.overtaken(node),
            Happening::HealthDue => self.health_due(),
        }
    }

    fn lose_power(&mut self, node: usize) {
        let env = &mut self.env;
        self.nodes[node].power_fails(env);
        let delay = env.chance.millis(300, 8000);
        env.after(delay, Happening::Restart { node });
    }

    fn age(&self) -> Duration {
        self.env.now.since(SimTime::ZERO)
    }
}
