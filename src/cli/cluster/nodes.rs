//! Who is in the cluster, written for people and for scripts.

use clap::Command;
use serde_json::{Value, json};

use crate::cli::columns::{age, columns, or_dash};
use crate::core::cluster::roll::Entry;

pub fn members() -> Command {
    Command::new("members").about("Lists who is in the cluster: voters, learners and workers")
}

/// A table with a line for each node; `now_ms` is the reader's time.
pub fn text(entries: &[Entry], now_ms: u64) -> String {
    let heading = [
        "NAME", "ROLE", "STATE", "FOR", "VERSION", "MACHINE", "MEMBER", "METADATA", "CLIENTS",
    ];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = entries.iter().map(|entry| row(entry, now_ms));
    columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

fn row(entry: &Entry, now_ms: u64) -> Vec<String> {
    vec![
        or_dash(entry.name.clone()),
        entry.part.name().to_owned(),
        state(entry).unwrap_or("-").to_owned(),
        up_for(entry, now_ms),
        or_dash(entry.version.clone().unwrap_or_default()),
        entry
            .machine
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string),
        entry.member.map_or("-".to_owned(), |id| format!("{id:x}")),
        or_dash(entry.metadata.to_string()),
        or_dash(entry.client_urls.join(",")),
    ]
}

/// For how long it is up, in the unit that says most.
pub(super) fn up_for(entry: &Entry, now_ms: u64) -> String {
    let Some(since_ms) = entry.since_ms else {
        return "-".to_owned();
    };
    age(now_ms.saturating_sub(since_ms) / 1_000)
}

pub(super) fn state(entry: &Entry) -> Option<&'static str> {
    entry.up.map(|up| if up { "up" } else { "down" })
}

/// The same for scripts.
pub fn document(entries: &[Entry]) -> Value {
    let nodes = entries.iter().map(|entry| {
        json!({
            "name": entry.name,
            "role": entry.part.name(),
            "state": state(entry),
            "since_ms": entry.since_ms,
            "version": entry.version,
            "machine": entry.machine.as_ref().map(ToString::to_string),
            "member": entry.member.map(|id| format!("{id:x}")),
            "metadata": entry.metadata.0,
            "client_urls": entry.client_urls,
        })
    });
    json!({ "nodes": nodes.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::roll::Part;

    fn entry() -> Entry {
        Entry {
            name: "a".to_owned(),
            part: Part::Worker,
            machine: None,
            member: Some(0xab),
            up: Some(false),
            since_ms: Some(1_000),
            version: None,
            metadata: "k=v".parse().expect("metadata"),
            client_urls: Vec::new(),
        }
    }

    #[test]
    fn a_node_is_a_line_with_dashes_for_what_is_not_known() {
        let text = text(&[entry()], 61_000);
        let line = text.lines().nth(1).expect("a heading and a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            ["a", "worker", "down", "1m", "-", "-", "ab", "k=v", "-"]
        );
        // Its clock may be ahead of ours.
        assert_eq!(up_for(&entry(), 0), "0s");
    }

    #[test]
    fn scripts_get_the_same() {
        let document = document(&[entry()]);
        assert_eq!(document["nodes"][0]["member"], "ab");
        assert_eq!(document["nodes"][0]["machine"], Value::Null);
        assert_eq!(document["nodes"][0]["metadata"]["k"], "v");
    }
}
