//! The development store as its clients and its operator see it.

mod fixture;
mod operations;
mod survival;
