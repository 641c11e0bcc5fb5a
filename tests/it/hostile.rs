//! Input that nobody should send, to the executable: what never ends, what is no text, what is
//! something else than it should be. Refused clearly, in bounded memory, and nothing is broken.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::rig::{Rig, client, output};

fn assert_told(output: &Output, code: i32, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(words), "no {words:?} in: {told}");
}

/// Runs a command with 1 GiB of address space: what reads without a bound does not live on it.
fn confined(command: &Command) -> Command {
    let mut confined = Command::new("prlimit");
    confined.arg("--as=1073741824").arg(command.get_program());
    confined.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => confined.env(name, value),
            None => confined.env_remove(name),
        };
    }
    confined
}

fn endless() -> Stdio {
    fs::File::open("/dev/zero")
        .expect("every Linux has it")
        .into()
}

#[test]
fn snapshot_is_not_saved_over_what_is_no_file() {
    let rig = Rig::new();
    let daemon = rig.start();
    let save = |path: &OsStr| {
        let words = ["--endpoints", daemon.address(), "snapshot", "save"];
        output(client(&words).arg(path))
    };
    // A device would be replaced by a file, for everybody on this machine; a socket of our own
    // stands for it.
    let socket = rig.path("socket");
    let refused = "what is there is no regular file, and is left as it is";
    assert_told(&save(socket.as_os_str()), 1, refused);
    let there = fs::symlink_metadata(&socket).expect("is there");
    assert!(there.file_type().is_socket());
    assert_told(&save(rig.data.as_os_str()), 1, refused);
    assert!(!rig.path("socket.part").exists() && !rig.path("data.part").exists());
    let file = rig.path("saved");
    for _ in 0..2 {
        assert!(save(file.as_os_str()).status.success());
    }
    daemon.stop().assert(0, &[]);
}

#[test]
fn file_that_never_ends_is_refused() {
    let status = client(&["snapshot", "status", "/dev/zero"]);
    let status = output(&mut confined(&status));
    assert_told(&status, 1, "it is no regular file");
    let mut rig = Rig::new();
    rig.flags = ["--config", "/dev/zero"].map(Into::into).into();
    let refused = output(&mut confined(&rig.command()));
    assert_told(&refused, 2, "it has more than 1048576 bytes");
}

#[test]
fn input_that_never_ends_is_refused() {
    let put = client(&["put", "a"]);
    let refused = output(confined(&put).stdin(endless()));
    assert_told(&refused, 4, "cannot reach the key-value store");
    let rig = Rig::new();
    let daemon = rig.start();
    let put = client(&["--endpoints", daemon.address(), "put", "a"]);
    let refused = output(confined(&put).stdin(endless()));
    assert_told(&refused, 1, "which is the most to be sent");
    let txn = client(&["--endpoints", daemon.address(), "txn"]);
    let refused = output(confined(&txn).stdin(endless()));
    assert_told(&refused, 2, "the transaction is too long");
    daemon.stop().assert(0, &[]);
}

#[test]
fn many_lines_of_a_transaction_that_never_ends_are_refused() {
    let rig = Rig::new();
    let script = rig.path("script");
    let line = "mod(\"key\") > \"0\"\n".repeat(1 << 16);
    fs::write(&script, line.repeat(64)).expect("is written");
    let input = fs::File::open(&script).expect("is there");
    let refused = output(confined(&client(&["txn"])).stdin(input));
    assert_told(&refused, 2, "the transaction is too long");
}

/// What speaks HTTP/1.1 or nothing of the kind is no key-value store.
#[test]
fn server_of_another_kind_is_suspected() {
    for greeting in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-x\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let server = std::thread::spawn(move || {
            // It tries again; the last one to come is this test.
            while let Ok((mut stream, _)) = listener.accept()
                && !told.load(Ordering::Relaxed)
            {
                // It goes without a word, or with one; both are its right.
                drop(stream.write_all(greeting.as_bytes()));
                drop(stream.read_to_end(&mut Vec::new()));
            }
        });
        let refused = output(&mut client(&["--endpoints", &address, "get", "a"]));
        ends.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(&address));
        assert_told(&refused, 4, "no etcd v3 server");
        server.join().expect("does not panic");
    }
}

#[test]
fn variable_that_is_no_text_is_refused_by_name() {
    let mut rig = Rig::with(&["--check-config"]);
    let bytes = OsStr::from_bytes(b"\xff\xfe");
    rig.environment = vec![("CORACLE_NAME", bytes.to_owned())];
    rig.run().assert(2, &["CORACLE_NAME", "write it in UTF-8"]);
    // What is not ours is none of our business.
    rig.environment = vec![("SOMEBODY_ELSES", bytes.to_owned())];
    rig.run().assert(0, &[]);
}

/// As a full disk, and not the end by SIGXFSZ without a word.
#[test]
fn limit_of_a_files_size_refuses_writes_and_keeps_reads() {
    let mut rig = Rig::new();
    rig.wrapper = ["prlimit", "--fsize=5000000"].map(Into::into).into();
    let daemon = rig.start();
    let run = |arguments: &[&str], value: &[u8]| {
        let mut command = client(&["--endpoints", daemon.address()]);
        let input = rig.path("value");
        fs::write(&input, value).expect("is written");
        command.stdin(fs::File::open(input).expect("is there"));
        output(command.args(arguments))
    };
    let value = vec![b'v'; 1_000_000];
    let refused = (0..10).map(|_| run(&["put", "a"], &value));
    let refused = refused.into_iter().find(|put| !put.status.success());
    assert_told(
        &refused.expect("a file has an end"),
        1,
        "database space exceeded",
    );
    assert!(run(&["get", "a"], &[]).status.success());
    assert!(run(&["del", "a"], &[]).status.success());
    daemon.stop().assert(0, &[]);
    rig.wrapper.clear();
    rig.start().stop().assert(0, &[]);
}

#[test]
fn damaged_member_file_is_named_with_what_helps() {
    let rig = Rig::new();
    rig.start().stop().assert(0, &[]);
    let member = rig.data.join("member");
    let whole = fs::read(&member).expect("is there");
    for damaged in [&whole[..0], &whole[..40], &[b' '; 10_000][..]] {
        fs::write(&member, damaged).expect("is written");
        rig.run()
            .assert(1, &["\"member\"", "restore the file from a backup"]);
    }
    fs::remove_file(&member).expect("is there");
    fs::create_dir(&member).expect("is made");
    rig.run()
        .assert(1, &["\"member\"", "restore the file from a backup"]);
    fs::remove_dir(&member).expect("is there");
    fs::write(&member, whole).expect("is written");
    rig.start().stop().assert(0, &[]);
}
