//! A group's semaphore, written for people and for scripts.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::columns::{age, columns, or_dash};
use crate::core::cluster::roll::Entry;
use crate::core::lock::machines::known;
use crate::core::lock::name::Group;
use crate::core::lock::semaphore::{Holder, Semaphore, Standing};

/// The group in a line, and a table of who holds and who waits; `now` is the reader's time.
pub fn text(group: &Group, standing: &Standing, everybody: &[Entry], now: Timestamp) -> String {
    let Standing {
        semaphore, waiting, ..
    } = standing;
    let line = format!("group {group}: {}\n", places(semaphore));
    let table = |heading: &str, of: &[Holder]| {
        if of.is_empty() {
            return String::new();
        }
        let heading = [heading, "MACHINE", "STATE", "FOR", "SINCE", "REASON"];
        let heading = heading.map(str::to_owned).to_vec();
        let rows = of.iter().map(|holder| row(holder, everybody, now));
        let rows: Vec<_> = [heading].into_iter().chain(rows).collect();
        format!("\n{}", columns(&rows))
    };
    let (held, waiting) = (
        table("HOLDER", &semaphore.holders),
        table("WAITING", waiting),
    );
    format!("{line}{held}{waiting}")
}

/// The same for scripts.
pub fn document(group: &Group, standing: &Standing, everybody: &[Entry]) -> Value {
    let people = |holders: &[Holder]| {
        let holders = holders.iter().map(|holder| {
            let known = known(everybody, &holder.id);
            json!({
                "id": holder.id,
                "since": holder.since,
                "reason": holder.reason,
                "machine": known.name,
                "up": known.up,
            })
        });
        holders.collect::<Vec<_>>()
    };
    json!({
        "group": group.as_str(),
        "max": standing.semaphore.max,
        "free": standing.semaphore.free(),
        "holders": people(&standing.semaphore.holders),
        "waiting": people(&standing.waiting),
    })
}

/// A table with a line for each group.
pub fn groups(groups: &[(Group, Standing)]) -> String {
    let heading = ["GROUP", "MAX", "HELD", "FREE", "WAITING"];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = groups.iter().map(|(group, standing)| {
        vec![
            group.to_string(),
            standing.semaphore.max.to_string(),
            standing.semaphore.holders.len().to_string(),
            standing.semaphore.free().to_string(),
            standing.waiting.len().to_string(),
        ]
    });
    columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// The same for scripts.
pub fn groups_document(groups: &[(Group, Standing)]) -> Value {
    let groups = groups.iter().map(|(group, standing)| {
        json!({
            "group": group.as_str(),
            "max": standing.semaphore.max,
            "held": standing.semaphore.holders.len(),
            "free": standing.semaphore.free(),
            "waiting": standing.waiting.len(),
        })
    });
    json!({ "groups": groups.collect::<Vec<_>>() })
}

/// Why nobody is given a place: who holds them all and since when, or who waits already.
pub fn why_full(standing: &Standing, everybody: &[Entry], now: Timestamp) -> String {
    let semaphore = &standing.semaphore;
    let held = match semaphore.holders.as_slice() {
        [] => String::new(),
        holders => {
            let holders = holders.iter().map(|holder| {
                let name = known(everybody, &holder.id).name;
                let name = name.unwrap_or_else(|| holder.id.clone());
                format!("{name} since {}", ago(holder, now))
            });
            format!(" ({})", holders.collect::<Vec<_>>().join(", "))
        }
    };
    match (semaphore.free(), standing.waiting.len()) {
        (0, _) => {
            let count = semaphore.holders.len();
            format!(
                "{count} of {} places {} held{held}",
                semaphore.max,
                are(count)
            )
        }
        (free, waiting) => format!(
            "{free} of {} places {} free{held}, and {waiting} {} in line for it",
            semaphore.max,
            are(free),
            if waiting == 1 { "waits" } else { "wait" },
        ),
    }
}

fn places(semaphore: &Semaphore) -> String {
    let free = semaphore.free();
    let held = semaphore.holders.len();
    let places = if held == 1 { "place" } else { "places" };
    match usize::try_from(semaphore.max) {
        Ok(0) if held == 0 => "there are no places: nobody reboots".to_owned(),
        Ok(0) => format!(
            "{held} {places} {} held, and none is free after that",
            are(held)
        ),
        Ok(max) if held > max => format!(
            "{held} {places} {} held, and only {max} may be: none is free until {} {} given back",
            are(held),
            held - max + 1,
            are(held - max + 1)
        ),
        _ => format!("{free} of {} places {} free", semaphore.max, are(free)),
    }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn row(holder: &Holder, everybody: &[Entry], now: Timestamp) -> Vec<String> {
    let known = known(everybody, &holder.id);
    let state = known.up.map(|up| if up { "up" } else { "down" });
    vec![
        holder.id.clone(),
        or_dash(known.name.unwrap_or_default()),
        state.unwrap_or("-").to_owned(),
        ago(holder, now),
        holder.since.to_string(),
        or_dash(holder.reason.clone()),
    ]
}

/// For how long, by two clocks that may differ.
fn ago(holder: &Holder, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(holder.since.as_second());
    age(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(max: u32, holders: &[&str], waiting: &[&str]) -> Standing {
        let people = |ids: &[&str]| {
            let holder = |id: &&str| Holder::new(&id.parse().expect("a holder"), at(60), "kernel");
            ids.iter().map(holder).collect::<Vec<_>>()
        };
        Standing {
            semaphore: Semaphore {
                max,
                holders: people(holders),
            },
            waiting: people(waiting),
            exists: true,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn people_see_who_holds_and_who_waits() {
        let shown = text(
            &Group::default(),
            &standing(1, &["a"], &["b"]),
            &[],
            at(180),
        );
        let expected = "\
group default: 0 of 1 places are free

HOLDER  MACHINE  STATE  FOR  SINCE                 REASON
a       -        -      2m   1970-01-01T00:01:00Z  kernel

WAITING  MACHINE  STATE  FOR  SINCE                 REASON
b        -        -      2m   1970-01-01T00:01:00Z  kernel
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_maximum_below_the_holders_is_shown() {
        let shown = text(
            &Group::default(),
            &standing(1, &["a", "b"], &[]),
            &[],
            at(60),
        );
        let first = "group default: 2 places are held, and only 1 may be: \
                     none is free until 2 are given back\n";
        assert!(shown.starts_with(first), "{shown}");
        for (holders, first) in [
            (&[][..], "there are no places: nobody reboots"),
            (&["a"], "1 place is held, and none is free after that"),
        ] {
            let shown = text(&Group::default(), &standing(0, holders, &[]), &[], at(60));
            assert_eq!(
                shown.lines().next(),
                Some(&*format!("group default: {first}"))
            );
        }
    }

    #[test]
    fn who_is_refused_is_told_by_whom_and_since_when() {
        let why = |standing| why_full(&standing, &[], at(100));
        assert_eq!(
            why(standing(2, &["a", "b"], &[])),
            "2 of 2 places are held (a since 40s, b since 40s)"
        );
        assert_eq!(why(standing(0, &[], &[])), "0 of 0 places are held");
        assert_eq!(
            why(standing(2, &["a"], &["b"])),
            "1 of 2 places is free (a since 40s), and 1 waits in line for it"
        );
    }

    #[test]
    fn scripts_see_the_same() {
        let document = document(&Group::default(), &standing(2, &["a"], &["b"]), &[]);
        assert_eq!(document["free"], 1);
        assert_eq!(document["holders"][0]["since"], "1970-01-01T00:01:00Z");
        assert_eq!(document["waiting"][0]["id"], "b");
        assert_eq!(document["holders"][0]["up"], Value::Null);
    }
}
