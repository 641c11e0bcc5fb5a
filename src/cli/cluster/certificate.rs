//! `coracle cluster certificate`: its command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Command, ValueHint, value_parser};

use crate::cli::Matches;
use crate::cli::cluster::init::data_dir;
use crate::core::cluster::trust::Bearer;
use crate::core::units;

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    pub client: Bearer,
    /// Where the files go.
    pub out: PathBuf,
    pub validity: Duration,
    /// None: where the daemon keeps its data if nobody says otherwise.
    pub data_dir: Option<PathBuf>,
}

pub fn command() -> Command {
    Command::new("certificate")
        .about("Makes the certificates by which clients off the machine are served")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("create")
                .about(
                    "Makes NAME.pem and NAME.key for a client, and ca.pem for it to check servers",
                )
                .long_about(
                    "Makes NAME.pem and NAME.key for a client, and ca.pem for it to check servers: \
                     what kvctl and etcdctl take as --cert, --key and --cacert. It has to run on a \
                     member of a cluster that `coracle cluster init` began, as a user that may \
                     read the member's data directory.\n\n\
                     Nobody can take such a certificate back before its time is over, and the \
                     daemon does not renew it.",
                )
                .args([
                    Arg::new("name")
                        .value_name("NAME")
                        .required(true)
                        .value_parser(client)
                        .help("Who the client is"),
                    Arg::new("out")
                        .long("out")
                        .value_name("DIR")
                        .value_hint(ValueHint::DirPath)
                        .default_value(".")
                        .value_parser(value_parser!(PathBuf))
                        .help("Where the files go"),
                    Arg::new("validity")
                        .long("validity")
                        .value_name("TIME")
                        .default_value("8760h")
                        .value_parser(validity)
                        .help("How long it is valid; 8760h are a year"),
                    data_dir(),
                ]),
        )
}

fn client(text: &str) -> Result<Bearer, String> {
    Bearer::client(text).map_err(|error| error.to_string())
}

fn validity(text: &str) -> Result<Duration, String> {
    match units::duration(text) {
        Ok(validity) if validity.is_zero() => {
            Err("it would never be valid: write 1h or more".to_owned())
        }
        Ok(validity) => Ok(validity),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads what `create` takes.
pub fn read(matches: &Matches) -> Create {
    let has = "it has a default";
    Create {
        client: matches
            .get_one::<Bearer>("name")
            .expect("clap requires it")
            .clone(),
        out: matches.get_one::<PathBuf>("out").expect(has).clone(),
        validity: *matches.get_one("validity").expect(has),
        data_dir: matches.get_one("data-dir").cloned(),
    }
}
