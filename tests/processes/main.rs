//! Real processes, sockets and disks: one pair on loopback per test.

mod automatic;
mod dev;
mod disk;
mod etcdctl;
mod failover;
mod kill;
mod link;
mod promotion;
mod shards;
mod slots;
mod states;
mod store;
mod switchover;
