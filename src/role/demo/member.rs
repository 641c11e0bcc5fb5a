//! A member of this executable as a child of the demo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::adapter::disk;
use crate::adapter::host::{ReadySocket, end_with_us, terminate};
use crate::error::{Exit, Failure};
use crate::role::demo::{WHAT, broken};

/// How long a member may take to start and a step to answer: far more than either needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What a member is started with, each time.
pub(super) struct Settings {
    pub(super) program: PathBuf,
    /// Its own: data, socket.
    pub(super) directory: PathBuf,
    pub(super) flags: Vec<OsString>,
}

/// A member that runs.
pub(super) struct Member {
    daemon: Child,
    ready: ReadySocket,
    /// Where clients reach it; known once it serves.
    pub(super) url: String,
}

impl Settings {
    /// Starts a member and does not wait.
    pub(super) fn spawn(&self) -> Result<Member, Failure> {
        let ready = self.directory.join("ready");
        // One of a member before leaves its name behind.
        let _ = disk::remove(&ready);
        let ready = ReadySocket::bind(&ready).map_err(broken)?;
        let mut daemon = Command::new(&self.program);
        daemon
            .arg("daemon")
            .arg("--data-dir")
            .arg(self.directory.join("data"))
            .arg("--socket")
            .arg(self.directory.join("socket"))
            .args(&self.flags)
            .args(["--log-level", "warn"])
            .env("NOTIFY_SOCKET", ready.path())
            // Ctrl-C is ours: the member ends when the tour is told to.
            .process_group(0)
            .kill_on_drop(true);
        let daemon = end_with_us(&mut daemon).spawn().map_err(broken)?;
        Ok(Member {
            daemon,
            ready,
            url: String::new(),
        })
    }
}

impl Member {
    /// Waits until the member serves; that it ends instead is told at once.
    pub(super) async fn starts(&mut self) -> Result<(), Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::UNAVAILABLE, "the member did not start", why)
                .hint("look at what it said above, or run `coracle daemon` by hand")
        };
        let status = tokio::select! {
            status = timeout(PATIENCE, self.ready.wait()) => status,
            ended = self.daemon.wait() => return Err(match ended {
                Ok(status) => failed(&status),
                Err(error) => failed(&error),
            }),
        };
        let status = status.map_err(|late| failed(&late))?;
        let status = status.map_err(|error| failed(&error))?;
        let mut words = status.split_whitespace();
        let url = words.find(|word| word.starts_with("http://"));
        let url =
            url.ok_or_else(|| Failure::new(Exit::FAILED, WHAT, "the member gave no address"))?;
        self.url = url.to_owned();
        Ok(())
    }

    /// Ends it as a loss of power would, or one that has nothing to keep.
    pub(super) async fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.daemon.kill().await;
    }

    /// Returns only if it ends by itself, with why.
    pub(super) async fn ended(&mut self) -> String {
        let ended = self.daemon.wait().await;
        ended.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Ends it in order.
    pub(super) async fn end(&mut self) -> Result<(), Failure> {
        let Some(pid) = self.daemon.id() else {
            return Ok(());
        };
        terminate(pid).map_err(broken)?;
        let ended = timeout(PATIENCE, self.daemon.wait()).await;
        let status: ExitStatus = ended.map_err(broken)?.map_err(broken)?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::new(
                Exit::FAILED,
                "the member did not end well",
                status,
            )),
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.daemon.id()
    }
}

/// A folder of its own for each member.
pub(super) fn folder(within: &Path, name: &str) -> Result<PathBuf, Failure> {
    let folder = within.join(name);
    disk::create_directories(&folder).map_err(broken)?;
    Ok(folder)
}
