//! The map of the house.
//!
//! | room | what it is for | may call |
//! |---|---|---|
//! | [`applet`] | the table of names; dispatch on argv\[0\] or subcommand | `cli`, `role` |
//! | [`error`] | [`error::Failure`] and the exit codes | nothing |
//! | [`core`] | pure decisions: no files, network, clock, randomness, tokio, logging | nothing |
//! | [`adapter`] | one outside thing per file, the only file that names its crate | `core` |
//! | [`cli`] | command lines as data, rendering for people; no behaviour | `core` |
//! | [`role`] | joins the others, one file or folder per applet | `cli`, `adapter`, `core` |
//!
//! Nothing points back, and roles do not use each other, except that `role::daemon` composes the
//! server roles. `tests/it/tidy` enforces this.

// They panic when the stream is closed; `error` says what is used instead.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod adapter;
pub mod applet;
pub mod cli;
pub mod core;
pub mod error;
pub mod role;
