//! The outside world, one thing per file; each file is the only one that names its crate.

pub mod rpc;
