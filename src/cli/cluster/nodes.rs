//! Who is in the cluster, written for people and for scripts.

use clap::Command;
use serde_json::{Value, json};

use crate::cli::cluster::status::columns;
use crate::core::cluster::roll::Entry;

pub fn members() -> Command {
    Command::new("members").about("Lists who is in the cluster: voters, learners and workers")
}

/// A table with a line for each node.
pub fn text(entries: &[Entry]) -> String {
    let heading = [
        "NAME", "ROLE", "STATE", "MACHINE", "MEMBER", "METADATA", "CLIENTS",
    ];
    let heading = heading.map(str::to_owned).to_vec();
    columns(
        &[heading]
            .into_iter()
            .chain(entries.iter().map(row))
            .collect::<Vec<_>>(),
    )
}

fn row(entry: &Entry) -> Vec<String> {
    let or_dash = |text: String| match text.is_empty() {
        true => "-".to_owned(),
        false => text,
    };
    vec![
        or_dash(entry.name.clone()),
        entry.part.name().to_owned(),
        state(entry).unwrap_or("-").to_owned(),
        entry
            .machine
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string),
        entry.member.map_or("-".to_owned(), |id| format!("{id:x}")),
        or_dash(entry.metadata.to_string()),
        or_dash(entry.client_urls.join(",")),
    ]
}

fn state(entry: &Entry) -> Option<&'static str> {
    entry.up.map(|up| if up { "up" } else { "down" })
}

/// The same for scripts.
pub fn document(entries: &[Entry]) -> Value {
    let nodes = entries.iter().map(|entry| {
        json!({
            "name": entry.name,
            "role": entry.part.name(),
            "state": state(entry),
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
            metadata: "k=v".parse().expect("metadata"),
            client_urls: Vec::new(),
        }
    }

    #[test]
    fn a_node_is_a_line_with_dashes_for_what_is_not_known() {
        let text = text(&[entry()]);
        let line = text.lines().nth(1).expect("a heading and a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["a", "worker", "down", "-", "ab", "k=v", "-"]);
    }

    #[test]
    fn scripts_get_the_same() {
        let document = document(&[entry()]);
        assert_eq!(document["nodes"][0]["member"], "ab");
        assert_eq!(document["nodes"][0]["machine"], Value::Null);
        assert_eq!(document["nodes"][0]["metadata"]["k"], "v");
    }
}
