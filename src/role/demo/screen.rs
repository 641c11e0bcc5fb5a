//! Commands typed at the members as a person would type them, and shown as such.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::adapter::host::end_with_us;
use crate::error::{Exit, Failure, answer};
use crate::role::demo::broken;
use crate::role::demo::member::PATIENCE;

/// Where commands are typed.
pub(super) struct Screen {
    pub(super) program: PathBuf,
    /// What `CORACLE_ENDPOINTS` says there.
    pub(super) endpoints: String,
}

/// A `kvctl watch` whose events are shown as they come.
pub(super) struct Watch {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Screen {
    /// Types a command of the key-value client, shows it and its answer.
    pub(super) async fn kvctl(&self, words: &[&str]) -> Result<(), Failure> {
        self.run("kvctl", words).await
    }

    /// The same of the cluster's.
    pub(super) async fn cluster(&self, words: &[&str]) -> Result<(), Failure> {
        let words = [&["cluster"], words].concat();
        self.run("coracle", &words).await
    }

    async fn run(&self, face: &str, words: &[&str]) -> Result<(), Failure> {
        let typed = typed(face, words);
        say(format_args!("$ {typed}"))?;
        let run = self.client(face, words).status();
        let status = timeout(PATIENCE, run).await.map_err(broken)?;
        let status = status.map_err(broken)?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::new(
                Exit::FAILED,
                format!("`{typed}` failed"),
                status,
            )),
        }
    }

    /// Types a command whose end and answer the tour itself looks at; it is not shown.
    pub(super) async fn quietly(&self, face: &str, words: &[&str]) -> Result<Output, Failure> {
        let run = self.client(face, words).stderr(Stdio::null()).output();
        timeout(PATIENCE, run)
            .await
            .map_err(broken)?
            .map_err(broken)
    }

    /// Starts a watch from a named revision, so that nothing can happen before it stands.
    pub(super) fn watch(&self, words: &[&str]) -> Result<Watch, Failure> {
        say(format_args!("$ {} &", typed("kvctl", words)))?;
        let mut child = self
            .client("kvctl", words)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(broken)?;
        let output = child.stdout.take().expect("the output is piped");
        Ok(Watch {
            _child: child,
            lines: BufReader::new(output).lines(),
        })
    }

    fn client(&self, face: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0(face)
            .args(words.iter().map(OsStr::new))
            .env("CORACLE_ENDPOINTS", &self.endpoints)
            .kill_on_drop(true);
        end_with_us(&mut command);
        command
    }
}

impl Watch {
    /// Shows the next lines of the watch; they must be the ones that the step announces.
    pub(super) async fn show(&mut self, expected: &[&str]) -> Result<(), Failure> {
        for expected in expected {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
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

/// Shows a line.
pub(super) fn say(text: impl std::fmt::Display) -> Result<(), Failure> {
    answer(format!("{text}\n").as_bytes()).map_err(|error| Failure::output(&error))
}

fn typed(face: &str, words: &[&str]) -> String {
    let quoted = words.iter().map(|word| match word.contains(' ') {
        true => format!("'{word}'"),
        false => (*word).to_owned(),
    });
    format!("{face} {}", quoted.collect::<Vec<_>>().join(" "))
}
