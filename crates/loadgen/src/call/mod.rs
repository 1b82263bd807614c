//! Unary calls of gRPC straight over HTTP/2, so that the generator costs
//! little beside the server: no queue between the caller and the connection,
//! no task and no encoding per request.
//!
//! Protocol: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

mod caller;
mod connection;
mod failure;
pub(crate) mod frame;

pub(crate) use caller::{Caller, Limits};
pub(crate) use connection::{Connection, Method};
pub(crate) use failure::{CallFailure, Fate, code_name};

#[cfg(test)]
mod tests;
