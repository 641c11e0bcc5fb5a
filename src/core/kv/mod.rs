//! The key-value machine: etcd's data model, decided without touching anything outside.
//!
//! [`machine::Machine`] applies replicated [`request::Command`]s to a multi-version [`store`] with
//! [`lease`]s and alarms. Given the same commands in the same order, every member holds the same
//! keys, revisions, leases and alarms and gives the same replies; how versions are packed into
//! chunks, and when unreadable ones are dropped, is each member's own matter.
//!
//! What is absent: time (leases are revoked by a command; [`lease::LeaseClock`] only says which
//! ones are due), watch streams (see [`watch`] for what an event stream must deliver), the wire.

pub mod backup;
pub mod history;
pub mod index;
pub mod lease;
pub mod machine;
#[cfg(test)]
pub(crate) mod model;
pub mod patience;
pub mod quota;
pub mod request;
pub mod restore;
pub mod retention;
pub mod snapshot;
pub mod store;
pub mod txn;
pub mod watch;
