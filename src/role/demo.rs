//! `coracle demo`: a member of this executable, and the tour typed at it with the real commands.
//!
//! Everything is in one temporary directory; the member and the directory are gone when this ends,
//! however it ends: only SIGKILL leaves the directory, the member goes even then.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::adapter::host::{ReadySocket, TemporaryDirectory, end_with_us};
use crate::cli::Matches;
use crate::cli::demo;
use crate::error::{Exit, Failure, answer};

/// How long the member may take to start and a step to answer: far more than either needs.
const PATIENCE: Duration = Duration::from_secs(20);

const WHAT: &str = "the tour cannot go on";

/// A running member and how to reach it.
struct Member {
    daemon: Child,
    directory: TemporaryDirectory,
    program: PathBuf,
    ready: ReadySocket,
    /// Known once it serves.
    url: String,
}

/// A `kvctl watch` whose events are shown as they come.
struct Watch {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

pub fn run(_face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let flags = demo::flags(matches);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, WHAT, error))?;
    runtime.block_on(async {
        let mut told_to_end = pin!(told_to_end()?);
        let mut member = Member::spawn()?;
        let started = tokio::select! {
            started = member.starts() => started,
            () = &mut told_to_end => Err(Failure::silent(Exit::FAILED)),
        };
        if let Err(failure) = started {
            member.abandon().await;
            return Err(failure);
        }
        let toured = tokio::select! {
            toured = tour(&member) => toured,
            () = &mut told_to_end => Err(Failure::silent(Exit::FAILED)),
        };
        let done = match toured {
            Ok(()) if !flags.once => tokio::select! {
                stayed = member.stays() => stayed,
                () = &mut told_to_end => Ok(()),
            },
            toured => toured,
        };
        member.end().await?;
        done.map(|()| Exit::DONE)
    })
}

/// Waits for Ctrl-C, for the terminal to close, or for whoever else ends us; heard from now on.
fn told_to_end() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(broken);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
    })
}

/// Every step is a command that a person could type, and is shown as such.
async fn tour(member: &Member) -> Result<(), Failure> {
    say("\n# a member is up: an etcd v3 store, durable, on this machine only")?;
    member.kvctl(&["put", "greeting", "hello"]).await?;
    member.kvctl(&["get", "greeting"]).await?;

    say(
        "\n# a watch hears of every change, in order; each change is a revision of the store, and",
    )?;
    say("# `--rev 3` begins with the one after that put (an empty store has revision 1)")?;
    let mut watch = member.watch(&["watch", "--rev", "3", "greeting"])?;
    member.kvctl(&["put", "greeting", "hello again"]).await?;
    watch.show(&["PUT", "greeting", "hello again"]).await?;
    member.kvctl(&["del", "greeting"]).await?;
    watch.show(&["DELETE", "greeting"]).await?;

    say("\n# a key on a lease goes when nobody renews the lease; `--rev 1` hears of the past too")?;
    let mut watch = member.watch(&["watch", "--rev", "1", "session"])?;
    member
        .kvctl(&["put", "--ttl", "2s", "session", "alive"])
        .await?;
    watch.show(&["PUT", "session", "alive"]).await?;
    watch.show(&["DELETE", "session"]).await?;

    say("\n# this key stays")?;
    member.kvctl(&["put", "farewell", "see you soon"]).await?;

    say("\n# and the member says how it is")?;
    member.kvctl(&["endpoint", "status", "-w", "table"]).await
}

impl Member {
    fn spawn() -> Result<Self, Failure> {
        let directory = TemporaryDirectory::new("coracle-demo").map_err(broken)?;
        let program = std::env::current_exe().map_err(broken)?;
        let ready = ReadySocket::bind(&directory.path().join("ready")).map_err(broken)?;
        let mut daemon = Command::new(&program);
        daemon
            .arg("daemon")
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .args(["--listen-client-urls", "http://127.0.0.1:0", "--socket"])
            .arg(directory.path().join("socket"))
            .args(["--log-level", "warn"])
            .env("NOTIFY_SOCKET", ready.path())
            // Ctrl-C is ours: the member ends when the tour is told to.
            .process_group(0)
            .kill_on_drop(true);
        let daemon = end_with_us(&mut daemon).spawn().map_err(broken)?;
        Ok(Self {
            daemon,
            directory,
            program,
            ready,
            url: String::new(),
        })
    }

    /// Waits until the member serves; that it ends instead is told at once.
    async fn starts(&mut self) -> Result<(), Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::UNAVAILABLE, "the member did not start", why)
                .hint("look at what it said above, or run `coracle daemon` by hand")
        };
        let status = tokio::select! {
            status = tokio::time::timeout(PATIENCE, self.ready.wait()) => status,
            ended = self.daemon.wait() => return Err(match ended {
                Ok(status) => failed(&status),
                Err(error) => failed(&error),
            }),
        };
        let status = status.map_err(|late| failed(&late))?;
        let status = status.map_err(|error| failed(&error))?;
        let url = status
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url =
            url.ok_or_else(|| Failure::new(Exit::FAILED, WHAT, "the member gave no address"))?;
        self.url = url.to_owned();
        Ok(())
    }

    /// Ends a member that does not serve and has nothing to keep.
    async fn abandon(mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.daemon.kill().await;
    }

    /// Says how to reach it; returns only if it ends by itself.
    async fn stays(&mut self) -> Result<(), Failure> {
        self.invite()?;
        let ended = self.daemon.wait().await;
        let why = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        Err(Failure::new(
            Exit::FAILED,
            "the member ended by itself",
            why,
        ))
    }

    /// Types a command, shows it and its answer.
    async fn kvctl(&self, words: &[&str]) -> Result<(), Failure> {
        say(format_args!("$ {}", typed(words)))?;
        let run = self.client(words).status();
        let status = tokio::time::timeout(PATIENCE, run)
            .await
            .map_err(broken)?
            .map_err(broken)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::FAILED,
            format!("`{}` failed", typed(words)),
            status,
        ))
    }

    /// Starts a watch from a named revision, so that nothing can happen before it stands.
    fn watch(&self, words: &[&str]) -> Result<Watch, Failure> {
        say(format_args!("$ {} &", typed(words)))?;
        let mut child = self
            .client(words)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(broken)?;
        let output = child.stdout.take().expect("the output is piped");
        Ok(Watch {
            _child: child,
            lines: BufReader::new(output).lines(),
        })
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0("kvctl")
            .args(["--endpoints", &self.url])
            .args(words.iter().map(OsStr::new));
        command.kill_on_drop(true);
        end_with_us(&mut command);
        command
    }

    fn invite(&self) -> Result<(), Failure> {
        say("\nThe member stays up until Ctrl-C. Try, in another terminal:")?;
        say(format_args!("  export CORACLE_ENDPOINTS={}", self.url))?;
        say(format_args!(
            "  {} kv get --prefix ''",
            self.program.display()
        ))?;
        say(format_args!("  curl {}/health", self.url))
    }

    async fn end(mut self) -> Result<(), Failure> {
        let Some(pid) = self.daemon.id() else {
            return Ok(());
        };
        crate::adapter::host::terminate(pid).map_err(broken)?;
        let ended = tokio::time::timeout(PATIENCE, self.daemon.wait()).await;
        let status = ended.map_err(broken)?.map_err(broken)?;
        drop(self.directory);
        match status.success() {
            true => Ok(()),
            false => Err(Failure::new(
                Exit::FAILED,
                "the member did not end well",
                status,
            )),
        }
    }
}

impl Watch {
    /// Shows the next lines of the watch; they must be the ones that the step announces.
    async fn show(&mut self, expected: &[&str]) -> Result<(), Failure> {
        for expected in expected {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.map_err(broken)?.map_err(broken)?.unwrap_or_default();
            say(format_args!("  {line}"))?;
            if line != *expected {
                let why = format!("it says {line:?} where {expected:?} was to come");
                return Err(Failure::new(Exit::FAILED, "the watch is wrong", why));
            }
        }
        Ok(())
    }
}

fn typed(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| match word.contains(' ') {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    });
    format!("kvctl {}", quoted.collect::<Vec<_>>().join(" "))
}

fn say(text: impl std::fmt::Display) -> Result<(), Failure> {
    answer(format!("{text}\n").as_bytes()).map_err(|error| Failure::output(&error))
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::FAILED, WHAT, error)
}
