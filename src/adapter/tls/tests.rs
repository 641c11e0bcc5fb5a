//! Both sides over a pipe: who is let in, who is not, and what each side then says.

use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::adapter::authority::{Authority, Grant, request};
use crate::core::cluster::trust::Bearer;

const LIMIT: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn founded() -> Authority {
    Authority::found("a cluster", SystemTime::now()).expect("made")
}

fn roots(authority: &Authority) -> Roots {
    Roots::from_pem(authority.certificate_pem().as_bytes()).expect("one")
}

/// A certificate made at `now` that is valid for an hour.
fn made(authority: &Authority, bearer: Bearer, now: SystemTime) -> Identity {
    let asked = request().expect("made");
    let hosts = match bearer {
        Bearer::Node(_) => vec!["127.0.0.1".to_owned(), "db1".to_owned()],
        Bearer::Client(_) => Vec::new(),
    };
    let grant = Grant {
        bearer,
        hosts,
        now,
        validity: HOUR,
    };
    let signed = authority.sign(&asked.request_pem, &grant).expect("signed");
    Identity::from_pem(signed.as_bytes(), asked.key_pem.as_bytes()).expect("fits")
}

fn node(authority: &Authority) -> Identity {
    made(
        authority,
        Bearer::node("m1").expect("a name"),
        SystemTime::now(),
    )
}

fn client(authority: &Authority) -> Identity {
    let bearer = Bearer::client("root").expect("a name");
    made(authority, bearer, SystemTime::now())
}

type Side = Result<Secured<DuplexStream>, TlsError>;

async fn meet(server: &Server, client: &Client, host: &str) -> (Side, Side) {
    let (near, far) = duplex(64 << 10);
    tokio::join!(server.accept(far, LIMIT), client.connect(host, near, LIMIT))
}

/// The server's and the client's complaint. A client of TLS 1.3 hears what the server has against
/// its certificate when it reads.
async fn complaints(server: &Server, client: &Client, host: &str) -> (String, String) {
    let (served, connected) = meet(server, client, host).await;
    let served = served.expect_err("refused").to_string();
    let heard = match connected {
        Err(error) => error.to_string(),
        Ok(mut stream) => stream.read_u8().await.expect_err("ended").to_string(),
    };
    (served, heard)
}

fn trusting(authority: &Authority) -> Client {
    Client::new(Servers::Signed(roots(authority)), None).expect("made")
}

fn open_to_all(authority: &Authority) -> Server {
    Server::new(&node(authority), &Clients::Anybody).expect("made")
}

#[tokio::test]
async fn both_sides_know_each_other() {
    let authority = founded();
    let server = Server::new(&node(&authority), &Clients::Required(roots(&authority)));
    let shown = client(&authority);
    let client = Client::new(Servers::Signed(roots(&authority)), Some(&shown));
    let (server, client) = (server.expect("made"), client.expect("made"));
    let (served, connected) = meet(&server, &client, "127.0.0.1").await;
    let (mut served, mut connected) = (served.expect("secured"), connected.expect("secured"));
    let (seen, met) = (
        served.peer().expect("shown"),
        connected.peer().expect("shown"),
    );
    assert_eq!(seen.bearer, Bearer::client("root").ok());
    assert_eq!(met.bearer, Bearer::node("m1").ok());
    connected.write_all(b"over").await.expect("written");
    connected.flush().await.expect("flushed");
    let mut heard = [0; 4];
    served.read_exact(&mut heard).await.expect("read");
    assert_eq!(&heard, b"over");
}

#[tokio::test]
async fn client_without_a_certificate_is_told_so() {
    let authority = founded();
    let server = Server::new(&node(&authority), &Clients::Required(roots(&authority)));
    let server = server.expect("made");
    let (served, heard) = complaints(&server, &trusting(&authority), "db1").await;
    assert_eq!(served, "the other side shows no certificate");
    assert_eq!(
        heard,
        "the other side wants a certificate, and none was shown"
    );
}

#[tokio::test]
async fn client_of_another_authority_is_refused_and_told_so() {
    let (authority, other) = (founded(), founded());
    let server = Server::new(&node(&authority), &Clients::IfGiven(roots(&authority)));
    let stranger = Client::new(Servers::Signed(roots(&authority)), Some(&client(&other)));
    let (server, stranger) = (server.expect("made"), stranger.expect("made"));
    let (served, heard) = complaints(&server, &stranger, "db1").await;
    assert!(
        served.contains("not trusted here") || served.contains("not signed by"),
        "{served}"
    );
    assert!(heard.starts_with("the other side"), "{heard}");
    let nobody = trusting(&authority);
    let (served, _) = meet(&server, &nobody, "db1").await;
    assert_eq!(served.expect("let in without one").peer(), None);
}

#[tokio::test]
async fn server_of_another_authority_is_not_believed() {
    let (authority, other) = (founded(), founded());
    let (served, heard) =
        complaints(&open_to_all(&authority), &trusting(&other), "127.0.0.1").await;
    assert!(
        heard.contains("the certificate of the other side is"),
        "{heard}"
    );
    assert!(served.starts_with("the other side"), "{served}");
}

#[tokio::test]
async fn server_with_the_certificate_of_another_host_is_not_believed() {
    let authority = founded();
    let (_, heard) = complaints(&open_to_all(&authority), &trusting(&authority), "10.0.0.1").await;
    assert!(heard.contains("is not for 10.0.0.1, but for"), "{heard}");
    assert!(heard.contains("db1"), "{heard}");
}

#[tokio::test]
async fn client_certificate_makes_no_server() {
    let authority = founded();
    let server = Server::new(&client(&authority), &Clients::Anybody).expect("made");
    let pinned = Servers::Pinned(authority.fingerprint());
    let pinned = Client::new(pinned, None).expect("made");
    for client in [trusting(&authority), pinned] {
        let (_, heard) = complaints(&server, &client, "db1").await;
        assert!(heard.contains("not for this end"), "{heard}");
    }
}

#[tokio::test]
async fn expired_certificate_is_refused_with_its_date() {
    let authority = founded();
    let bearer = Bearer::node("m1").expect("a name");
    let old = made(&authority, bearer, SystemTime::now() - 3 * HOUR);
    let refused = old.check_time(SystemTime::now());
    assert!(matches!(refused, Err(TlsError::Expired(_))), "{refused:?}");
    let server = Server::new(&old, &Clients::Anybody).expect("made");
    let (_, heard) = complaints(&server, &trusting(&authority), "db1").await;
    assert!(heard.contains("expired on 20"), "{heard}");
}

#[tokio::test]
async fn pinned_authority_is_believed_under_any_name_and_no_other() {
    let (authority, other) = (founded(), founded());
    let pinned =
        |to: &Authority| Client::new(Servers::Pinned(to.fingerprint()), None).expect("made");
    let server = open_to_all(&authority);
    let (_, connected) = meet(&server, &pinned(&authority), "10.9.9.9").await;
    connected.expect("secured");
    let (_, heard) = complaints(&server, &pinned(&other), "10.9.9.9").await;
    let expected = format!("has fingerprint {}", other.fingerprint());
    assert!(heard.ends_with(&expected), "{heard}");
}

#[tokio::test]
async fn pinned_authority_that_did_not_sign_is_no_proof() {
    let (authority, other) = (founded(), founded());
    let asked = request().expect("made");
    let grant = Grant {
        bearer: Bearer::node("m1").expect("a name"),
        hosts: Vec::new(),
        now: SystemTime::now(),
        validity: HOUR,
    };
    let forged = other.sign(&asked.request_pem, &grant).expect("signed");
    let forged = forged.replace(other.certificate_pem(), authority.certificate_pem());
    let forged = Identity::from_pem(forged.as_bytes(), asked.key_pem.as_bytes());
    let server = Server::new(&forged.expect("fits"), &Clients::Anybody).expect("made");
    let pinned = Client::new(Servers::Pinned(authority.fingerprint()), None).expect("made");
    complaints(&server, &pinned, "db1").await;
}

#[tokio::test]
async fn unverified_server_is_believed() {
    let client = Client::new(Servers::Unverified, None).expect("made");
    let (_, connected) = meet(&open_to_all(&founded()), &client, "nowhere").await;
    connected.expect("secured");
}

#[tokio::test]
async fn exchanged_certificate_is_shown_to_the_next() {
    let (authority, next) = (founded(), founded());
    let server = open_to_all(&authority);
    let (_, first) = meet(&server, &trusting(&authority), "db1").await;
    first.expect("secured");
    server
        .replace(&node(&next), &Clients::Anybody)
        .expect("made");
    let (_, second) = meet(&server, &trusting(&next), "db1").await;
    second.expect("secured");
}

#[tokio::test]
async fn changed_files_are_read_again_and_broken_ones_are_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |authority: &Authority| {
        let asked = request().expect("made");
        let grant = Grant {
            bearer: Bearer::node("m1").expect("a name"),
            hosts: vec!["db1".to_owned()],
            now: SystemTime::now(),
            validity: HOUR,
        };
        let signed = authority.sign(&asked.request_pem, &grant).expect("signed");
        disk::write_atomically(&path("cert"), signed.as_bytes()).expect("written");
        disk::write_atomically(&path("key"), asked.key_pem.as_bytes()).expect("written");
    };
    let (authority, next) = (founded(), founded());
    write(&authority);
    let files = ServerFiles {
        certificate: path("cert"),
        key: path("key"),
        authorities: None,
        demand: Demand::Refuse,
    };
    let server = Server::of_files(files).expect("made");
    disk::write_atomically(&path("key"), b"half").expect("written");
    let (_, first) = meet(&server, &trusting(&authority), "db1").await;
    first.expect("the old one is still good");
    write(&next);
    let (_, second) = meet(&server, &trusting(&next), "db1").await;
    second.expect("the new one is shown");
}

#[tokio::test]
async fn plain_text_is_recognised_by_either_side() {
    let (mut near, far) = duplex(4096);
    near.write_all(b"GET / HTTP/1.1\r\n\r\n")
        .await
        .expect("written");
    let served = open_to_all(&founded()).accept(far, LIMIT).await;
    assert!(matches!(served, Err(TlsError::PlainText)), "{served:?}");

    let (near, mut far) = duplex(4096);
    far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .expect("written");
    let connected = trusting(&founded()).connect("db1", near, LIMIT).await;
    assert!(
        matches!(connected, Err(TlsError::PlainText)),
        "{connected:?}"
    );
}

#[tokio::test]
async fn silent_peer_is_given_up() {
    let (_near, far) = duplex(4096);
    let limit = Duration::from_millis(20);
    let served = open_to_all(&founded()).accept(far, limit).await;
    assert!(matches!(served, Err(TlsError::Late(_))), "{served:?}");
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let asked = request().expect("made");
    let authority = founded();
    for (name, text) in [
        ("ca", authority.certificate_pem()),
        ("key", &asked.key_pem),
        ("empty", ""),
        ("secret", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"),
    ] {
        disk::write_atomically(&path(name), text.as_bytes()).expect("written");
    }
    let refused = |certificate: &str, key: &str| {
        let error = Identity::read(&path(certificate), &path(key)).expect_err("refused");
        let source = std::error::Error::source(&error).expect("has one");
        format!("{error}: {source}")
    };
    for (certificate, key, expected) in [
        (
            "ca",
            "key",
            "/ca\": the key is not the one of the certificate",
        ),
        ("ca", "empty", "/empty\": it holds no private key"),
        ("ca", "secret", "/secret\": its key is encrypted"),
        ("key", "key", "/key\": it holds no certificate"),
        ("ca", "absent", "/absent\": No such file"),
    ] {
        let why = refused(certificate, key);
        assert!(why.contains(expected), "{why}");
    }
    assert!(Roots::read(&path("key")).is_err());
}
