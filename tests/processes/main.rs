//! Real processes, sockets and disks: one pair per test.

mod activation;
mod automatic;
mod bad_store;
mod console;
mod deploy;
mod dev;
mod disk;
mod etcdctl;
mod failover;
mod faults;
mod kill;
mod link;
mod network;
mod promotion;
mod restart;
mod shards;
mod slots;
mod standby;
mod states;
mod store;
mod supervised;
mod switchover;
mod terminal;
mod tls;
mod without_store;
