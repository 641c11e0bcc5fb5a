//! FleetLock v1 as an unmodified client speaks it, with everything that it may say wrong.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::lock::{lockctl, said};
use crate::rig::{Daemon, Rig};

/// What zincati sends.
fn body(id: &str, group: &str) -> String {
    format!(r#"{{"client_params":{{"id":"{id}","group":"{group}"}}}}"#)
}

/// The status and the body of the answer to a request that is written as it is.
fn raw(of: &Daemon, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(of.address()).expect("connects");
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

fn post_with(of: &Daemon, path: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("POST /v1/{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}");
    raw(of, &format!("{head}content-length: {length}\r\n\r\n{body}"))
}

fn post(of: &Daemon, path: &str, body: &str) -> (u16, String) {
    post_with(of, path, "fleet-lock-protocol: true\r\n", body)
}

/// The kind and the value of a refusal with this status.
fn refused((code, body): (u16, String), status: u16) -> (String, String) {
    assert_eq!(code, status, "{body}");
    let document: Value = serde_json::from_str(&body).expect("JSON");
    let text = |key: &str| document[key].as_str().expect("text").to_owned();
    (text("kind"), text("value"))
}

#[test]
fn places_are_taken_and_given_back_as_often_as_a_client_likes() {
    let daemon = Rig::new().start();
    let (one, other) = (body("one", "default"), body("other", "default"));
    assert_eq!(post(&daemon, "steady-state", &one).0, 200, "never held");
    assert_eq!(post(&daemon, "pre-reboot", &one), (200, String::new()));
    assert_eq!(post(&daemon, "pre-reboot", &one).0, 200, "held already");
    let (kind, value) = refused(post(&daemon, "pre-reboot", &other), 500);
    assert_eq!(kind, "failed_lock");
    let words = "all 1 semaphore slots currently locked: one since ";
    assert!(value.starts_with(words), "{value}");
    assert_eq!(
        post(&daemon, "steady-state", &other).0,
        200,
        "held by another"
    );
    let (_, shown, _) = said(&mut lockctl(&daemon, &["status"]));
    assert!(
        shown.contains("one") && shown.contains("FleetLock"),
        "{shown}"
    );
    assert_eq!(post(&daemon, "steady-state", &one).0, 200);
    assert_eq!(
        post(&daemon, "steady-state", &one).0,
        200,
        "given back already"
    );
    assert_eq!(post(&daemon, "pre-reboot", &other).0, 200);
}

#[test]
fn groups_have_places_that_change_while_it_runs() {
    let daemon = Rig::new().start();
    let ask = |id: &str| post(&daemon, "pre-reboot", &body(id, "web"));
    let (kind, value) = refused(ask("a"), 400);
    assert_eq!(kind, "unknown_group");
    assert!(value.contains("lockctl set-max --group web N"), "{value}");
    let set = |max: &str| {
        let (code, _, talk) = said(&mut lockctl(&daemon, &["set-max", "--group", "web", max]));
        assert_eq!(code, Some(0), "{talk}");
    };
    set("1");
    assert_eq!((ask("a").0, ask("b").0), (200, 500));
    set("2");
    assert_eq!(ask("b").0, 200);
    set("1");
    assert_eq!(
        (ask("a").0, ask("c").0),
        (200, 500),
        "who holds one holds it"
    );
}

#[test]
fn what_is_no_request_of_the_protocol_is_refused_by_kind() {
    let daemon = Rig::new().start();
    let good = body("a", "default");
    let header = "fleet-lock-protocol: true\r\n";
    let large = body(&"x".repeat(70_000), "default");
    for (headers, body, words) in [
        ("", good.as_str(), "fleet-lock-protocol: true"),
        (
            "fleet-lock-protocol: false\r\n",
            &good,
            "fleet-lock-protocol: true",
        ),
        (header, "", "client_params"),
        (header, "no JSON", "client_params"),
        (header, r#"{"client_params":{"id":"a"}}"#, "group"),
        (header, &self::body("", "default"), "no holder"),
        (header, &self::body("a", "a b"), "no group"),
        (header, &self::body("a", ""), "no group"),
        (header, &large, "no body came"),
    ] {
        let answer = post_with(&daemon, "pre-reboot", headers, body);
        let (kind, value) = refused(answer, 400);
        assert_eq!(kind, "invalid_client_identity");
        assert!(value.contains(words), "{value}");
    }
    let get = "GET /v1/pre-reboot HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_eq!(raw(&daemon, get).0, 405);
    assert_eq!(post(&daemon, "reboot", &good).0, 404);
    assert_eq!(post(&daemon, "pre-reboot", &good).0, 200, "it still serves");
}

#[test]
fn a_token_is_wanted_where_one_is_set() {
    let rig = Rig::with(&["--fleetlock-token", "secret"]);
    let daemon = rig.start();
    let ask = |headers: &str| {
        let headers = format!("fleet-lock-protocol: true\r\n{headers}");
        post_with(&daemon, "pre-reboot", &headers, &body("a", "default"))
    };
    for headers in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: secret\r\n",
    ] {
        assert_eq!(refused(ask(headers), 401).0, "unauthorized");
    }
    assert_eq!(ask("authorization: Bearer secret\r\n").0, 200);
}

#[test]
fn places_are_in_the_store_and_outlive_the_daemon() {
    let rig = Rig::new();
    let daemon = rig.start();
    assert_eq!(post(&daemon, "pre-reboot", &body("a", "default")).0, 200);
    daemon.kill();
    let daemon = rig.start();
    assert_eq!(post(&daemon, "pre-reboot", &body("b", "default")).0, 500);
    assert_eq!(post(&daemon, "steady-state", &body("a", "default")).0, 200);
    assert_eq!(post(&daemon, "pre-reboot", &body("b", "default")).0, 200);
}
