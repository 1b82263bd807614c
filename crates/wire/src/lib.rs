//! The wire: code generated from `proto/`, and the conversions to the
//! project's own types. No other crate compiles a proto file.
//!
//! It never does I/O of its own and decides nothing.

/// Understudy's own services.
pub mod v1 {
    #![allow(missing_debug_implementations, unreachable_pub, clippy::all)]
    tonic::include_proto!("understudy.v1");
}

/// The etcd v3 API, under its own package names.
pub mod etcd {
    pub mod mvccpb {
        #![allow(missing_debug_implementations, unreachable_pub, clippy::all)]
        tonic::include_proto!("mvccpb");
    }

    pub mod etcdserverpb {
        #![allow(missing_debug_implementations, unreachable_pub, clippy::all)]
        tonic::include_proto!("etcdserverpb");
    }
}

/// In `Hello.accepts`: `CompressedBatches` are understood.
pub const ZSTD: &str = "zstd";

mod convert;
pub use convert::{MalformedMessage, id_bytes, required_epoch, state_at};
