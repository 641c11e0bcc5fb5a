//! `lockctl reboot` and `need-reboot`, and how the reboots of machines are, written for people and
//! for scripts.

use clap::{Arg, ArgAction, Command};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::Matches;
use crate::cli::columns::{age, columns, or_dash};
use crate::cli::lock::{holder, id};
use crate::core::cluster::roll::Entry;
use crate::core::lock::machines::known;
use crate::core::lock::name::HolderId;
use crate::core::lock::reboot::Shown;

/// What is told to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// None: this machine.
    pub id: Option<HolderId>,
    pub reason: String,
    /// Not any more.
    pub cancels: bool,
}

pub(super) fn commands() -> [Command; 2] {
    [
        Command::new("reboot")
            .about(
                "Reboots a machine once it holds a place; windows, blockers and people who are \
                 logged in are not waited for",
            )
            .arg(id("Machine, by its id or its name"))
            .args([reason("lockctl reboot"), cancel()]),
        Command::new("need-reboot")
            .about("Says that a machine wants a reboot, when everything agrees")
            .arg(id("Machine, by its id or its name"))
            .args([reason("lockctl need-reboot"), cancel()]),
    ]
}

fn reason(usual: &'static str) -> Arg {
    Arg::new("reason")
        .long("reason")
        .value_name("TEXT")
        .default_value(usual)
        .help("What for, for those who look")
}

fn cancel() -> Arg {
    Arg::new("cancel")
        .long("cancel")
        .action(ArgAction::SetTrue)
        .help("Take it back, where the reboot has not begun")
}

/// Reads what they take.
pub fn asked(matches: &Matches) -> Asked {
    let reason = matches.get_one::<String>("reason");
    Asked {
        id: holder(matches),
        reason: reason.cloned().unwrap_or_default(),
        cancels: matches.get_flag("cancel"),
    }
}

/// A table of the machines whose reboot is under way or wanted; nothing where there is none.
pub fn table(reboots: &[(String, Shown)], everybody: &[Entry], now: Timestamp) -> String {
    if reboots.is_empty() {
        return String::new();
    }
    let heading = ["REBOOT OF", "MACHINE", "STATE", "FOR", "WANTED BY", "WHY"];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = reboots.iter().map(|(id, shown)| {
        let seconds = now.as_second().saturating_sub(shown.since.as_second());
        vec![
            id.clone(),
            or_dash(known(everybody, id).name.unwrap_or_default()),
            shown.state.clone(),
            age(u64::try_from(seconds).unwrap_or(0)),
            or_dash(shown.wanted_by.join(", ")),
            or_dash(shown.why.clone()),
        ]
    });
    let rows: Vec<_> = [heading].into_iter().chain(rows).collect();
    format!("\n{}", columns(&rows))
}

/// The same for scripts.
pub fn document(reboots: &[(String, Shown)], everybody: &[Entry]) -> Value {
    let reboots = reboots.iter().map(|(id, shown)| {
        json!({
            "id": id,
            "machine": known(everybody, id).name,
            "state": shown.state,
            "why": shown.why,
            "wanted_by": shown.wanted_by,
            "since": shown.since,
            "next_window": shown.next_window,
        })
    });
    reboots.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_how_each_reboot_is_and_why() {
        let shown = Shown {
            state: "waiting".to_owned(),
            why: "it is blocked: a backup runs".to_owned(),
            group: "default".to_owned(),
            wanted_by: vec!["/run/reboot-required".to_owned()],
            since: "2026-11-23T02:00:00Z".parse().expect("a time"),
            next_window: None,
        };
        let now = "2026-11-23T02:03:00Z".parse().expect("a time");
        let shown = table(&[("a".to_owned(), shown)], &[], now);
        let expected = "
REBOOT OF  MACHINE  STATE    FOR  WANTED BY             WHY
a          -        waiting  3m   /run/reboot-required  it is blocked: a backup runs
";
        assert_eq!(shown, expected);
        assert_eq!(table(&[], &[], now), "");
    }
}
