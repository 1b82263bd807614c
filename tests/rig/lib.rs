//! The rig of the process tests: a store and a pair of nodes, each a real
//! process of the built `understudy` binary, on loopback, with a data root of
//! its own below one temporary directory.
//!
//! It never waits for time where a condition can be seen, and never outlives
//! its test: every process is killed when the rig is dropped, also by a
//! panic, and the directory with the logs stays only then.
//!
//! Start with [`Rig`]; [`Link`] is the wire between the two nodes, [`drill`]
//! the loop of faults, promotions and comparisons, [`history`] the judge of
//! what clients were told, [`first_write`] the loop of promotions with a free
//! lease, [`returning`] an old primary's way back.

mod binary;
mod browser;
mod command;
mod directory;
pub mod drill;
pub mod first_write;
mod frozen_thread;
pub mod history;
mod hosts;
mod http;
mod link;
pub mod linters;
mod load;
pub mod long_link;
mod options;
mod pair;
mod ports;
mod process;
pub mod returning;
mod shape;
mod side;
mod small_disk;
mod spread;
mod store_proxy;
mod until;
mod writers;

pub use binary::understudy_binary;
pub use browser::{Browser, Scheme};
pub use command::{Answer, run};
pub use directory::Directory;
pub use frozen_thread::FrozenThread;
pub use hosts::{Host, Hosts};
pub use http::{Page, get};
pub use link::{Link, Wire};
pub use load::{
    endpoints, expect_verified, load_on, missing_number, moved_there_and_back, recording, verified,
    verified_at,
};
pub use options::{ACCESS_KEY, CLUSTER, Ports, RigOptions, SECRET_KEY, Speech, node_file};
pub use pair::{PATIENCE, Rig};
pub use ports::free_ports;
pub use process::Process;
pub use rustix::process::Signal;
pub use shape::Shape;
pub use side::Side;
pub use small_disk::{SmallDisk, behind_small_disk, largest_file};
pub use spread::Spread;
pub use store_proxy::{StoreProxy, Trouble};
pub use until::{until, within};
pub use writers::{Findings, SampledWriters, SampledWrites};
