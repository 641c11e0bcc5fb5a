//! What the daemon does not start with.

use std::fs;
use std::time::SystemTime;

use crate::rig::Rig;
use crate::tls::{Certificates, HOUR};

#[test]
fn certificates_that_cannot_be_used_are_refused_with_what_is_wrong() {
    let made = Certificates::new();
    made.node("old", &["127.0.0.1"], SystemTime::now() - 3 * HOUR);
    made.node("young", &["127.0.0.1"], SystemTime::now() + 3 * HOUR);
    fs::write(made.path("empty.pem"), "").expect("written");
    let cases = [
        ("node.pem", "absent.key", 2, "absent.key\": No such file"),
        (
            "node.pem",
            "client.key",
            2,
            "the key is not the one of the certificate",
        ),
        (
            "empty.pem",
            "node.key",
            2,
            "empty.pem\": it holds no certificate",
        ),
        ("node.pem", "ca.pem", 2, "ca.pem\": it holds no private key"),
        ("old.pem", "old.key", 5, "the certificate expired on 20"),
        (
            "young.pem",
            "young.key",
            5,
            "the certificate is not valid before 20",
        ),
    ];
    for (certificate, key, code, expected) in cases {
        let mut rig = Rig::with(&[
            "--cert-file",
            &made.file(certificate),
            "--key-file",
            &made.file(key),
        ]);
        rig.listen = "https://127.0.0.1:0".into();
        rig.run().assert(code, &[expected, "hint: "]);
    }
}

#[test]
fn certificate_without_an_https_url_is_refused() {
    let made = Certificates::new();
    let mut rig = Rig::new();
    rig.flags = made
        .server_flags("", "node")
        .into_iter()
        .map(Into::into)
        .collect();
    rig.run().assert(
        2,
        &["--cert-file", "write https:// in --listen-client-urls"],
    );
}

#[test]
fn plain_text_beyond_this_machine_is_refused_and_https_is_not() {
    let made = Certificates::new();
    let mut rig = Rig::new();
    rig.listen = "http://0.0.0.0:0".into();
    rig.run()
        .assert(2, &["--listen-client-urls", "without TLS", "--insecure"]);
    rig.listen = "https://0.0.0.0:0".into();
    rig.flags = made
        .server_flags("", "node")
        .into_iter()
        .map(Into::into)
        .collect();
    rig.start();
}
