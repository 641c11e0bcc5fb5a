//! Command lines as data and rendering for people; no behaviour.

/// A command line that was understood; roles read it by the names of arguments and flags.
pub use clap::ArgMatches as Matches;

pub mod asking;
pub mod cluster;
pub mod columns;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod kv;
pub mod listen;
pub mod lock;
pub mod manual;
pub mod restore;
pub mod tls;
