//! The flags of every face that asks the cluster: whom, how long, and how the answer is written.

use std::time::Duration;

use clap::Arg;

use crate::cli::Matches;
use crate::cli::tls::{self, TlsFlags};
use crate::core::units;

/// How long one member may take to answer, if nobody says.
pub const TIMEOUT: Duration = Duration::from_secs(3);

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

/// The flags by which a verb is told whom to ask, and how to answer.
pub fn flags() -> impl Iterator<Item = Arg> {
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
    let flags = asking.into_iter().chain(tls::flags("CORACLE"));
    flags.map(|flag| flag.global(true).help_heading("Global options"))
}

/// Reads what [`flags`] declares.
pub fn read(matches: &Matches) -> Asking {
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
