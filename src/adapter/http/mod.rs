//! HTTP: one port for gRPC (HTTP/2 with prior knowledge), the JSON gateway, health and metrics.
//!
//! - A gRPC call costs one look-up of its path and nothing else before it reaches the service; the
//!   boxed layers are only on the HTTP/1.1 side, which is not on the path of a put.
//! - Each wait on a peer is bounded: first byte, request head, each part of a request body, a peer
//!   that takes nothing of what is written to it, drain at the end. The requests of a stream may
//!   rightly take for ever, and an HTTP/2 peer need not take an answer: then the bound is on how
//!   many calls a connection has open, and a peer that vanished is found by a ping.
//! - A call that runs for ever (watch, keep-alive) ends with a status when the server stops.

mod client;
mod connection;
mod counted;
mod dispatch;
mod fleetlock;
mod front;
mod gateway;
mod health;
mod listen;
mod methods;
mod objects;
mod routes;
mod secure;
mod socket;
mod syntax;
#[cfg(test)]
mod tests;

pub use client::{Answer, HttpError, Question, ask};
pub use counted::Counted;
pub use fleetlock::{FleetLock, Places};
pub use front::{Drained, Front, FrontError, Limits, Listener, NoCalls};
pub use health::{Probe, Versions};
pub use listen::{BindError, bind_tcp, bind_unix, unbind_unix};
pub use methods::served_methods;
pub use routes::{Calls, Routes};
