//! The outside world, one thing per file; each file is the only one that names its crate.

pub mod authority;
pub mod backup;
pub mod certificate;
pub mod checkpoint;
pub mod cork;
pub mod data_directory;
pub mod disk;
pub mod guard;
pub mod host;
pub mod http;
pub mod job;
pub mod local;
pub mod log;
pub mod metrics;
pub mod net;
pub mod process;
pub mod progress;
pub mod raft;
pub mod restore;
pub mod rpc;
pub mod tls;
pub mod trust_folder;
pub mod wal;
