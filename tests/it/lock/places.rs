//! Places of a semaphore: what people and scripts are told, and who gets one when.

use std::process::Command;

use serde_json::Value;

use crate::lock::{lockctl, locksmithctl, said};
use crate::rig::{Daemon, Rig, Running, client, output};

/// A verb that is carried out, and what it answers.
fn done(command: &mut Command) -> String {
    let (code, answer, talk) = said(command);
    assert_eq!(code, Some(0), "{command:?}: {answer}{talk}");
    answer
}

fn status(of: &Daemon) -> Value {
    let answer = done(&mut lockctl(of, &["status", "-o", "json"]));
    serde_json::from_str(&answer).expect("JSON")
}

fn ids(of: &Value) -> Vec<&str> {
    let holders = of.as_array().expect("a list").iter();
    holders.map(|it| it["id"].as_str().expect("text")).collect()
}

/// Waits until so many stand in line.
fn until_waiting(of: &Daemon, count: usize) {
    let deadline = std::time::Instant::now() + crate::rig::PATIENCE;
    while ids(&status(of)["waiting"]).len() != count {
        assert!(std::time::Instant::now() < deadline, "{}", status(of));
    }
}

#[test]
fn who_holds_a_place_holds_it_once_and_the_next_is_told_by_whom() {
    let daemon = Rig::new().start();
    let free = "group default: 1 of 1 places is free\n";
    assert_eq!(done(&mut lockctl(&daemon, &["status"])), free);
    let taken = done(&mut lockctl(&daemon, &["lock", "a", "--reason", "kernel"]));
    assert_eq!(taken, "a holds a place of group default\n");
    let again = done(&mut lockctl(&daemon, &["lock", "a"]));
    assert_eq!(again, "a holds a place of group default already\n");
    let (code, answer, talk) = said(&mut lockctl(&daemon, &["lock", "b"]));
    assert_eq!((code, answer.as_str()), (Some(6), ""));
    let what = "error: cannot take a place of group default: 1 of 1 places is held (a since ";
    assert!(talk.starts_with(what), "{talk}");
    let hint = "\nhint: wait with `lockctl lock --wait 10m`, or free a dead holder: \
                `lockctl unlock a`\n";
    assert!(talk.ends_with(hint), "{talk}");
    let given = done(&mut lockctl(&daemon, &["unlock", "a"]));
    assert_eq!(given, "a holds no place of group default any more\n");
    let (code, answer, _) = said(&mut lockctl(&daemon, &["unlock", "a"]));
    assert_eq!(code, Some(3));
    assert_eq!(answer, "a held no place of group default\n");
}

#[test]
fn the_document_is_one_key_that_kvctl_shows() {
    let daemon = Rig::new().start();
    done(&mut lockctl(
        &daemon,
        &["lock", "a", "--group", "web", "--reason", "x"],
    ));
    let key = "/coracle/lock/reboot/web";
    let get = ["--endpoints", &daemon.url, "get", key, "--print-value-only"];
    let document: Value = serde_json::from_str(&done(&mut client(&get))).expect("JSON");
    assert_eq!(document["max"], 1);
    assert_eq!(document["holders"][0]["id"], "a");
    assert_eq!(document["holders"][0]["reason"], "x");
    let since = document["holders"][0]["since"].as_str().expect("text");
    assert!(since.ends_with('Z') && since.len() == "2026-11-23T02:19:03Z".len());
    let damage = ["--endpoints", &daemon.url, "put", key, "no JSON"];
    done(&mut client(&damage));
    let (code, _, talk) = said(&mut lockctl(&daemon, &["lock", "b", "--group", "web"]));
    assert_eq!(code, Some(1));
    assert!(
        talk.contains("is no semaphore") && talk.contains("kvctl del"),
        "{talk}"
    );
}

#[test]
fn places_can_be_fewer_than_holders_and_none() {
    let daemon = Rig::new().start();
    let set = |max: &str| done(&mut lockctl(&daemon, &["set-max", max]));
    assert_eq!(set("2"), "group default has 2 places, and had 1\n");
    done(&mut lockctl(&daemon, &["lock", "a"]));
    done(&mut lockctl(&daemon, &["lock", "b"]));
    assert_eq!(set("1"), "group default has 1 places, and had 2\n");
    let shown = done(&mut lockctl(&daemon, &["status"]));
    assert!(
        shown.contains("2 places are held, and only 1 may be"),
        "{shown}"
    );
    done(&mut lockctl(&daemon, &["unlock", "a"]));
    let (code, _, _) = said(&mut lockctl(&daemon, &["lock", "c"]));
    assert_eq!(code, Some(6));
    set("0");
    done(&mut lockctl(&daemon, &["unlock", "b"]));
    let (code, _, talk) = said(&mut lockctl(&daemon, &["lock", "c"]));
    assert_eq!(code, Some(6));
    assert!(talk.contains("`lockctl set-max 1`"), "{talk}");
    let groups = done(&mut lockctl(&daemon, &["groups"]));
    let expected = "GROUP    MAX  HELD  FREE  WAITING\ndefault  0    0     0     0\n";
    assert_eq!(groups, expected);
}

#[test]
fn those_who_wait_get_a_place_in_the_order_in_which_they_came() {
    let daemon = Rig::new().start();
    done(&mut lockctl(&daemon, &["lock", "a"]));
    let waiting: Vec<Running> = ["b", "c", "d"]
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let waiting = Running::start(&mut lockctl(&daemon, &["lock", id, "--wait", "60s"]));
            until_waiting(&daemon, at + 1);
            waiting
        })
        .collect();
    assert_eq!(ids(&status(&daemon)["waiting"]), ["b", "c", "d"]);
    // Nobody comes before those who wait.
    done(&mut lockctl(&daemon, &["set-max", "0"]));
    done(&mut lockctl(&daemon, &["unlock", "a"]));
    let mut before = "a".to_owned();
    done(&mut lockctl(&daemon, &["set-max", "1"]));
    for (mut waiting, id) in waiting.into_iter().zip(["b", "c", "d"]) {
        let taken = format!("{id} holds a place of group default");
        assert_eq!(waiting.line(), taken, "after {before}");
        assert_eq!(waiting.ended().0, Some(0));
        let (code, _, talk) = said(&mut lockctl(&daemon, &["lock", "late"]));
        assert_eq!(code, Some(6), "{talk}");
        done(&mut lockctl(&daemon, &["unlock", id]));
        before = id.to_owned();
    }
    assert_eq!(ids(&status(&daemon)["holders"]), Vec::<&str>::new());
}

#[test]
fn who_gives_up_or_dies_in_line_is_in_nobodys_way() {
    let daemon = Rig::new().start();
    done(&mut lockctl(&daemon, &["lock", "a"]));
    let start = |id: &str, count| {
        let waiting = Running::start(&mut lockctl(&daemon, &["lock", id, "--wait", "60s"]));
        until_waiting(&daemon, count);
        waiting
    };
    let gives_up = start("b", 1);
    let dies = start("c", 2);
    let mut stays = start("d", 3);
    gives_up.terminate();
    let (code, talk) = gives_up.ended();
    assert_eq!(code, Some(1));
    assert!(talk.contains("SIGTERM ended the wait"), "{talk}");
    // Its value kills it.
    drop(dies);
    let (code, _, talk) = said(&mut lockctl(&daemon, &["lock", "e", "--wait", "100ms"]));
    assert_eq!(code, Some(6), "{talk}");
    done(&mut lockctl(&daemon, &["unlock", "a"]));
    assert_eq!(stays.line(), "d holds a place of group default");
    until_waiting(&daemon, 0);
}

#[test]
fn locksmithctl_answers_in_its_own_words() {
    let daemon = Rig::new().start();
    let say = |words: &[&str]| said(&mut locksmithctl(&daemon, words));
    let quiet = (Some(0), String::new(), String::new());
    let prints = |text: &str| (Some(0), text.to_owned(), String::new());
    let fails = |text: &str| (Some(1), String::new(), text.to_owned());
    assert_eq!(say(&["status"]), prints("Available: 1\nMax: 1\n"));
    let id = "69d27b356a94476da859461d3a3bc6fd";
    assert_eq!(say(&["lock", id]), quiet);
    let held = format!("Available: 0\nMax: 1\n\nMACHINE ID\n{id}\n");
    assert_eq!(say(&["status"]), prints(&held));
    assert_eq!(say(&["lock", id]), quiet, "a holder is content");
    let full = fails("Error locking: semaphore is at 0\n");
    assert_eq!(say(&["lock", "other"]), full);
    assert_eq!(say(&["set-max", "4"]), prints("Old-Max: 1\nMax: 4\n"));
    assert_eq!(say(&["unlock", id]), quiet);
    let nobody = fails("Error unlocking: holder does not exist\n");
    assert_eq!(say(&["unlock", id]), nobody);
    assert_eq!(
        say(&["-group", "web", "status"]),
        prints("Available: 1\nMax: 1\n")
    );
    assert_eq!(say(&["nonsense"]).0, Some(2));
}

#[test]
fn nobody_there_is_told_as_such() {
    let mut asked = crate::rig::coracle(&["lock", "--endpoints", "http://127.0.0.1:1", "status"]);
    let told = output(&mut asked);
    assert_eq!(told.status.code(), Some(4));
    let talk = String::from_utf8_lossy(&told.stderr);
    assert!(
        talk.starts_with("error: cannot look at group default"),
        "{talk}"
    );
}
