//! Compiles the proto files without `protoc`: protox parses them in Rust.

use std::{error::Error, path::Path};

const FILES: &[&str] = &[
    "etcd/mvcc.proto",
    "etcd/rpc.proto",
    "understudy/v1/replication.proto",
    "understudy/v1/log.proto",
    "understudy/v1/admin.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
