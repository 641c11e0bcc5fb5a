//! The process in which sled runs, and the conversation with it.
//!
//! The same executable, started with [`VARIABLE`] in its environment and a socket as standard
//! input, does one request and ends. So sled's memory goes back to the system, a panic or a hang
//! in it is an error message here, and `kill -9` is a way to stop it. A frame is {kind u8, length
//! u32, postcard body}; the bytes of a chunk follow its frame as they are.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, panic, process};

use bytes::Bytes;
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapter::checkpoint::Pace;
use crate::adapter::checkpoint::proof::{self, ChunkProof, FileProof};
use crate::adapter::checkpoint::store::{self, ChunkWrite};
use crate::adapter::disk;

/// Set in the environment of a worker and of nothing else: the process that waits for it.
pub const VARIABLE: &str = "CORACLE_CHECKPOINT_WORKER";
/// What `ps` shows.
const PROCESS_NAME: &str = "coracle-checkpoint";
/// The longest silence: one session or the fdatasync of everything, on a slow and busy disk.
const SILENCE_MAX: Duration = Duration::from_secs(120);
const BUFFER_BYTES: usize = 256 << 10;
/// A frame's body is at most a list of all chunks: 24 bytes each, 4 million of them.
const FRAME_BYTES_MAX: u32 = 100 << 20;
/// Of what a worker wrote to standard error when it died.
const LAST_WORDS_BYTES: u64 = 2048;
/// Of [`Pace::Yielding`]. It stays what it is at the start: only root may lower it again.
const WRITE_NICENESS: i32 = 10;
const PANIC_EXIT: i32 = 70;

/// How to start a worker.
#[derive(Clone, Debug)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Worker {
    /// The executable that runs now, even when its file has been replaced since. Its `main` must
    /// call [`serve`] when [`is_asked_for`].
    pub fn this_executable() -> Self {
        Self::new("/proc/self/exe", [])
    }

    /// Another program or other arguments, for a test whose `main` is not ours.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let arguments = arguments.into_iter().map(OsString::from).collect();
        Self {
            program: program.into(),
            arguments,
        }
    }
}

/// Whether this process was started as a worker.
pub fn is_asked_for() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Does the one request that stands on standard input, and ends with the parent.
pub fn serve() -> Result<(), String> {
    // A panic on one of sled's pool threads would leave `flush` waiting for ever.
    panic::set_hook(Box::new(|panic| {
        let _ = writeln!(io::stderr(), "{panic}");
        process::exit(PANIC_EXIT);
    }));
    serve_once().map_err(|error| error.to_string())
}

/// What went wrong with a worker or in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkerError {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    /// The directory is not what its proof says.
    #[error("{0}")]
    Damaged(String),
    #[error("{0}")]
    Failed(String),
    #[error("the worker was silent for {} s and was stopped", SILENCE_MAX.as_secs())]
    Silent,
    #[error("the worker ended with {status}: {last_words}")]
    Died { status: String, last_words: String },
    #[error("conversation with the worker: {0}")]
    Stream(io::Error),
}

/// A chunk on its way to the directory.
pub(super) struct Put<'a> {
    pub proof: ChunkProof,
    pub bytes_before: Option<u32>,
    pub bytes: &'a Bytes,
}

/// What the directory holds after a write, as it was read back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    pub chunks: Vec<ChunkProof>,
    pub files: Vec<FileProof>,
}

/// Applies the changes to `directory`, which is emptied before when `fresh`.
pub(super) fn write(
    worker: &Worker,
    directory: &Path,
    fresh: bool,
    removals: Vec<(u64, u32)>,
    puts: &[Put<'_>],
    pace: Pace,
) -> Result<Written, WorkerError> {
    let mut session = Session::start(worker)?;
    let request = Request::Write {
        directory: directory.to_owned(),
        fresh,
        removals,
        chunks: puts.len() as u64,
        pace,
    };
    let sent = session.send_write(&request, puts);
    if let Err(error) = sent {
        // It reads no further because it has failed: its own words come first.
        return Err(session
            .receive()
            .err()
            .unwrap_or(WorkerError::Stream(error)));
    }
    loop {
        match session.receive()? {
            Frame::Progress => {}
            Frame::Written(written) => return Ok(written),
            Frame::Chunk(..) | Frame::End | Frame::Fault(_) => return Err(session.confused()),
        }
    }
}

/// Checks the files of `directory` and gives its chunks, in ascending order of id, to `take`.
pub(super) fn read(
    worker: &Worker,
    directory: &Path,
    files: &[FileProof],
    mut take: impl FnMut(ChunkProof, Bytes) -> Result<(), WorkerError>,
) -> Result<(), WorkerError> {
    let mut session = Session::start(worker)?;
    let request = Request::Read {
        directory: directory.to_owned(),
        files: files.to_vec(),
    };
    send(&mut session.output, KIND_REQUEST, &request)
        .and_then(|()| session.output.flush())
        .map_err(WorkerError::Stream)?;
    loop {
        match session.receive()? {
            Frame::Progress => {}
            Frame::Chunk(proof, bytes) => take(proof, bytes)?,
            Frame::End => return Ok(()),
            Frame::Written(_) | Frame::Fault(_) => return Err(session.confused()),
        }
    }
}

const KIND_REQUEST: u8 = 1;
const KIND_CHUNK: u8 = 2;
const KIND_PROGRESS: u8 = 3;
const KIND_WRITTEN: u8 = 4;
const KIND_END: u8 = 5;
const KIND_FAULT: u8 = 6;

#[derive(Serialize, Deserialize)]
enum Request {
    Write {
        directory: PathBuf,
        fresh: bool,
        removals: Vec<(u64, u32)>,
        chunks: u64,
        pace: Pace,
    },
    Read {
        directory: PathBuf,
        files: Vec<FileProof>,
    },
}

#[derive(Serialize, Deserialize)]
enum Fault {
    Damaged(String),
    Failed(String),
}

enum Frame {
    Progress,
    Chunk(ChunkProof, Bytes),
    Written(Written),
    End,
    Fault(Fault),
}

/// A running worker. Dropped, it is killed and waited for: a finished one is not there any more.
struct Session {
    child: Child,
    input: BufReader<UnixStream>,
    output: BufWriter<UnixStream>,
}

impl Session {
    fn start(worker: &Worker) -> Result<Self, WorkerError> {
        Self::try_start(worker).map_err(|source| WorkerError::Start {
            program: worker.program.display().to_string(),
            source,
        })
    }

    fn try_start(worker: &Worker) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(SILENCE_MAX))?;
        ours.set_write_timeout(Some(SILENCE_MAX))?;
        let input = BufReader::with_capacity(BUFFER_BYTES, ours.try_clone()?);
        let output = BufWriter::with_capacity(BUFFER_BYTES, ours);
        let child = Command::new(&worker.program)
            .arg0(PROCESS_NAME)
            .args(&worker.arguments)
            .env(VARIABLE, process::id().to_string())
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self {
            child,
            input,
            output,
        })
    }

    fn send_write(&mut self, request: &Request, puts: &[Put<'_>]) -> io::Result<()> {
        send(&mut self.output, KIND_REQUEST, request)?;
        for put in puts {
            send(&mut self.output, KIND_CHUNK, &(put.proof, put.bytes_before))?;
            self.output.write_all(put.bytes)?;
        }
        self.output.flush()
    }

    fn receive(&mut self) -> Result<Frame, WorkerError> {
        match self.try_receive() {
            Ok(Frame::Fault(Fault::Damaged(why))) => Err(WorkerError::Damaged(why)),
            Ok(Frame::Fault(Fault::Failed(why))) => Err(WorkerError::Failed(why)),
            Ok(frame) => Ok(frame),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => WorkerError::Silent,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => self.died(error),
                _ => WorkerError::Stream(error),
            }),
        }
    }

    fn try_receive(&mut self) -> io::Result<Frame> {
        let (kind, body) = receive(&mut self.input)?;
        Ok(match kind {
            KIND_PROGRESS => Frame::Progress,
            KIND_CHUNK => {
                let proof: ChunkProof = decode(&body)?;
                Frame::Chunk(proof, read_bytes(&mut self.input, proof.bytes)?.into())
            }
            KIND_WRITTEN => Frame::Written(decode(&body)?),
            KIND_END => Frame::End,
            KIND_FAULT => Frame::Fault(decode(&body)?),
            _ => return Err(unexpected(kind)),
        })
    }

    fn confused(&mut self) -> WorkerError {
        WorkerError::Stream(io::Error::other("an answer to another request"))
    }

    /// The worker closed its end: it is ending, or has ended, and its last words are complete.
    fn died(&mut self, error: io::Error) -> WorkerError {
        let mut last_words = Vec::new();
        if let Some(stderr) = self.child.stderr.take()
            && let Err(error) = stderr.take(LAST_WORDS_BYTES).read_to_end(&mut last_words)
        {
            return WorkerError::Stream(error);
        }
        match self.child.wait() {
            Ok(status) => WorkerError::Died {
                status: status.to_string(),
                last_words: String::from_utf8_lossy(&last_words)
                    .trim()
                    .replace('\n', " "),
            },
            Err(_) => WorkerError::Stream(error),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only when the worker has been waited for, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve_once() -> io::Result<()> {
    end_with_the_parent()?;
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut input = BufReader::with_capacity(BUFFER_BYTES, socket.try_clone()?);
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, socket);
    let (kind, body) = receive(&mut input)?;
    if kind != KIND_REQUEST {
        return Err(unexpected(kind));
    }
    let done = match decode(&body)? {
        Request::Write {
            directory,
            fresh,
            removals,
            chunks,
            pace,
        } => set_pace(pace).and_then(|()| {
            serve_write(
                &directory,
                fresh,
                &removals,
                chunks,
                &mut input,
                &mut output,
            )
        }),
        Request::Read { directory, files } => serve_read(&directory, &files, &mut output),
    };
    match done {
        Ok(()) => {}
        Err(fault) => send(&mut output, KIND_FAULT, &fault)?,
    }
    output.flush()
}

fn end_with_the_parent() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // One that died before sends no signal any more, and what it asked for may stand in the socket.
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_pid().to_string());
    match env::var(VARIABLE) {
        Ok(waiting) if Some(&waiting) == parent.as_ref() => Ok(()),
        _ => Err(io::Error::other("nobody waits for this worker")),
    }
}

fn set_pace(pace: Pace) -> Result<(), Fault> {
    match pace {
        Pace::Prompt => Ok(()),
        Pace::Yielding => rustix::process::nice(WRITE_NICENESS)
            .map(drop)
            .map_err(|error| failed("cannot lower priority", error)),
    }
}

fn serve_write(
    directory: &Path,
    fresh: bool,
    removals: &[(u64, u32)],
    chunks: u64,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<(), Fault> {
    if fresh {
        empty(directory).map_err(|error| failed("cannot empty the directory", error))?;
    }
    let incoming = (0..chunks).map(|_| receive_chunk(input));
    store::apply(directory, removals, incoming, || progress(output))
        .map_err(|error| failed("cannot write", error))?;
    let held = store::settle(directory, || progress(output))
        .map_err(|error| failed("cannot read back", error))?;
    sync(directory).map_err(|error| failed("cannot sync", error))?;
    progress(output).map_err(|error| failed("cannot answer", error))?;
    let files = proof::sum_files(directory).map_err(|error| failed("cannot sum files", error))?;
    send(
        output,
        KIND_WRITTEN,
        &Written {
            chunks: held,
            files,
        },
    )
    .map_err(|error| failed("cannot answer", error))
}

fn serve_read(
    directory: &Path,
    files: &[FileProof],
    output: &mut BufWriter<UnixStream>,
) -> Result<(), Fault> {
    proof::check_files(directory, files).map_err(Fault::Damaged)?;
    let send_chunk = |proof: ChunkProof, bytes: &[u8]| {
        send(output, KIND_CHUNK, &proof)?;
        output.write_all(bytes)
    };
    // Chunks are the sign of life here; a session without one ends the scan.
    store::scan(directory, send_chunk, || Ok(()))
        .map_err(|error| Fault::Damaged(format!("db: {error}")))?;
    send(output, KIND_END, &()).map_err(|error| failed("cannot answer", error))
}

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::Failed(format!("{what}: {error}"))
}

fn progress(output: &mut impl Write) -> io::Result<()> {
    send(output, KIND_PROGRESS, &())?;
    output.flush()
}

fn empty(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    disk::create_directories(directory)
}

/// sled's own flush waits for the page cache only, so each file is synced here, and each folder.
fn sync(directory: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    proof::list(directory, "", &mut names)?;
    for name in names {
        File::open(directory.join(name))?.sync_data()?;
    }
    disk::sync_directory(&directory.join("blobs"))?;
    disk::sync_directory(directory)?;
    directory.parent().map_or(Ok(()), disk::sync_directory)
}

fn receive_chunk(input: &mut impl Read) -> io::Result<ChunkWrite> {
    let (kind, body) = receive(input)?;
    if kind != KIND_CHUNK {
        return Err(unexpected(kind));
    }
    let (proof, bytes_before): (ChunkProof, Option<u32>) = decode(&body)?;
    Ok(ChunkWrite {
        proof,
        bytes_before,
        bytes: read_bytes(input, proof.bytes)?,
    })
}

fn send(output: &mut impl Write, kind: u8, body: &impl Serialize) -> io::Result<()> {
    let body = postcard::to_stdvec(body).map_err(io::Error::other)?;
    output.write_all(&[kind])?;
    output.write_all(
        &u32::try_from(body.len())
            .map_err(io::Error::other)?
            .to_le_bytes(),
    )?;
    output.write_all(&body)
}

fn receive(input: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 5];
    input.read_exact(&mut header)?;
    let [kind, length @ ..] = header;
    let length = u32::from_le_bytes(length);
    if length > FRAME_BYTES_MAX {
        return Err(unexpected(kind));
    }
    Ok((kind, read_bytes(input, length)?))
}

fn read_bytes(input: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length as usize);
    if input.take(u64::from(length)).read_to_end(&mut bytes)? < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

fn decode<Body: DeserializeOwned>(body: &[u8]) -> io::Result<Body> {
    postcard::from_bytes(body).map_err(io::Error::other)
}

fn unexpected(kind: u8) -> io::Error {
    io::Error::other(format!("frame of kind {kind} was not expected"))
}
