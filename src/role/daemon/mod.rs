//! `coracle daemon`: every server role of this machine, composed.

mod api;
mod data;
mod hub;
mod node;
mod upkeep;
mod watch;
