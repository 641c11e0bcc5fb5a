//! The command line of `coracle cluster`: one subcommand per verb.

pub mod certificate;
pub mod change;
pub mod init;
pub mod nodes;
pub mod status;
pub mod token;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Command, ValueHint, value_parser};

use crate::cli::Matches;
use crate::cli::kv::Face;
use crate::cli::restore;
use crate::cli::tls::{self, TlsFlags};
use crate::core::units;

/// What every verb that asks the cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Empty: the daemon of this machine.
    pub endpoints: Vec<String>,
    pub tls: TlsFlags,
    pub timeout: Duration,
    pub format: Format,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

pub fn command(face: &'static str) -> Command {
    let heading = "Global options";
    Command::new(face)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Looks after the cluster as a whole: who is in it, who leads, what is wrong")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(global().map(|flag| flag.global(true).help_heading(heading)))
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

fn global() -> impl Iterator<Item = Arg> {
    let asking = [
        Arg::new("endpoints")
            .long("endpoints")
            .value_name("LIST")
            .value_delimiter(',')
            .env("CORACLE_ENDPOINTS")
            .help("Members to ask in turn, separated by commas")
            .long_help(
                "Members to ask in turn, separated by commas: HOST:PORT, http://HOST:PORT, \
                 https://HOST:PORT or unix:///PATH. Without it the socket of the daemon on this \
                 machine is used, else http://127.0.0.1:2379",
            ),
        Arg::new("timeout")
            .long("timeout")
            .value_name("TIME")
            .default_value("3s")
            .value_parser(units::duration)
            .help("How long one member may take to answer"),
        Arg::new("output")
            .long("output")
            .short('o')
            .value_name("FORMAT")
            .default_value("text")
            .value_parser(["text", "json"])
            .help("Format of the answer"),
    ];
    asking.into_iter().chain(tls::flags("CORACLE"))
}

/// Reads what [`command`] declares for all verbs.
pub fn asking(matches: &Matches) -> Asking {
    let endpoints = matches.get_many::<String>("endpoints");
    let named = endpoints.into_iter().flatten().filter(|it| !it.is_empty());
    let json = matches
        .get_one::<String>("output")
        .is_some_and(|it| it == "json");
    Asking {
        endpoints: named.cloned().collect(),
        tls: tls::read(matches),
        timeout: *matches.get_one("timeout").expect("it has a default"),
        format: match json {
            true => Format::Json,
            false => Format::Text,
        },
    }
}
