//! The etcd-client crate, unmodified, by its list of endpoints, while members die and stand still.
//!
//! `etcd_client/counter.rs` says what it does. It is a program of its own: the crate's build script
//! wants protoc; where that is missing the test is left out, except in CI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::rig::{Running, has_tool, output};

const NAME: &str = "etcd-client-counter";
/// Before each thing that happens, and at the end.
const PUTS: usize = 20;

/// The program, built with the versions of this tree's lock file where both use a crate.
fn program() -> Option<PathBuf> {
    if !has_tool("protoc") {
        return None;
    }
    let files = [
        ("Cargo.toml", include_str!("etcd_client/Cargo.toml")),
        ("counter.rs", include_str!("etcd_client/counter.rs")),
        ("Cargo.lock", include_str!("../../../Cargo.lock")),
    ];
    let source = TempDir::new().expect("is made");
    for (name, text) in files {
        fs::write(source.path().join(name), text).expect("is written");
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--target-dir"]);
    let built = output(build.arg(&target).current_dir(source.path()));
    let complaint = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{complaint}");
    Some(target.join("debug").join(NAME))
}

fn signal(pid: u32, name: &str) {
    let sent = output(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]));
    assert!(sent.status.success(), "kill -{name} {pid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_while_the_leader_dies_and_another_member_stands_still() {
    let Some(program) = program() else {
        return;
    };
    let mut cluster = Cluster::start(3);
    let urls: Vec<&str> = (0..3).map(|at| cluster.member(at).url.as_str()).collect();
    let mut counter = Command::new(program);
    counter.args([urls.join(","), (5 * PUTS).to_string()]);
    let mut counter = Running::start(&mut counter);
    let mut puts = || {
        for _ in 0..PUTS {
            if counter.line().is_empty() {
                panic!("it gave up: {}", counter.talk());
            }
        }
    };
    puts();
    let dead = cluster.leader().await;
    // It comes back where the client knows it.
    cluster.rig(dead).listen = cluster.member(dead).url.clone();
    cluster.kill(dead);
    puts();
    cluster.restart(dead);
    puts();
    let paused = cluster.leader().await;
    signal(cluster.member(paused).pid(), "STOP");
    puts();
    signal(cluster.member(paused).pid(), "CONT");
    puts();
    let (code, said) = counter.ended();
    assert_eq!(code, Some(0), "{said}");
    cluster.agree().await;
}
