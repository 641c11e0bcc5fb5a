//! `coracle cluster init`: its command line.

use std::path::PathBuf;

use clap::{Arg, Command, ValueHint, value_parser};

use crate::cli::Matches;
use crate::core::cluster::trust::Bearer;

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// None: where the daemon keeps its data if nobody says otherwise.
    pub data_dir: Option<PathBuf>,
    /// What the authority is called in its certificate.
    pub name: String,
}

pub fn command() -> Command {
    Command::new("init")
        .about("Makes the certificate authority of a new cluster, on its first machine")
        .long_about(
            "Makes the certificate authority of a new cluster, in the folder `trust` of the data \
             directory of its first machine. The daemon on this machine then makes itself a \
             certificate, tokens let other machines in, and all of them speak TLS with each other \
             and with clients that show a certificate of the cluster.\n\n\
             Refused where a cluster or an authority is already; nothing is changed then. It works \
             on this machine's files, and heeds no --endpoints.",
        )
        .args([
            data_dir(),
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .default_value("coracle")
                .value_parser(name)
                .help("What the cluster is called in its certificates"),
        ])
}

/// The flag of every verb that works on the files of this machine's daemon.
pub(super) fn data_dir() -> Arg {
    Arg::new("data-dir")
        .long("data-dir")
        .value_name("DIR")
        .value_hint(ValueHint::DirPath)
        .value_parser(value_parser!(PathBuf))
        .env("CORACLE_DATA_DIR")
        .help("Where this machine's daemon keeps its data [default: as for `coracle daemon`]")
}

fn name(text: &str) -> Result<String, String> {
    let named = Bearer::client(text).map_err(|error| error.to_string())?;
    Ok(named.name().to_owned())
}

/// Reads what [`command`] declares.
pub fn read(matches: &Matches) -> Init {
    Init {
        data_dir: matches.get_one("data-dir").cloned(),
        name: matches
            .get_one::<String>("name")
            .expect("it has a default")
            .clone(),
    }
}
