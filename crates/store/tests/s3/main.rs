//! The S3 client against the development store, and against servers that
//! break off, hang, or answer as told.

mod canned;
mod embedded;
mod environment;
mod fixture;
mod lossy;
mod silent;
