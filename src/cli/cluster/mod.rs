//! The command line of `coracle cluster`: one subcommand per verb.

pub mod certificate;
pub mod change;
pub mod init;
pub mod nodes;
pub mod status;
pub mod token;

use std::path::PathBuf;

use clap::{Arg, Command, ValueHint, value_parser};

use crate::cli::asking;
use crate::cli::kv::Face;
use crate::cli::restore;

pub fn command(face: &'static str) -> Command {
    Command::new(face)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Looks after the cluster as a whole: who is in it, who leads, what is wrong")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(asking::flags())
        .subcommand(init::command())
        .subcommand(certificate::command())
        .subcommand(
            Command::new("status")
                .about("Shows the members, the leader, what is wrong and what to type about it"),
        )
        .subcommand(Command::new("health").about(
            "Says in a line how the cluster is; ends with 0 if well, 1 if degraded, 4 if \
             unavailable",
        ))
        .subcommand(nodes::members())
        .subcommands(change::commands())
        .subcommand(token::command())
        .subcommand(
            Command::new("restore")
                .about(restore::ABOUT)
                .long_about(restore::LONG_ABOUT)
                .arg(
                    Arg::new("file")
                        .value_name("FILE")
                        .required(true)
                        .value_hint(ValueHint::FilePath)
                        .value_parser(value_parser!(PathBuf))
                        .help("The snapshot"),
                )
                .args(restore::flags(Face::Own)),
        )
}
