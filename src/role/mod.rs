//! One file or folder per applet: joins core and adapters into what a face does. `client` is how
//! those ask the cluster that do not answer for it.

mod client;
pub mod cluster;
pub mod daemon;
pub mod demo;
pub mod kv;
pub mod lock;
