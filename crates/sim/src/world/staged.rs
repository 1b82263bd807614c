//! A world without faults of its own, in which a scene is set step by step.

use super::World;
use crate::client;
use crate::env::Env;
use crate::node::Node;
use crate::queue::Happening;
use std::time::Duration;

impl World {
    /// Starts all nodes and clients, and no plan of faults.
    pub(crate) fn staged(env: Env) -> World {
        let mut world = World::new(env);
        for node in 0..world.nodes.len() {
            let delay = Duration::from_millis(1 + 50 * node as u64);
            world.env.after(delay, Happening::Restart { node });
        }
        client::start(&mut world.env, world.clients.len());
        world
    }

    /// Goes on until `is_there`, a violation, or for so long; whether it is
    /// there.
    pub(crate) fn run_until(&mut self, limit: Duration, is_there: impl Fn(&World) -> bool) -> bool {
        let end = self.env.now + limit;
        while self.env.violation.is_none() && !is_there(self) {
            let Some((at, happening)) = self.env.queue.pop() else {
                return false;
            };
            if at > end {
                self.env.queue.push(at, happening);
                self.env.now = end;
                return is_there(self);
            }
            self.env.now = at;
            self.happen(happening);
        }
        is_there(self)
    }

    /// The end of every run: the pair heals, and all that was acknowledged
    /// must be there.
    pub(crate) fn heal(&mut self) {
        self.env.after(Duration::ZERO, Happening::HealthDue);
        self.run_until(Duration::from_secs(600), |world| world.done);
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.clients.iter().map(|client| client.acknowledged).sum()
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// A node, and all around it.
    pub(crate) fn node_in(&mut self, index: usize) -> (&mut Node, &mut Env) {
        (&mut self.nodes[index], &mut self.env)
    }

    /// Whether the node serves clients in an epoch of its own.
    pub(crate) fn serves(&self, index: usize) -> bool {
        super::healing::open_primary(&self.env, &self.nodes[index])
    }
}
