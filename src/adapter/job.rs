//! A command in a process group of its own, with the terminal if we have one: how it is started,
//! signalled, stopped and waited for, as a shell does with a job.

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
const PASSED: [Signal; 7] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
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
    /// By a signal, as by Ctrl-Z.
    Stopped,
}

/// A command that runs.
#[derive(Debug)]
pub struct Job {
    group: Pid,
    changes: mpsc::Receiver<Change>,
    /// Whether the terminal was ours to give.
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
        let input = io::stdin();
        let has_terminal =
            input.is_terminal() && tcgetpgrp(&input).is_ok_and(|group| group == getpgrp());
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
        let job = Self {
            group,
            changes,
            has_terminal,
        };
        if has_terminal {
            host::ignore_terminal_output_stop();
            job.go_on();
        }
        Ok(job)
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

    /// Stops with the command, as a shell's job does, and goes on with it when somebody says so.
    pub fn stop_with_it(&self) {
        if !self.has_terminal {
            return;
        }
        self.take_terminal();
        let _ = kill_process(getpid(), Signal::STOP);
        self.go_on();
    }

    /// Gives the command the terminal, if it is ours, and lets it run.
    fn go_on(&self) {
        let input = io::stdin();
        if tcgetpgrp(&input).is_ok_and(|group| group == getpgrp()) {
            let _ = tcsetpgrp(&input, self.group);
        }
        self.send(Signal::CONT);
    }

    fn take_terminal(&self) {
        let _ = tcsetpgrp(io::stdin(), getpgrp());
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.has_terminal {
            self.take_terminal();
        }
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
        if status.stopped() {
            let _ = tell.blocking_send(Change::Stopped);
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
