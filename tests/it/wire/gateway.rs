//! The JSON gateway over HTTP: what is told of requests that cannot be read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Etcd, Rig};
use crate::wire::PATIENCE;

/// Bodies that are no JSON, or not the JSON that is wanted at all.
const UNREADABLE: &[&str] = &[
    "x",
    "{",
    "\"",
    "nul",
    "1.",
    "{,}",
    r#"{"key":"Zm9v""#,
    r#"{"key":"Zm9v",}"#,
    r#"{"key" "a"}"#,
    r#"{"key":tru}"#,
    r#"{"key":"Zm9v" "a"}"#,
    r#"{"a":01}"#,
    r#"{"a":-}"#,
    r#"{"a":1.e}"#,
    r#"{"a":1e+}"#,
    r#"{"a":"\x"}"#,
    r#"{"a":"\u00x0"}"#,
    "{\"a\":\"\n\"}",
    "[1 2]",
];

/// Bodies with more after their value, which is not looked at, or without any.
const READABLE: &[&str] = &[
    "",
    " \n",
    "null",
    r#"{"key":"YQ=="}x"#,
    r#"{"key":"YQ=="}, {"#,
    r#"{"key":"YQ==","nobody_knows":[{}]}"#,
];

/// Status and body of one request.
async fn post(address: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n\
         {body}"
    );
    stream.write_all(request.as_bytes()).await.expect("is sent");
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("ends in time").expect("is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("has a head");
    let status = head.lines().next().expect("has a status");
    // What is not an error has ids of its own.
    let body = if status.contains(" 200 ") {
        "read"
    } else {
        body
    };
    (status.to_owned(), body.to_owned())
}

#[tokio::test]
async fn unreadable_requests_are_told_alike() {
    let Some(etcd) = Etcd::start() else {
        return;
    };
    let rig = Rig::new();
    let daemon = rig.start();
    let unreadable = [
        "/v3/kv/range",
        "/v3/watch",
        "/v3/lease/keepalive",
        "/v3/maintenance/snapshot",
    ]
    .map(|path| UNREADABLE.iter().map(move |body| (path, body)));
    let readable = READABLE.iter().map(|body| ("/v3/kv/range", body));
    for (path, body) in unreadable.into_iter().flatten().chain(readable) {
        let expected = post(etcd.address(), path, body).await;
        let seen = post(daemon.address(), path, body).await;
        assert_eq!(seen, expected, "{path} {body}");
    }
}
