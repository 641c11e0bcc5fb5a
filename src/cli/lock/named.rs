//! Locks for scripts: their command lines, and how they are written for people and for scripts.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::columns::{age, columns};
use crate::core::lock::name::{LockName, NameError};
use crate::core::lock::turn::{Entry, Term};
use crate::core::units;

/// What `exec` and `run-once` are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    pub name: LockName,
    pub term: Term,
    /// None: for as long as it takes.
    pub wait: Option<Duration>,
    pub slots: u32,
    pub words: Vec<OsString>,
}

/// One line of a lock: who holds it, or waits.
pub type Line<'a> = (&'a Entry, bool);

pub(super) fn commands() -> [Command; 6] {
    [
        Command::new("exec")
            .about("Runs a command while a lock is held, and no longer")
            .long_about(
                "Runs a command while a lock is held, and no longer. Ends with its exit code. If \
                 the lock is lost the command is stopped, by SIGTERM and then SIGKILL, before \
                 another can hold the lock, and the exit code is 4. The command finds the lock's \
                 name, its fence and the revision at which it was taken in CORACLE_LOCK_NAME, \
                 CORACLE_LOCK_FENCE and CORACLE_LOCK_REVISION; `kvctl put --if-held NAME` writes \
                 only while the fence stands",
            )
            .args([name(), ttl(), wait(), slots(), words()]),
        Command::new("run-once")
            .about("Runs a command on one of the machines that are told to, and on no other")
            .long_about(
                "Runs a command on one of the machines that are told to, and on no other. Those \
                 that come later, or wait meanwhile, end with 0 and say who did it; if it failed, \
                 the next one tries. What was done is remembered for as long as --keep says",
            )
            .args([name(), ttl(), wait(), keep(), words()]),
        Command::new("held")
            .about("Tells whether somebody holds a lock: ends with 0 if so, else with 3")
            .args([
                name(),
                fence("Ask whether the holder with this fence still does"),
            ]),
        Command::new("list").about("Lists the locks that are held"),
        Command::new("info")
            .about("Shows who holds a lock, and who waits for it")
            .arg(name()),
        Command::new("break")
            .about("Takes a lock away from whoever holds it; what runs under it is stopped")
            .args([name(), fence("Only from the holder with this fence")]),
    ]
}

fn name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .value_parser(|text: &str| -> Result<LockName, NameError> { text.parse() })
        .help("The lock")
}

fn ttl() -> Arg {
    Arg::new("ttl")
        .long("ttl")
        .value_name("TIME")
        .default_value("10s")
        .value_parser(|text: &str| match units::duration(text) {
            Ok(ttl) if ttl < Term::TTL_MIN => {
                Err("no cluster answers so fast in every case: write 2s or more".to_owned())
            }
            Ok(ttl) => Ok(ttl),
            Err(error) => Err(error.to_string()),
        })
        .help("How long the lock outlives a holder that is not heard of")
}

fn wait() -> Arg {
    Arg::new("wait")
        .long("wait")
        .value_name("TIME")
        .value_parser(units::duration)
        .help("Give up after this time in line; 0 does not wait [default: wait for ever]")
}

fn slots() -> Arg {
    Arg::new("slots")
        .long("slots")
        .value_name("N")
        .default_value("1")
        .value_parser(value_parser!(u32).range(1..=1_000))
        .help("How many may hold the lock at a time; all must say the same")
}

fn keep() -> Arg {
    Arg::new("keep")
        .long("keep")
        .value_name("TIME")
        .default_value("168h")
        .value_parser(units::duration)
        .help("How long it is remembered that it was done")
}

fn fence(help: &'static str) -> Arg {
    Arg::new("fence")
        .long("fence")
        .value_name("N")
        .value_parser(value_parser!(i64).range(1..))
        .help(help)
}

fn words() -> Arg {
    Arg::new("command")
        .value_name("CMD")
        .required(true)
        .last(true)
        .num_args(1..)
        .value_parser(value_parser!(OsString))
        .help("The command and its arguments")
}

/// Which lock a verb is about.
pub fn named(matches: &ArgMatches) -> &LockName {
    matches.get_one("name").expect("clap requires it")
}

/// Which holder a verb is about, if it says so.
pub fn named_fence(matches: &ArgMatches) -> Option<i64> {
    matches.get_one("fence").copied()
}

/// For how long `run-once` keeps what it writes.
pub fn kept(matches: &ArgMatches) -> Duration {
    *matches.get_one("keep").expect("it has a default")
}

/// Reads what `exec` takes; `run-once` has the same but for the slots.
pub fn exec(matches: &ArgMatches) -> Exec {
    let words = matches.get_many("command").into_iter().flatten();
    let slots = matches.try_get_one("slots").ok().flatten().copied();
    Exec {
        name: named(matches).clone(),
        term: Term(*matches.get_one("ttl").expect("it has a default")),
        wait: matches.get_one("wait").copied(),
        slots: slots.unwrap_or(1),
        words: words.cloned().collect(),
    }
}

/// Everybody in the line of a lock, with whether one holds it.
pub fn lines(entries: &[Entry]) -> Vec<Line<'_>> {
    let slots = entries.first().map_or(1, |first| first.ticket.slots);
    let slots = usize::try_from(slots).unwrap_or(usize::MAX);
    let lines = entries.iter().enumerate();
    lines.map(|(at, entry)| (entry, at < slots)).collect()
}

/// A table with a line for each lock.
pub fn list(locks: &[(LockName, Vec<Entry>)], now: Timestamp) -> String {
    let heading = ["LOCK", "SLOTS", "HELD", "WAITING", "FOR", "HOLDER"];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = locks.iter().map(|(name, entries)| {
        let lines = lines(entries);
        let held = lines.iter().filter(|(_, holds)| *holds).count();
        let first = entries.first();
        vec![
            name.to_string(),
            first.map_or(1, |first| first.ticket.slots).to_string(),
            held.to_string(),
            (lines.len() - held).to_string(),
            first.map_or_else(String::new, |first| ago(first, now)),
            first.map_or_else(String::new, |first| first.ticket.holder.clone()),
        ]
    });
    columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// A table with a line for each who holds a lock or waits for it.
pub fn info(entries: &[Entry], now: Timestamp) -> String {
    let heading = ["STATE", "FENCE", "FOR", "HOLDER"];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = lines(entries).into_iter().map(|(entry, holds)| {
        vec![
            if holds { "holds" } else { "waits" }.to_owned(),
            entry.fence.to_string(),
            ago(entry, now),
            entry.ticket.holder.clone(),
        ]
    });
    columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// A lock for scripts.
pub fn document(name: &LockName, entries: &[Entry]) -> Value {
    let people = |wanted: bool| {
        let lines = lines(entries).into_iter();
        let people = lines.filter(move |(_, holds)| *holds == wanted);
        let people = people.map(|(entry, _)| {
            json!({
                "holder": entry.ticket.holder,
                "fence": entry.fence,
                "since": entry.ticket.since,
                "held_since": entry.ticket.held_since,
                "key": entry.key,
            })
        });
        people.collect::<Vec<_>>()
    };
    json!({
        "name": name.as_str(),
        "slots": entries.first().map(|first| first.ticket.slots),
        "holders": people(true),
        "waiting": people(false),
    })
}

/// Who holds a lock and since when, as the reason why nobody else does.
pub fn why_held(entries: &[Entry], now: Timestamp) -> String {
    let lines = lines(entries);
    let holders = lines.iter().filter(|(_, holds)| *holds);
    let holders =
        holders.map(|(entry, _)| format!("{} since {}", entry.ticket.holder, ago(entry, now)));
    let holders: Vec<String> = holders.collect();
    match holders.as_slice() {
        [] => "it was held until just now".to_owned(),
        holders => format!("it is held by {}", holders.join(", by ")),
    }
}

/// For how long one holds the lock or waits, by two clocks that may differ.
fn ago(entry: &Entry, now: Timestamp) -> String {
    let since = entry.ticket.held_since.unwrap_or(entry.ticket.since);
    let seconds = now.as_second().saturating_sub(since.as_second());
    age(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::turn::Ticket;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn entry(fence: i64, slots: u32) -> Entry {
        Entry {
            key: format!("/coracle/lock/named/deploy/{fence:016x}"),
            fence,
            ticket: Ticket {
                holder: format!("frida@ci{fence}"),
                since: at(0),
                slots,
                held_since: (fence <= i64::from(slots)).then(|| at(60)),
            },
        }
    }

    #[test]
    fn people_see_who_holds_a_lock_and_who_waits() {
        let entries = [entry(1, 1), entry(2, 1)];
        let shown = info(&entries, at(90));
        let expected = "\
STATE  FENCE  FOR  HOLDER
holds  1      30s  frida@ci1
waits  2      1m   frida@ci2
";
        assert_eq!(shown, expected);
        let name: LockName = "deploy".parse().expect("a lock");
        let shown = list(&[(name.clone(), entries.to_vec())], at(90));
        let expected = "\
LOCK    SLOTS  HELD  WAITING  FOR  HOLDER
deploy  1      1     1        30s  frida@ci1
";
        assert_eq!(shown, expected);
        let why = why_held(&entries, at(90));
        assert_eq!(why, "it is held by frida@ci1 since 30s");
        let document = document(&name, &entries);
        assert_eq!(document["holders"][0]["fence"], 1);
        assert_eq!(document["waiting"][0]["held_since"], Value::Null);
    }

    #[test]
    fn the_first_says_how_many_hold_it() {
        let entries = [entry(1, 2), entry(2, 2), entry(3, 2)];
        let holds: Vec<bool> = lines(&entries).iter().map(|line| line.1).collect();
        assert_eq!(holds, [true, true, false]);
    }
}
