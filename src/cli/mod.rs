//! Command lines as data and rendering for people; no behaviour.

pub mod config;
pub mod daemon;
pub mod demo;
pub mod kv;
pub mod listen;
pub mod manual;
pub mod paths;
