//! Locks for scripts: what a command under one is told, how it ends, and who is next.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::lock::{info, lockctl, said, script, signal, until, until_line};
use crate::rig::{Daemon, Rig, Running, client, output};

/// How a script ends, and what it prints.
fn ran(of: &Daemon, verb: &[&str], words: &str) -> (Option<i32>, String, String) {
    said(&mut script(of, verb, words))
}

/// A script that goes on, with its files in the rig.
fn started(of: &Daemon, verb: &[&str], words: &str) -> Child {
    let mut command = script(of, verb, words);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it starts")
}

fn code(mut child: Child) -> Option<i32> {
    child.wait().expect("still our child").code()
}

#[test]
fn a_command_knows_its_lock_and_its_exit_code_is_the_answer() {
    let daemon = Rig::new().start();
    let words = "echo $CORACLE_LOCK_NAME; test $CORACLE_LOCK_FENCE -le $CORACLE_LOCK_REVISION";
    let told = ran(&daemon, &["exec", "deploy"], words);
    assert_eq!(told, (Some(0), "deploy\n".to_owned(), String::new()));
    assert_eq!(ran(&daemon, &["exec", "deploy"], "exit 9").0, Some(9));
    assert_eq!(ran(&daemon, &["exec", "deploy"], "kill -9 $$").0, Some(137));
    let nobody = said(&mut lockctl(&daemon, &["info", "deploy"]));
    assert_eq!(nobody.0, Some(3));
    assert_eq!(nobody.1, "nobody holds lock deploy\n");
}

#[test]
fn standard_input_goes_to_the_command() {
    let daemon = Rig::new().start();
    let mut command = lockctl(&daemon, &["exec", "deploy", "--", "cat"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"what is piped").expect("is taken");
    drop(input);
    let output = child.wait_with_output().expect("still our child");
    assert_eq!(output.stdout, b"what is piped");
}

#[test]
fn who_does_not_wait_is_told_who_holds_it() {
    let daemon = Rig::new().start();
    let words = "$lockctl exec deploy --wait 0 -- echo never; echo $?";
    let (_, answer, talk) = ran(&daemon, &["exec", "deploy"], words);
    assert_eq!(answer, "6\n");
    let what = "error: cannot take lock deploy: it is held by ";
    assert!(talk.starts_with(what), "{talk}");
    let hint = "wait longer with --wait, see who waits with `lockctl info deploy`, or take it away";
    assert!(talk.contains(hint), "{talk}");
    let words = "$lockctl exec deploy --wait 300ms -- echo never; echo $?";
    assert_eq!(ran(&daemon, &["exec", "deploy"], words).1, "6\n");
}

#[test]
fn what_stands_in_line_and_is_no_ticket_is_shown_and_can_be_broken() {
    let daemon = Rig::new().start();
    let key = "/coracle/lock/named/deploy/x";
    let put = output(&mut client(&[
        "--endpoints",
        &daemon.url,
        "put",
        key,
        "hello",
    ]));
    assert!(put.status.success());
    let exec = ["exec", "deploy", "--wait", "0", "--", "true"];
    let (code, _, talk) = said(&mut lockctl(&daemon, &exec));
    assert_eq!(code, Some(6));
    assert!(talk.contains(&format!("whoever wrote {key}")), "{talk}");
    let (code, answer, _) = said(&mut lockctl(&daemon, &["break", "deploy"]));
    let expected = format!("lock deploy was taken from whoever wrote {key}\n");
    assert_eq!((code, answer), (Some(0), expected));
    assert_eq!(said(&mut lockctl(&daemon, &exec)).0, Some(0));
}

#[test]
fn held_list_and_info_tell_of_it() {
    let daemon = Rig::new().start();
    let words = "$lockctl held deploy && $lockctl held deploy --fence $CORACLE_LOCK_FENCE && \
                 ! $lockctl held deploy --fence 1 && $lockctl list && $lockctl info deploy";
    let (code, answer, talk) = ran(&daemon, &["exec", "deploy"], words);
    assert_eq!(code, Some(0), "{answer}{talk}");
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines[0], "LOCK    SLOTS  HELD  WAITING  FOR  HOLDER");
    assert!(
        lines[1].starts_with("deploy  1      1     0        "),
        "{answer}"
    );
    assert_eq!(lines[2], "STATE  FENCE  FOR  HOLDER");
    assert!(lines[3].starts_with("holds  "), "{answer}");
    assert_eq!(said(&mut lockctl(&daemon, &["held", "deploy"])).0, Some(3));
    let (code, answer, _) = said(&mut lockctl(&daemon, &["list"]));
    assert_eq!((code, answer.lines().count()), (Some(0), 1));
    let (_, answer, _) = said(&mut lockctl(&daemon, &["list", "-o", "json"]));
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["locks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn those_who_wait_hold_it_in_the_order_in_which_they_came() {
    let rig = Rig::new();
    let daemon = rig.start();
    let (log, go) = (rig.path("log"), rig.path("go"));
    let wait = format!("until test -e {}; do sleep 0.01; done", go.display());
    let first = started(&daemon, &["exec", "deploy"], &wait);
    until_line(&daemon, "deploy", 1, 0);
    let note = |at: usize| format!("echo {at} >> {}", log.display());
    let others = (1..=5).map(|at| {
        let other = started(&daemon, &["exec", "deploy"], &note(at));
        until_line(&daemon, "deploy", 1, at);
        other
    });
    let others: Vec<Child> = others.collect();
    fs::write(go, "").expect("is made");
    assert_eq!(code(first), Some(0));
    assert!(others.into_iter().all(|other| code(other) == Some(0)));
    assert_eq!(fs::read_to_string(log).expect("reads"), "1\n2\n3\n4\n5\n");
}

#[test]
fn as_many_as_the_slots_hold_it_and_all_must_say_the_same() {
    let rig = Rig::new();
    let daemon = rig.start();
    let words = "while :; do sleep 0.05; done";
    let verb = ["exec", "build", "--slots", "2"];
    let holders = [(); 2].map(|()| started(&daemon, &verb, words));
    until_line(&daemon, "build", 2, 0);
    let third = started(&daemon, &verb, "exit 0");
    let fourth = started(&daemon, &verb, "exit 0");
    until_line(&daemon, "build", 2, 2);
    let (code_of_one, _, talk) = ran(&daemon, &["exec", "build"], "exit 0");
    assert_eq!(code_of_one, Some(6));
    assert!(talk.contains("say --slots 2"), "{talk}");
    signal(holders[1].id(), "-TERM");
    assert_eq!([third, fourth].map(code), [Some(0); 2]);
    signal(holders[0].id(), "-TERM");
    assert_eq!(holders.map(code), [Some(143); 2]);
}

#[test]
fn signals_are_passed_to_the_command() {
    let rig = Rig::new();
    let daemon = rig.start();
    let words = "trap 'echo ended; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = Running::start(&mut script(&daemon, &["exec", "deploy"], words));
    assert_eq!(running.line(), "ready");
    running.terminate();
    assert_eq!(running.line(), "ended");
    assert_eq!(running.ended().0, Some(7));
}

#[test]
fn who_is_told_to_end_in_line_leaves_it() {
    let daemon = Rig::new().start();
    let holder = started(&daemon, &["exec", "deploy"], "while :; do sleep 0.05; done");
    until_line(&daemon, "deploy", 1, 0);
    let waiting = started(&daemon, &["exec", "deploy"], "exit 0");
    until_line(&daemon, "deploy", 1, 1);
    signal(waiting.id(), "-INT");
    assert_eq!(code(waiting), Some(130));
    until_line(&daemon, "deploy", 1, 0);
    signal(holder.id(), "-TERM");
    assert_eq!(code(holder), Some(143));
}

#[test]
fn a_broken_lock_stops_its_command_and_the_next_one_holds_it() {
    let daemon = Rig::new().start();
    let mut held = Running::start(&mut script(
        &daemon,
        &["exec", "deploy"],
        "echo ready; while :; do sleep 0.05; done",
    ));
    assert_eq!(held.line(), "ready");
    let next = started(&daemon, &["exec", "deploy"], "exit 5");
    until_line(&daemon, "deploy", 1, 1);
    let (code_of_wrong, answer, _) =
        said(&mut lockctl(&daemon, &["break", "deploy", "--fence", "1"]));
    assert_eq!(code_of_wrong, Some(3));
    assert_eq!(answer, "nobody holds lock deploy\n");
    let (code_of_break, answer, _) = said(&mut lockctl(&daemon, &["break", "deploy"]));
    assert_eq!(code_of_break, Some(0));
    assert!(
        answer.starts_with("lock deploy was taken from "),
        "{answer}"
    );
    let (ended, talk) = held.ended();
    assert_eq!(ended, Some(4));
    assert!(talk.contains("somebody broke it"), "{talk}");
    assert_eq!(code(next), Some(5));
}

#[test]
fn without_a_cluster_the_command_is_stopped_in_time() {
    let rig = Rig::new();
    let daemon = rig.start();
    let words = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let verb = ["exec", "deploy", "--ttl", "3s"];
    let mut held = Running::start(&mut script(&daemon, &verb, words));
    assert_eq!(held.line(), "ready");
    daemon.kill();
    let begun = std::time::Instant::now();
    let (ended, talk) = held.ended();
    assert_eq!(ended, Some(4));
    assert!(talk.contains("it was not renewed in time"), "{talk}");
    assert!(begun.elapsed() < crate::rig::PATIENCE);
}

/// A holder that writes a line after the next one has begun.
fn assert_never_two(rig: &Rig, stop: &str) {
    let daemon = rig.start();
    let log = rig.path("log");
    let note = |who: &str| format!("date +\"%s%N {who}\" >> {}", log.display());
    let words = format!("echo ready; while :; do {}; done", note("first"));
    let verb = ["exec", "deploy", "--ttl", "2s"];
    let mut command = script(&daemon, &verb, &words);
    let mut held = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let holds = || fs::metadata(&log).is_ok_and(|found| found.len() > 0);
    until(holds);
    let next = started(&daemon, &["exec", "deploy"], &note("second"));
    until_line(&daemon, "deploy", 1, 1);
    signal(held.id(), stop);
    assert_eq!(code(next), Some(0));
    if stop == "-STOP" {
        signal(held.id(), "-CONT");
        assert_eq!(held.wait().expect("still our child").code(), Some(4));
    } else {
        held.wait().expect("still our child");
    }
    let log = fs::read_to_string(log).expect("reads");
    let last = log.lines().last().expect("a line");
    assert!(last.ends_with("second"), "the first wrote after it: {last}");
    assert_eq!(log.matches("second").count(), 1);
}

#[test]
fn a_holder_that_is_killed_takes_its_command_with_it() {
    assert_never_two(&Rig::new(), "-KILL");
}

#[test]
fn the_command_of_a_holder_that_is_stopped_is_ended_before_the_next_one_begins() {
    assert_never_two(&Rig::new(), "-STOP");
}

#[test]
fn who_dies_in_line_is_in_nobodys_way() {
    let daemon = Rig::new().start();
    let holder = started(&daemon, &["exec", "deploy"], "while :; do sleep 0.05; done");
    until_line(&daemon, "deploy", 1, 0);
    let mut dies = started(&daemon, &["exec", "deploy", "--ttl", "2s"], "exit 0");
    until_line(&daemon, "deploy", 1, 1);
    let last = started(&daemon, &["exec", "deploy"], "exit 5");
    until_line(&daemon, "deploy", 1, 2);
    dies.kill().expect("still our child");
    dies.wait().expect("still our child");
    signal(holder.id(), "-TERM");
    assert_eq!(code(last), Some(5));
    assert_eq!(code(holder), Some(143));
}

#[test]
fn a_write_under_a_lock_is_made_only_while_its_fence_stands() {
    let daemon = Rig::new().start();
    let words = r#"apply() { printf 'val("a") = "0"\n\n\nput b %s\n\n' $1; }
        $kvctl put --if-held deploy a 1 >/dev/null && echo put
        apply else | $kvctl txn --if-held deploy >/dev/null
        trap '' TERM; $lockctl break deploy >/dev/null
        $kvctl put --if-held deploy a 2; echo $?
        apply late | $kvctl txn --if-held deploy; echo $?"#;
    let (code, answer, talk) = ran(&daemon, &["exec", "deploy", "--ttl", "20s"], words);
    assert_eq!(code, Some(4), "{talk}");
    assert_eq!(answer, "put\n6\n6\n", "{talk}");
    assert!(talk.contains("is not held under fence"), "{talk}");
    let get = |key: &str| {
        let get = ["--endpoints", &daemon.url, "get", key, "--print-value-only"];
        output(&mut client(&get)).stdout
    };
    assert_eq!((get("a"), get("b")), (b"1\n".to_vec(), b"else\n".to_vec()));
    let mut blind = client(&[
        "--endpoints",
        &daemon.url,
        "put",
        "--if-held",
        "deploy",
        "a",
        "3",
    ]);
    let (code, _, talk) = said(&mut blind);
    assert_eq!(code, Some(2));
    assert!(talk.contains("its fence is not said"), "{talk}");
}

#[test]
fn exactly_one_of_many_does_what_is_to_be_done_once() {
    let rig = Rig::new();
    let daemon = rig.start();
    let log = rig.path("log");
    let words = format!("echo did >> {}", log.display());
    let all: Vec<Child> = (0..5)
        .map(|_| started(&daemon, &["run-once", "migrate:7"], &words))
        .collect();
    assert!(all.into_iter().all(|one| code(one) == Some(0)));
    assert_eq!(fs::read_to_string(&log).expect("reads"), "did\n");
    let (code, answer, talk) = ran(&daemon, &["run-once", "migrate:7"], &words);
    assert_eq!((code, answer.as_str()), (Some(0), ""));
    assert!(talk.starts_with("migrate:7 was done by "), "{talk}");
}

#[test]
fn what_failed_is_tried_by_the_next() {
    let daemon = Rig::new().start();
    assert_eq!(ran(&daemon, &["run-once", "migrate"], "exit 3").0, Some(3));
    let (code, answer, _) = ran(&daemon, &["run-once", "migrate"], "echo did");
    assert_eq!((code, answer.as_str()), (Some(0), "did\n"));
    let (_, answer, _) = ran(&daemon, &["run-once", "migrate"], "echo did");
    assert_eq!(answer, "");
}

#[test]
fn what_cannot_be_run_is_told_apart_as_docker_does() {
    let rig = Rig::new();
    let daemon = rig.start();
    let exec = |words: &[&str]| {
        let line = [&["exec", "deploy", "--"], words].concat();
        said(&mut lockctl(&daemon, &line)).0
    };
    assert_eq!(exec(&["nonsense-that-is-not-there"]), Some(127));
    assert_eq!(exec(&["/etc/passwd"]), Some(126));
    let usage = |words: &[&str]| said(&mut lockctl(&daemon, words)).0;
    assert_eq!(usage(&["exec", "a/b", "--", "true"]), Some(2));
    assert_eq!(
        usage(&["exec", "deploy", "--ttl", "1s", "--", "true"]),
        Some(2)
    );
    assert_eq!(usage(&["exec", "deploy"]), Some(2));
    let info = info(&daemon, "deploy");
    assert_eq!(info["holders"].as_array().map(Vec::len), Some(0));
    let mut away = crate::rig::coracle(&["lock", "--endpoints", "http://127.0.0.1:1"]);
    away.args(["exec", "deploy", "--", "true"]);
    let (code, _, talk) = said(&mut away);
    assert_eq!(code, Some(4), "{talk}");
}

/// How many reads the daemon was asked for.
fn reads(of: &Daemon) -> u64 {
    let page = crate::cluster::page(of, "/metrics");
    let is_it =
        |line: &&str| line.starts_with("grpc_server_started_total{") && line.contains("\"Range\"");
    let line = page.lines().find(is_it);
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.unwrap_or(0)
}

#[test]
fn nobody_wakes_but_the_next_one() {
    let rig = Rig::new();
    let daemon = rig.start();
    let words = "while :; do sleep 0.05; done";
    let holder = started(&daemon, &["exec", "deploy"], words);
    until_line(&daemon, "deploy", 1, 0);
    let others = (1..=20).map(|at| {
        let words = format!("touch {}; {words}", rig.path(&at.to_string()).display());
        let other = started(&daemon, &["exec", "deploy"], &words);
        until_line(&daemon, "deploy", 1, at);
        other
    });
    let others: Vec<Child> = others.collect();
    let before = reads(&daemon);
    signal(holder.id(), "-TERM");
    assert_eq!(code(holder), Some(143));
    until(|| rig.path("1").exists());
    // Whoever else was woken has had the time that a whole command takes.
    assert_eq!(ran(&daemon, &["exec", "another"], "exit 0").0, Some(0));
    // The next one looks at the line and at its own key, and so did the other command.
    let woken = reads(&daemon) - before;
    assert!((1..10).contains(&woken), "{woken} reads for one hand-over");
    for other in others {
        signal(other.id(), "-TERM");
        assert_eq!(code(other), Some(143));
    }
}
