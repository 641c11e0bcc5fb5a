//! kvctl as a process against a daemon: sockets, closed pipes, alarms, watches that run something.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::rig::{PATIENCE, Rig, Running, client, left_out, output};

/// `kvctl` against `endpoint`.
fn at(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = client(&["--endpoints", endpoint]);
    command.args(arguments);
    command
}

/// What it answers; it must succeed.
fn kvctl(endpoint: &str, arguments: &[&str]) -> String {
    let done = output(&mut at(endpoint, arguments));
    assert!(done.status.success(), "{arguments:?}: {done:?}");
    String::from_utf8(done.stdout).expect("is text")
}

/// Its exit code and words where it fails.
fn failed(endpoint: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let done = output(&mut at(endpoint, arguments));
    let talk = String::from_utf8(done.stderr).expect("is text");
    (done.status.code(), talk)
}

#[test]
fn unix_socket_is_an_endpoint() {
    let rig = Rig::new();
    let daemon = rig.start();
    let socket = rig.socket_url();
    assert_eq!(kvctl(&socket, &["put", "a", "b"]), "OK\n");
    let tcp = kvctl(&daemon.url, &["get", "a"]);
    assert_eq!(tcp, kvctl(&socket, &["get", "a"]));
    let in_environment = output(client(&["get", "a"]).env("CORACLE_ENDPOINTS", &socket));
    assert_eq!(in_environment.stdout, b"a\nb\n");
    let mode = fs::metadata(rig.path("socket")).expect("is there");
    let mode = mode.permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else's: {mode:o}");
    drop(daemon);
    let (code, talk) = failed(&socket, &["get", "a"]);
    assert_eq!(code, Some(4));
    assert!(talk.contains(&socket) && talk.contains("hint: "), "{talk}");
}

#[test]
fn without_endpoints_the_socket_of_the_own_daemon_is_used() {
    let mut rig = Rig::new();
    if coracle::adapter::host::user_id() == 0 {
        // Root's socket is the whole machine's, so this is tried as nobody.
        let nobody = ["setpriv", "--reuid=65534", "--clear-groups"];
        rig.wrapper = nobody.map(Into::into).to_vec();
        let anybody = fs::Permissions::from_mode(0o777);
        fs::set_permissions(rig.path(""), anybody).expect("is ours");
        if fs::metadata("/usr/bin/setpriv").is_err() {
            return left_out("root's socket is the machine's, and there is no setpriv");
        }
    }
    rig.is_placed = false;
    let own = ["XDG_RUNTIME_DIR", "XDG_DATA_HOME"];
    let own = own.map(|name| (name, rig.path(name).into_os_string()));
    rig.environment = own.to_vec();
    let _daemon = rig.start();
    assert!(rig.path("XDG_RUNTIME_DIR").join("coracle.sock").exists());
    assert!(rig.path("XDG_DATA_HOME").join("coracle").exists());
    let kvctl = |arguments: &[&str]| {
        let mut words = rig.wrapper.clone();
        words.push(env!("CARGO_BIN_EXE_coracle").into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("kv").args(arguments);
        command.env_remove("CORACLE_ENDPOINTS").envs(own.clone());
        output(&mut command)
    };
    assert_eq!(kvctl(&["put", "a", "b"]).stdout, b"OK\n");
    assert_eq!(kvctl(&["get", "a"]).stdout, b"a\nb\n");
}

#[test]
fn answer_that_nobody_reads_to_the_end_is_no_failure() {
    let rig = Rig::new();
    let _daemon = rig.start();
    let socket = rig.socket_url();
    let large = "x".repeat(100_000);
    for key in ["a", "b", "c", "d"] {
        kvctl(&socket, &["put", key, &large]);
    }
    let mut reading = at(&socket, &["get", "--prefix", ""]);
    let mut reading = Running::start(&mut reading);
    assert_eq!(reading.line(), "a");
    reading.close_answer();
    assert_eq!(reading.ended(), (Some(0), String::new()));

    let mut watching = at(&socket, &["watch", "--rev", "1", "a"]);
    let mut watching = Running::start(&mut watching);
    assert_eq!(watching.line(), "PUT");
    watching.close_answer();
    kvctl(&socket, &["put", "a", "again"]);
    assert_eq!(watching.ended(), (Some(0), String::new()));
}

#[test]
fn talk_that_nobody_reads_changes_no_exit_code() {
    let closed = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let absent = ["--endpoints", "unix:///nonexistent/socket", "get", "a"];
    let cases: [(&[&str], i32); 3] = [(&absent, 4), (&["lease"], 2), (&["--nonsense"], 2)];
    for (arguments, code) in cases {
        let done = output(client(arguments).stderr(closed()));
        assert_eq!(done.status.code(), Some(code), "{arguments:?}");
    }
    let mut check = Rig::with(&["--check-config"]).command();
    let done = check.stdout(closed()).stderr(Stdio::piped());
    let done = output(done);
    assert_eq!((done.status.code(), done.stderr), (Some(0), Vec::new()));
}

#[test]
fn full_store_raises_an_alarm_that_is_listed_and_disarmed() {
    let rig = Rig::with(&["--quota-backend-bytes", "20000"]);
    let _daemon = rig.start();
    let socket = rig.socket_url();
    // More than nine tenths of the quota: below that the alarm would clear itself.
    let large = "x".repeat(18_500);
    assert_eq!(kvctl(&socket, &["alarm", "list"]), "");
    kvctl(&socket, &["put", "a", &large]);
    let (code, talk) = failed(&socket, &["put", "b", &large]);
    assert_eq!(code, Some(1));
    let words = ["cannot put \"b\"", "database space exceeded", "hint: "];
    for word in words.into_iter().chain(["kvctl compaction"]) {
        assert!(talk.contains(word), "no {word:?} in: {talk}");
    }
    let listed = kvctl(&socket, &["alarm", "list"]);
    let listed = listed.strip_suffix(" alarm:NOSPACE \n").expect(&listed);
    assert!(listed.starts_with("memberID:"), "{listed}");
    let json = kvctl(&socket, &["-o", "json", "alarm", "list"]);
    assert!(json.contains(r#""alarm":"NOSPACE""#), "{json}");
    assert_eq!(kvctl(&socket, &["get", "a"]).len(), large.len() + 3);

    let disarmed = kvctl(&socket, &["alarm", "disarm"]);
    assert_eq!(disarmed, format!("{listed} alarm:NOSPACE \n"));
    assert_eq!(kvctl(&socket, &["alarm", "list"]), "");
    assert_eq!(
        failed(&socket, &["put", "b", &large]).0,
        Some(1),
        "raised again"
    );

    kvctl(&socket, &["del", "a"]);
    kvctl(&socket, &["compaction", "--physical", "3"]);
    let deadline = Instant::now() + PATIENCE;
    while !kvctl(&socket, &["alarm", "list"]).is_empty() {
        assert!(Instant::now() < deadline, "it does not clear itself");
    }
    assert_eq!(kvctl(&socket, &["put", "b", &large]), "OK\n");
}

#[test]
fn watch_runs_a_command_for_each_event_and_ends_with_its_failure() {
    let rig = Rig::new();
    let _daemon = rig.start();
    let socket = rig.socket_url();
    let line = "echo $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE; \
                test $ETCD_WATCH_EVENT_TYPE = '\"PUT\"'";
    let words = ["watch", "--rev", "1", "a", "--exec", line];
    let mut watching = Running::start(&mut at(&socket, &words));
    kvctl(&socket, &["put", "a", "say \"it\""]);
    for line in ["PUT", "a", "say \"it\"", r#""PUT" "a" "say \"it\"""#] {
        assert_eq!(watching.line(), line);
    }
    kvctl(&socket, &["del", "a"]);
    for line in ["DELETE", "a", "", r#""DELETE" "a" """#] {
        assert_eq!(watching.line(), line);
    }
    let (code, talk) = watching.ended();
    assert_eq!(code, Some(1));
    assert!(talk.ends_with("error (exit status 1)\n"), "{talk}");
}

#[test]
fn watch_forever_misses_and_repeats_nothing_over_restarts() {
    let rig = Rig::new();
    let mut daemon = rig.start();
    let socket = rig.socket_url();
    let words = ["watch", "--rev", "1", "--forever", "k"];
    let mut watching = Running::start(&mut at(&socket, &words));
    for round in ["1", "2", "3"] {
        kvctl(&socket, &["put", "k", round]);
        assert_eq!([watching.line(), watching.line()], ["PUT", "k"]);
        assert_eq!(watching.line(), round);
        daemon.kill();
        let talk = watching.talk();
        assert!(talk.starts_with("watch interrupted ("), "{talk}");
        daemon = rig.start();
        // Written before the watch is back: it is told of it all the same.
        kvctl(&socket, &["del", "k"]);
        assert_eq!([watching.line(), watching.line()], ["DELETE", "k"]);
        assert_eq!(watching.line(), "");
    }
    assert!(!daemon.has_ended());
}

#[test]
fn lease_is_kept_alive_over_a_restart_and_a_server_away_is_no_end_of_it() {
    let rig = Rig::new();
    let daemon = rig.start();
    let socket = rig.socket_url();
    let granted = kvctl(&socket, &["lease", "grant", "6"]);
    let id = granted.split(' ').nth(1).expect("an id").to_owned();
    let mut keeping = Running::start(&mut at(&socket, &["lease", "keep-alive", &id]));
    let renewed = format!("lease {id} keepalived with TTL(6)");
    assert_eq!(keeping.line(), renewed);
    daemon.kill();
    let daemon = rig.start();
    assert_eq!(keeping.line(), renewed);
    daemon.kill();
    let (code, talk) = keeping.ended();
    assert_eq!(code, Some(4), "{talk}");
    assert!(talk.contains("trying until it ends"), "{talk}");
    assert!(!talk.contains("is gone"), "{talk}");
    let _daemon = rig.start();
    kvctl(&socket, &["lease", "revoke", &id]);
    let (code, talk) = failed(&socket, &["lease", "keep-alive", &id]);
    assert_eq!(code, Some(3));
    assert!(talk.contains("is gone"), "{talk}");
}

#[test]
fn surplus_arguments_and_unknown_choices_are_refused_with_what_would_be_right() {
    let nowhere = "unix:///nonexistent/socket";
    let cases: [(&[&str], &str); 12] = [
        (&["put", "greeting", "hello", "world"], "<KEY> [VALUE]"),
        (&["get", "a", "b", "c"], "<KEY> [RANGE_END]"),
        (&["watch", "a", "b", "c"], "[KEY] [RANGE_END]"),
        (&["version", "x"], "Usage: "),
        (&["member", "list", "x"], "Usage: "),
        (&["lease", "grant", "1", "2"], "<TTL>"),
        (&["get", "a", "--order", "up"], "ASCEND, DESCEND"),
        (&["get", "a", "--sort-by", "age"], "MODIFY"),
        (&["get", "a", "--consistency", "x"], "l, s"),
        (&["get", "a", "-w", "yaml"], "protobuf"),
        (&["get", "a", "--limit", "x"], "write a whole number"),
        (&["put", "a", "b", "--ttl", "5"], "such as 1h30m"),
    ];
    for (arguments, words) in cases {
        let (code, talk) = failed(nowhere, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {talk}");
        assert!(talk.contains(words), "{arguments:?}: {talk}");
        assert!(
            !talk.contains("strconv") && !talk.contains("time: "),
            "{talk}"
        );
    }
}

#[test]
fn verbs_with_one_line_to_say_say_it_as_a_document_on_request() {
    let rig = Rig::new();
    let _daemon = rig.start();
    let socket = rig.socket_url();
    kvctl(&socket, &["put", "a/b", "c"]);
    let saved = rig.path("saved").display().to_string();
    let cases: [(&[&str], &str); 5] = [
        (&["compaction", "2"], r#"{"compacted_revision":2}"#),
        (&["defrag"], r#""defragmented":true"#),
        (&["version"], r#""etcd_api_version":"3.7.0""#),
        (&["snapshot", "save", &saved], r#"{"saved":"#),
        (&["ls"], r#""keys":["a/"]"#),
    ];
    for (arguments, document) in cases {
        // Either flag: nobody who asks for JSON wants a sentence.
        let format = if arguments == ["ls"] {
            "-wjson"
        } else {
            "-ojson"
        };
        let answer = kvctl(&socket, &[arguments, &[format]].concat());
        assert!(answer.contains(document), "{arguments:?}: {answer}");
    }
}

#[test]
fn request_beyond_a_limit_names_the_limit_and_its_flag() {
    let rig = Rig::new();
    let _daemon = rig.start();
    let large = "x".repeat(100_000);
    let socket = rig.socket_url();
    let words = ["put", "a", &large, "--max-request-bytes", "50000"];
    let (code, talk) = failed(&socket, &words);
    assert_eq!(code, Some(1));
    assert!(talk.contains("more than 50000 bytes"), "{talk}");
    assert!(talk.contains("--max-request-bytes"), "{talk}");
}

#[test]
fn lines_of_a_transaction_that_cannot_be_used_say_what_can() {
    let script = |text: &str| {
        let mut child = client(&["txn"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(text.as_bytes()).expect("is read");
        drop(input);
        let done = child.wait_with_output().expect("it ends");
        (
            done.status.code(),
            String::from_utf8(done.stderr).expect("is text"),
        )
    };
    let (code, talk) = script("mod(a) > 0\n\n\n\n");
    assert_eq!(code, Some(2));
    assert!(talk.contains("the key in double quotes"), "{talk}");
    let (code, talk) = script("\nput a\n\n\n");
    assert_eq!(code, Some(2));
    assert!(talk.contains("its value is missing"), "{talk}");
}

#[test]
fn help_is_shown_without_a_verb_whatever_the_environment_says() {
    for endpoints in [None, Some("127.0.0.1:1")] {
        let mut command = client(&[]);
        command.envs(endpoints.map(|list| ("CORACLE_ENDPOINTS", list)));
        let done = output(&mut command);
        assert_eq!(done.status.code(), Some(2));
        let talk = String::from_utf8(done.stderr).expect("is text");
        assert!(
            talk.contains("Commands:") && !talk.contains("error:"),
            "{talk}"
        );
    }
}
