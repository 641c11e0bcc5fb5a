//! Commands of the machine's owner: run to their end or their deadline, and what they said.
//!
//! Each has a process group of its own, which ends as a whole when its time is over or nobody wants
//! the answer any more. Of what it says the beginning is kept, and the rest is read and dropped, so
//! that no command waits for a reader.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What people read of a command that failed.
const SAID_BYTES_MAX: usize = 512;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// By `/bin/sh -c`.
    Shell(&'a str),
    /// Without arguments.
    Program(&'a Path),
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("it cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("it takes longer than {0:?}")]
    Late(Duration),
    #[error("{status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Failed { status: ExitStatus, said: String },
}

/// The group of a command, which ends with the value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // One that has ended needs no signal.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a command, which fails unless it ends with 0 in time.
pub async fn run(line: Line<'_>, deadline: Duration) -> Result<(), CommandError> {
    let (reader, writer) = io::pipe()?;
    let mut said = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut command = match line {
        Line::Shell(text) => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", text]);
            command
        }
        Line::Program(path) => Command::new(path),
    };
    command
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::from(OwnedFd::from(writer.try_clone()?)))
        .stderr(Stdio::from(OwnedFd::from(writer)));
    let mut child = command.spawn()?;
    // It holds the ends of the pipe that the command has.
    drop(command);
    let raw = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(raw.and_then(Pid::from_raw));
    let mut text = Vec::new();
    let ended = timeout(deadline, until_end(&mut child, &mut said, &mut text)).await;
    let status = ended.map_err(|_| CommandError::Late(deadline))??;
    // What it left in the background is its own business.
    group.0 = None;
    while read(&said, &mut text).is_ok_and(|count| count > 0) {}
    match status.success() {
        true => Ok(()),
        false => Err(CommandError::Failed {
            status,
            said: in_a_line(&text),
        }),
    }
}

/// The programs of a directory, in the order of their names; none where there is no directory.
pub fn programs(directory: &Path) -> io::Result<Vec<PathBuf>> {
    use std::os::unix::fs::PermissionsExt;
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut programs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let metadata = std::fs::metadata(&path)?;
        if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            programs.push(path);
        }
    }
    programs.sort_unstable();
    Ok(programs)
}

async fn until_end(
    child: &mut Child,
    said: &mut pipe::Receiver,
    text: &mut Vec<u8>,
) -> io::Result<ExitStatus> {
    let mut is_open = true;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            ready = said.readable(), if is_open => {
                ready?;
                is_open = match read(said, text) {
                    Ok(count) => count > 0,
                    Err(error) => error.kind() == io::ErrorKind::WouldBlock,
                };
            }
        }
    }
}

/// Reads what is there.
fn read(said: &pipe::Receiver, text: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; 4096];
    let count = said.try_read(&mut buffer)?;
    let room = SAID_BYTES_MAX.saturating_sub(text.len());
    text.extend_from_slice(&buffer[..count.min(room)]);
    Ok(count)
}

fn in_a_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join("; ");
    line.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(200);
    const LATE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_command_that_fails_is_told_with_what_it_said() {
        assert!(run(Line::Shell("true"), LATE).await.is_ok());
        let failed = run(Line::Shell("echo one; echo two >&2; exit 3"), LATE).await;
        let told = failed.expect_err("fails").to_string();
        assert_eq!(told, "exit status: 3: one; two");
        let none = run(Line::Program(Path::new("/no/such/program")), LATE).await;
        let told = none.expect_err("fails").to_string();
        assert!(told.starts_with("it cannot be started: "), "{told}");
    }

    #[tokio::test]
    async fn a_command_that_says_much_is_read_to_its_end() {
        let failed = run(Line::Shell("yes | head -c 1000000; exit 1"), LATE).await;
        let told = failed.expect_err("fails").to_string();
        assert!(told.len() < 2 * SAID_BYTES_MAX, "{told}");
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let pid = folder.path().join("pid");
        let line = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let failed = run(Line::Shell(&line), SOON).await;
        assert!(matches!(failed, Err(CommandError::Late(SOON))));
        let pid = std::fs::read_to_string(&pid).expect("it wrote it");
        let stat = format!("/proc/{}/stat", pid.trim());
        let deadline = std::time::Instant::now() + LATE;
        // Dead, whether or not somebody has waited for it.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(std::time::Instant::now() < deadline, "it runs on");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_stays_in_the_background_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let pid = folder.path().join("pid");
        let line = format!("sleep 1000 & echo $! > {}", pid.display());
        assert!(run(Line::Shell(&line), LATE).await.is_ok());
        let pid = std::fs::read_to_string(&pid).expect("it wrote it");
        let pid: i32 = pid.trim().parse().expect("a process");
        let pid = Pid::from_raw(pid).expect("not 0");
        rustix::process::kill_process(pid, Signal::KILL).expect("it runs still");
    }

    #[test]
    fn programs_are_those_that_can_be_executed_in_order() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, mode) in [("20-b", 0o755), ("10-a", 0o700), ("README", 0o644)] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").expect("is written");
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).expect("is set");
        }
        let found = programs(folder.path()).expect("reads");
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["10-a", "20-b"]);
        assert!(
            programs(&folder.path().join("none"))
                .expect("reads")
                .is_empty()
        );
    }
}
