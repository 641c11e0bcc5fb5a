//! A command in a process group of its own: how it is started, signalled, stopped and waited for,
//! as a shell does with a job.
//!
//! The terminal is lent to it when it wants to read from it or to change it, and not before: others
//! of our own group may have it, as `less` in `lockctl … | less`.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

pub use rustix::process::Signal;
use rustix::process::{
    Pid, WaitOptions, getpgrp, getpid, kill_process, kill_process_group, waitpid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::sync::mpsc;

use crate::adapter::guard::{Guard, Order};
use crate::adapter::host;

/// What is passed on to the command; the rest is between each process and the kernel.
const PASSED: [Signal; 8] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::TSTP,
    Signal::WINCH,
];

/// Why a command does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("there is no such program")]
    NotFound,
    #[error("it cannot be executed: {0}")]
    NotExecutable(io::Error),
    #[error("{0}")]
    Other(#[from] io::Error),
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// With its exit code, or 128 and the number of the signal that ended it, as in a shell.
    Ended(u8),
    /// By this signal, as by Ctrl-Z.
    Stopped(i32),
}

/// A command that runs.
#[derive(Debug)]
pub struct Job {
    group: Pid,
    changes: mpsc::Receiver<Change>,
    has_terminal: bool,
}

/// The signals that are passed on; from its making on they no longer end this process.
#[derive(Debug)]
pub struct Signals(Vec<(Signal, Listener)>);

impl Signals {
    pub fn listen() -> io::Result<Self> {
        let listen = |number: Signal| {
            let listener = signal(SignalKind::from_raw(number.as_raw()))?;
            Ok((number, listener))
        };
        PASSED
            .into_iter()
            .map(listen)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let came = self.0.iter_mut().find_map(|(number, listener)| {
                let came = listener.poll_recv(context);
                came.is_ready().then_some(*number)
            });
            came.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }
}

impl Job {
    /// Starts a command with more variables. It tells the guard of itself before it runs, with the
    /// times of `order`.
    pub fn start(
        words: &[OsString],
        variables: &[(&str, String)],
        guard: &Guard,
        order: Order,
    ) -> Result<Self, StartError> {
        let (program, arguments) = words.split_first().ok_or(StartError::NotFound)?;
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let announcement = move |group| Order { group, ..order }.encode();
        host::announce(&mut command, guard.pipe()?, announcement);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StartError::NotFound,
            io::ErrorKind::PermissionDenied => StartError::NotExecutable(error),
            // ENOEXEC: neither a program nor a script that says what runs it.
            _ if error.raw_os_error() == Some(libc::ENOEXEC) => StartError::NotExecutable(error),
            _ => StartError::Other(error),
        })?;
        let raw = i32::try_from(child.id()).expect("process ids are positive");
        let group = Pid::from_raw(raw).expect("and not 0");
        let (tell, changes) = mpsc::channel(1);
        // It ends with the child, which the guard ends if nobody else does.
        thread::spawn(move || follow(group, &tell));
        Ok(Self {
            group,
            changes,
            has_terminal: false,
        })
    }

    /// The next change. Losing interest in it loses none.
    pub async fn changed(&mut self) -> Change {
        self.changes
            .recv()
            .await
            .expect("whoever follows it tells the end, and nothing is asked after that")
    }

    pub fn group(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Passes a signal to the command and all that it started.
    pub fn send(&self, signal: Signal) {
        // What is gone needs no signal.
        let _ = kill_process_group(self.group, signal);
    }

    pub fn terminate(&self) {
        self.send(Signal::TERM);
        // One that is stopped would not hear of it.
        self.send(Signal::CONT);
    }

    pub fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// The command was stopped: it goes on if it only wants the terminal and we have it, else we
    /// stop, too, as a shell's job does, until somebody lets us go on. Whoever stopped it alone, as
    /// a debugger does, lets it go on, too.
    pub fn stopped(&mut self, signal: i32) {
        if signal == Signal::STOP.as_raw() {
            return;
        }
        let wants = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
        if !wants.contains(&signal) || !is_ours() {
            self.take_terminal();
            stop();
        }
        if is_ours() {
            host::ignore_terminal_output_stop();
            self.has_terminal = tcsetpgrp(io::stdin(), self.group).is_ok();
        }
        self.send(Signal::CONT);
    }

    fn take_terminal(&mut self) {
        if std::mem::take(&mut self.has_terminal) {
            let _ = tcsetpgrp(io::stdin(), getpgrp());
        }
    }
}

/// Stops this process until somebody lets it go on.
pub fn stop() {
    let _ = kill_process(getpid(), Signal::STOP);
}

/// Whether there is a terminal, and our group has it.
fn is_ours() -> bool {
    let input = io::stdin();
    input.is_terminal() && tcgetpgrp(&input).is_ok_and(|group| group == getpgrp())
}

impl Drop for Job {
    fn drop(&mut self) {
        self.take_terminal();
    }
}

/// Waits for the child until it has ended.
fn follow(child: Pid, tell: &mpsc::Sender<Change>) {
    loop {
        let status = match waitpid(Some(child), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) => status,
            Err(rustix::io::Errno::INTR) | Ok(None) => continue,
            Err(_) => break,
        };
        if let Some(signal) = status.stopping_signal() {
            let _ = tell.blocking_send(Change::Stopped(signal));
            continue;
        }
        let code = status
            .exit_status()
            .and_then(|code| u8::try_from(code).ok());
        let signal = status.terminating_signal();
        let of_signal = signal.and_then(|signal| u8::try_from(128 + signal).ok());
        let code = code.or(of_signal).unwrap_or(u8::MAX);
        let _ = tell.blocking_send(Change::Ended(code));
        break;
    }
}
