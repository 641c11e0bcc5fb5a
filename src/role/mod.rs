//! One file or folder per applet: joins core and adapters into what a face does.

pub mod cluster;
pub mod daemon;
pub mod demo;
pub mod kv;
