//! cluster certificate: certificates for clients, signed on a member.

use std::time::SystemTime;

use serde_json::json;

use crate::adapter::authority::{Grant, request};
use crate::adapter::disk;
use crate::adapter::trust_folder::TrustFolder;
use crate::cli::Matches;
use crate::cli::asking::{self, Format};
use crate::cli::cluster::certificate::read;
use crate::error::{Exit, Failure, chain, tell};
use crate::role::client::print;
use crate::role::cluster::init::data_dir;

const WHAT: &str = "cannot make a client's certificate";

pub(super) fn run(matches: &Matches) -> Result<Exit, Failure> {
    let (verb, matches) = matches.subcommand().expect("clap requires a verb");
    match verb {
        "create" => create(matches),
        verb => unreachable!("the command line has {verb}, which has no role"),
    }
}

fn create(matches: &Matches) -> Result<Exit, Failure> {
    let asked = read(matches);
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::FAILED, WHAT, chain(error));
    let folder = TrustFolder::of(&data_dir(asked.data_dir, WHAT)?);
    let authority = folder.authority().map_err(|error| failed(&error))?;
    let Some(authority) = authority else {
        let why = format!(
            "there is no key of an authority in \"{}\"",
            folder.path().display()
        );
        return Err(Failure::new(Exit::NO, WHAT, why).hint(
            "run it on a member of a cluster that was made with `coracle cluster init`, and name \
             the member's directory with --data-dir DIR",
        ));
    };
    let name = asked.client.name();
    let place = |name: &str| asked.out.join(name);
    let (certificate, key) = (place(&format!("{name}.pem")), place(&format!("{name}.key")));
    let authorities = place("ca.pem");
    for path in [&certificate, &key] {
        if path.exists() {
            let why = format!("\"{}\" is there already", path.display());
            return Err(Failure::new(Exit::CONFLICT, WHAT, why)
                .hint("move it away, or give another directory with --out DIR"));
        }
    }
    let made = request().map_err(|error| failed(&error))?;
    let grant = Grant {
        bearer: asked.client.clone(),
        hosts: Vec::new(),
        now: SystemTime::now(),
        validity: asked.validity,
    };
    let signed = authority.sign(&made.request_pem, &grant);
    let signed = signed.map_err(|error| failed(&error))?;
    disk::create_directories(&asked.out).map_err(|error| failed(&error))?;
    for (path, text) in [
        (&authorities, authority.certificate_pem()),
        (&key, &made.key_pem),
        (&certificate, &signed),
    ] {
        disk::write_atomically(path, text.as_bytes()).map_err(|error| failed(&error))?;
    }
    let [certificate, key, authorities] =
        [certificate, key, authorities].map(|path| path.display().to_string());
    print(&match asking::read(matches).format {
        Format::Text => format!("{certificate}\n{key}\n{authorities}\n"),
        Format::Json => {
            let document = json!({"cert": certificate, "key": key, "cacert": authorities});
            format!("{document:#}\n")
        }
    })?;
    tell(format_args!(
        "use it with `kvctl --endpoints https://HOST:PORT --cacert {authorities} --cert \
         {certificate} --key {key}`"
    ));
    Ok(Exit::DONE)
}
