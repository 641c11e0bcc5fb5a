//! The verbs that change who is a member and who leads: their command lines, and what they did,
//! written for people and for scripts.

use std::time::Duration;

use clap::{Arg, Command};
use serde_json::{Value, json};

use crate::cli::Matches;
use crate::core::cluster::roll::Entry;
use crate::core::units;

const HOW_NAMED: &str = "Its name, or its machine id or member id or the beginning of one";

/// What a verb has done, or found done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// False: it was so already.
    pub changed: bool,
    pub node: Subject,
    /// What was done, as a sentence without an end.
    pub what: String,
}

/// The node that a verb was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub name: String,
    pub machine: Option<String>,
    pub member: Option<u64>,
}

/// One node and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promote {
    pub node: String,
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    pub dead: String,
    /// None: the best worker that is up.
    pub new: Option<String>,
    pub wait: Duration,
}

pub fn commands() -> [Command; 5] {
    [
        Command::new("remove")
            .about("Takes a node out of the cluster: a member, a worker, dead or alive")
            .long_about(
                "Takes a node out of the cluster: a member, a worker, dead or alive. Its daemon, \
                 if it runs, ends with 6, and joins again only with a token. Refused, with 6, if \
                 the voters that are left would not be able to serve. Asking again for what was \
                 done is an error that says who there is, and changes nothing",
            )
            .arg(node("NODE").required(true)),
        Command::new("replace")
            .about("Puts a worker in the place of a member that is dead")
            .long_about(
                "Puts a worker in the place of a member that is dead: the worker gets a copy of \
                 the data, and in the step in which it begins to vote the dead member goes. \
                 Asking again goes on where the first time ended",
            )
            .arg(
                node("DEAD")
                    .required(true)
                    .help("The member that is dead: its name or its id"),
            )
            .arg(node("NEW").help(
                "The worker that takes its place; without it, one that is up and never was a \
                 member",
            ))
            .arg(wait()),
        Command::new("promote")
            .about("Makes a worker a member, and a learner vote")
            .long_about(
                "Makes a worker a member, and a learner vote, as soon as it has a copy of the \
                 data. Asking again goes on where the first time ended",
            )
            .arg(node("NODE").required(true))
            .arg(wait()),
        Command::new("demote")
            .about("Makes a member that joined by a token a worker again")
            .long_about(
                "Makes a member that joined by a token a worker again; `promote` undoes it. \
                 Refused, with 6, if the voters that are left would not be able to serve",
            )
            .arg(node("NODE").required(true)),
        Command::new("transfer-leader")
            .about("Has another voter lead")
            .arg(node("NODE").help(
                "The voter that is to lead; without it, the one whose log is nearest to the \
                 leader's",
            )),
    ]
}

fn node(name: &'static str) -> Arg {
    Arg::new(name).value_name(name).help(HOW_NAMED)
}

fn wait() -> Arg {
    Arg::new("wait")
        .long("wait")
        .value_name("TIME")
        .default_value("1m")
        .value_parser(units::duration)
        .help("How long to wait until it votes; 0 waits for nothing")
}

/// The node that was named, if one was.
pub fn named<'a>(matches: &'a Matches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

pub fn promote(matches: &Matches) -> Promote {
    Promote {
        node: named(matches, "NODE").expect("it is required").to_owned(),
        wait: *matches.get_one("wait").expect("it has a default"),
    }
}

pub fn replace(matches: &Matches) -> Replace {
    Replace {
        dead: named(matches, "DEAD").expect("it is required").to_owned(),
        new: named(matches, "NEW").map(str::to_owned),
        wait: *matches.get_one("wait").expect("it has a default"),
    }
}

impl Subject {
    pub fn of(entry: &Entry) -> Self {
        Self {
            name: entry.label(),
            machine: entry.machine.as_ref().map(ToString::to_string),
            member: entry.member,
        }
    }
}

/// What was done, in a line.
pub fn text(outcome: &Outcome) -> String {
    format!("{}\n", outcome.what)
}

/// The same for scripts.
pub fn document(outcome: &Outcome) -> Value {
    json!({
        "changed": outcome.changed,
        "name": outcome.node.name,
        "machine": outcome.node.machine,
        "member": outcome.node.member.map(|id| format!("{id:x}")),
        "what": outcome.what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Matches {
        let command = Command::new("cluster").subcommands(commands());
        let matches = command.try_get_matches_from([&["cluster"], words].concat());
        let matches = matches.expect("reads");
        matches.subcommand().expect("a verb").1.clone()
    }

    #[test]
    fn a_replacement_has_one_name_or_two() {
        let minute = Duration::from_secs(60);
        let one = replace(&read(&["replace", "m2"]));
        assert_eq!((one.dead.as_str(), one.new, one.wait), ("m2", None, minute));
        let two = replace(&read(&["replace", "m2", "w4", "--wait", "0"]));
        assert_eq!((two.new.as_deref(), two.wait), (Some("w4"), Duration::ZERO));
    }

    #[test]
    fn an_outcome_is_a_line_or_a_document() {
        let outcome = Outcome {
            changed: true,
            node: Subject {
                name: "m2".to_owned(),
                machine: None,
                member: Some(0xab),
            },
            what: "m2 is removed".to_owned(),
        };
        assert_eq!(text(&outcome), "m2 is removed\n");
        assert_eq!(document(&outcome)["member"], "ab");
        assert_eq!(document(&outcome)["changed"], true);
    }
}
