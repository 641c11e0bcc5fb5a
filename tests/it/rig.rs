//! A daemon under test: a process with a directory of its own, ended with its value.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, thread};

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
pub(crate) use coracle::adapter::rpc::proto::mvccpb::KeyValue;
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use pb::maintenance_client::MaintenanceClient;
use tonic::transport::{Channel, Endpoint};

/// How long a test waits for what must come; generous, because machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a daemon keeps its things, and how it is started.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    /// Instead of the folder's own `data`.
    pub(crate) data: PathBuf,
    pub(crate) flags: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// A program and its arguments that start the daemon as themselves.
    pub(crate) wrapper: Vec<OsString>,
}

pub(crate) struct Daemon {
    process: Child,
    pub(crate) url: String,
    told: Arc<Mutex<String>>,
    serving: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    started: Instant,
    /// From the start of the process to the word that it serves.
    pub(crate) opened_in: Duration,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        Self {
            data: folder.path().join("data"),
            folder,
            flags: Vec::new(),
            environment: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    pub(crate) fn with(flags: &[&str]) -> Self {
        let mut rig = Self::new();
        rig.flags = flags.iter().map(OsString::from).collect();
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let program = OsString::from(env!("CARGO_BIN_EXE_coracle"));
        let mut words = self.wrapper.iter().chain([&program]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).arg("daemon");
        command.arg("--data-dir").arg(&self.data);
        command.arg("--socket").arg(self.path("socket"));
        command.args(["--listen-client-urls", "http://127.0.0.1:0"]);
        command.args(&self.flags);
        // Ours are not the daemon's, and nobody's settings are the test's.
        let ours = env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.as_encoded_bytes().starts_with(b"CORACLE_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts a daemon and does not wait.
    pub(crate) fn spawn(&self) -> Daemon {
        let started = Instant::now();
        let mut process = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let told = Arc::new(Mutex::new(String::new()));
        let (sender, serving) = channel();
        let kept = Arc::clone(&told);
        // Ends with the daemon's end of the pipe.
        let reader = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *kept.lock().expect("nobody panics with it") += &(line.clone() + "\n");
                if line.contains(" serving ") {
                    drop(sender.send(client_url(&line)));
                }
            }
        });
        Daemon {
            process,
            url: String::new(),
            told,
            serving,
            reader: Some(reader),
            started,
            opened_in: Duration::ZERO,
        }
    }

    /// Starts a daemon and waits until it serves.
    pub(crate) fn start(&self) -> Daemon {
        let mut daemon = self.spawn();
        let serves = daemon.serves_within(PATIENCE);
        assert!(serves, "does not serve: {}", daemon.told());
        daemon
    }

    /// Runs a daemon that is expected to end by itself.
    pub(crate) fn run(&self) -> Ended {
        let daemon = self.spawn();
        daemon.ended()
    }
}

/// What a daemon that ended has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) told: String,
    pub(crate) took: Duration,
}

impl Ended {
    /// Ended by itself with `code`, and its last words have each of `words`.
    pub(crate) fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.status.code(), Some(code), "{}", self.told);
        for word in words {
            assert!(self.told.contains(word), "no {word:?} in: {}", self.told);
        }
    }
}

impl Daemon {
    pub(crate) fn serves_within(&mut self, patience: Duration) -> bool {
        match self.serving.recv_timeout(patience) {
            Ok(url) => {
                self.opened_in = self.started.elapsed();
                self.url = url;
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it said so far.
    pub(crate) fn told(&self) -> String {
        self.told.lock().expect("nobody panics with it").clone()
    }

    /// As a power cut without the power: nothing of the process runs on.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("still our child");
        self.process.wait().expect("still our child");
    }

    pub(crate) fn terminate(&self) {
        coracle::adapter::host::terminate(self.pid()).expect("still our child");
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(self) -> Ended {
        self.terminate();
        self.ended()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("still our child").is_some()
    }

    pub(crate) fn ended(mut self) -> Ended {
        let begun = Instant::now();
        while !self.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "runs on: {}", self.told());
            thread::yield_now();
        }
        let took = begun.elapsed();
        let status = self.process.wait().expect("still our child");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
        Ended {
            status,
            told: self.told(),
            took,
        }
    }

    /// A connection of its own.
    pub(crate) fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.url.clone()).expect("it told a URL");
        endpoint.timeout(PATIENCE).connect_lazy()
    }

    pub(crate) fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel()).max_decoding_message_size(usize::MAX)
    }

    pub(crate) fn lease(&self) -> LeaseClient<Channel> {
        LeaseClient::new(self.channel())
    }

    pub(crate) fn maintenance(&self) -> MaintenanceClient<Channel> {
        MaintenanceClient::new(self.channel())
    }

    /// Every key with its value.
    pub(crate) async fn everything(&self) -> (i64, Vec<KeyValue>) {
        let all = pb::RangeRequest {
            key: Bytes::from_static(b"\0"),
            range_end: Bytes::from_static(b"\0"),
            ..pb::RangeRequest::default()
        };
        let answer = self.kv().range(all).await.expect("reads");
        let answer = answer.into_inner();
        (answer.header.expect("has one").revision, answer.kvs)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails only when it has ended and was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> pb::PutRequest {
    pb::PutRequest {
        key: key.into(),
        value: value.into(),
        ..pb::PutRequest::default()
    }
}

/// The first client address of the line that says where it serves.
fn client_url(line: &str) -> String {
    let begin = line.find("http://").expect("it tells where");
    let rest = &line[begin..];
    let end = rest.find(['"', ',', ' ']).unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// Whether a tool is there; in CI it must be.
pub(crate) fn has_tool(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output();
    let there = found.is_ok_and(|found| found.status.success());
    if !there {
        left_out(&format!("no {tool} (apt-get install {tool})"));
    }
    there
}

/// Says why a test is left out, and fails in CI.
pub(crate) fn left_out(why: &str) {
    assert_ne!(
        env::var("CI").as_deref(),
        Ok("true"),
        "CI must have it: {why}"
    );
    eprintln!("left out: {why}");
}

/// Flips one bit of a byte.
pub(crate) fn flip(path: &Path, offset: u64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(path);
    let file = file.expect("opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("is there");
    byte[0] ^= 0x10;
    file.write_all_at(&byte, offset).expect("is written");
}

/// Runs a program to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("the program starts")
}
