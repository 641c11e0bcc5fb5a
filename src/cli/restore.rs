//! The command line of a restore, which two faces have: `coracle cluster restore`, and `snapshot
//! restore` of the key-value client. The flags are etcdutl's.

use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};

use crate::cli::Matches;
use crate::cli::kv::Face;
use crate::core::cluster::founding::Founders;
use crate::core::cluster::restoring::Plan;
use crate::core::kv::history::REVISION_MAX;
use crate::core::kv::restore::Advance;
use crate::core::kv::snapshot::DigestCheck;

/// What etcdutl assumes where it is told nothing.
const IMITATED_URL: &str = "http://localhost:2380";

pub const ABOUT: &str = "Makes the data directory of a new cluster's member from a snapshot FILE";

pub const LONG_ABOUT: &str = "Makes the data directory of a new cluster's member from a snapshot \
    FILE, as `kvctl snapshot save` and the daemon's own backups write it.\n\n\
    Without further flags the member is a cluster of its own. For several members run it once for \
    each, with the same FILE and the same flags but --name and --data-dir, and then start all \
    daemons: they agree on a new cluster id, which depends on the FILE. No member of the old \
    cluster takes part in the new one.\n\n\
    Keys, revisions, leases and alarms are those of the snapshot; leases begin anew. The directory \
    must be new or empty. A restore that was interrupted leaves a directory that no daemon takes, \
    and in which the same command begins anew.";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    pub directory: PathBuf,
    pub plan: Plan,
}

/// The flags that the verb has on `face`.
pub fn flags(face: Face) -> [Arg; 8] {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let switch = |name: &'static str, help: &'static str| {
        let switch = Arg::new(name).long(name).help(help);
        switch.action(ArgAction::SetTrue)
    };
    let own = face == Face::Own;
    [
        text(
            "data-dir",
            "DIR",
            "Directory to make; it must be new or empty",
        )
        .required(own)
        .value_parser(value_parser!(PathBuf)),
        text("name", "NAME", "Name of this member").default_value("default"),
        text(
            "initial-cluster",
            "MEMBERS",
            "Who founds the cluster: NAME=URL for every founder, with commas",
        ),
        text(
            "initial-cluster-token",
            "TOKEN",
            "What tells this cluster from another one of the same FILE and URLs",
        )
        .default_value(if own {
            "coracle-cluster"
        } else {
            "etcd-cluster"
        }),
        text(
            "initial-advertise-peer-urls",
            "URLS",
            "Where the other members reach this one",
        ),
        text(
            "bump-revision",
            "N",
            "Revisions to leave out, so that none of the old cluster comes again",
        )
        .default_value("0")
        .hide_default_value(true)
        .value_parser(value_parser!(i64).range(0..=REVISION_MAX)),
        switch(
            "mark-compacted",
            "Tell watches from before --bump-revision that they missed something",
        ),
        switch(
            "skip-hash-check",
            "Take a FILE whose checksum is wrong, if its content fits together all the same",
        ),
    ]
}

/// Reads what [`flags`] declares; an error is a misuse.
pub fn read(face: Face, matches: &Matches) -> Result<Restore, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let name = text("name").expect("it has a default");
    let own = text("initial-advertise-peer-urls").unwrap_or_default();
    let mut own: Vec<String> = own
        .split(',')
        .map(|url| url.trim().trim_end_matches('/').to_owned())
        .filter(|url| !url.is_empty())
        .collect();
    let imitating = face == Face::Imitation;
    if imitating && own.is_empty() {
        own.push(IMITATED_URL.to_owned());
    }
    let founders = match text("initial-cluster").filter(|text| !text.is_empty()) {
        Some(text) => Some(text),
        None if own.is_empty() => None,
        None => Some(
            own.iter()
                .map(|url| format!("{name}={url}"))
                .collect::<Vec<_>>()
                .join(","),
        ),
    };
    let founders = founders.map(|text| Founders::read(&text)).transpose();
    let plan = Plan {
        founders: founders.map_err(|error| error.to_string())?,
        token: text("initial-cluster-token").expect("it has a default"),
        check: match matches.get_flag("skip-hash-check") {
            true => DigestCheck::Skipped,
            false => DigestCheck::Required,
        },
        advance: Advance {
            revisions: *matches.get_one("bump-revision").expect("it has a default"),
            compacts: matches.get_flag("mark-compacted"),
        },
        name,
    };
    plan.check(&own).map_err(|error| error.to_string())?;
    let directory = matches.get_one::<PathBuf>("data-dir").cloned();
    Ok(Restore {
        directory: directory.unwrap_or_else(|| PathBuf::from(format!("{}.etcd", plan.name))),
        plan,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(face: Face, line: &[&str]) -> Result<Restore, String> {
        let command = clap::Command::new("restore").args(flags(face));
        let line = ["restore"].iter().chain(line);
        let matches = command.try_get_matches_from(line);
        read(face, &matches.map_err(|error| error.to_string())?)
    }

    #[test]
    fn a_member_without_flags_is_alone() {
        let restore = read_line(Face::Own, &["--data-dir", "d"]).expect("reads");
        assert_eq!(restore.plan.founders, None);
        assert!(read_line(Face::Own, &[]).is_err());
    }

    #[test]
    fn etcdutls_defaults_are_its_own() {
        let restore = read_line(Face::Imitation, &["--name", "m"]).expect("reads");
        assert_eq!(restore.directory, PathBuf::from("m.etcd"));
        let founders = restore.plan.founders.expect("itself");
        assert_eq!(founders.to_string(), "m=http://localhost:2380");
        assert_eq!(restore.plan.token, "etcd-cluster");
    }

    #[test]
    fn what_contradicts_itself_is_a_misuse() {
        let line = |more: &[&'static str]| [&["--data-dir", "d"], more].concat();
        for (more, word) in [
            (["--initial-cluster", "b=http://h:1"], "does not name"),
            (["--initial-cluster", "b"], "NAME=http"),
            (["--bump-revision", "5"], "go together"),
            (["--bump-revision", "-5"], "-5"),
        ] {
            let error = read_line(Face::Own, &line(&more)).expect_err("a misuse");
            assert!(error.contains(word), "{error}");
        }
    }
}
