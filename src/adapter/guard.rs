//! A process beside a lock's holder that ends the holder's child in time if the holder cannot: it
//! may be killed, or stopped for longer than its lease lives.
//!
//! The holder tells it, in records of a fixed size through a pipe, which process group is to end
//! when unless it is told otherwise; the pipe's end means that the holder is gone. Times are those
//! of the clock that runs on while the machine is suspended.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::adapter::host::{self, ANNOUNCEMENT_BYTES};

/// In the environment of a process that is to be one.
const VARIABLE: &str = "CORACLE_LOCK_GUARD";

/// What is to end, and when; a group of 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub group: i32,
    /// When it is asked to end, in nanoseconds since the machine booted.
    pub terminate_ns: u64,
    /// When it is ended.
    pub kill_ns: u64,
}

/// The holder's end. Dropped, it is as if the holder died.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    pipe: ChildStdin,
}

/// Whether this process is to be one.
pub fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

impl Order {
    pub fn encode(self) -> [u8; ANNOUNCEMENT_BYTES] {
        let mut bytes = [0; ANNOUNCEMENT_BYTES];
        bytes[..8].copy_from_slice(&i64::from(self.group).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.terminate_ns.to_le_bytes());
        bytes[16..].copy_from_slice(&self.kill_ns.to_le_bytes());
        bytes
    }

    fn decode(bytes: [u8; ANNOUNCEMENT_BYTES]) -> Self {
        let word = |at: usize| {
            let word: [u8; 8] = bytes[at..at + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(word)
        };
        Self {
            group: i32::try_from(word(0)).unwrap_or(0),
            terminate_ns: word(8),
            kill_ns: word(16),
        }
    }

    fn send(self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.group) {
            // What is gone needs no signal.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Guard {
    /// Starts it, in a process group of its own: a terminal's signals are not meant for it.
    pub fn start() -> io::Result<Self> {
        let mut process = Command::new("/proc/self/exe")
            .env_clear()
            .env(VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = process.stdin.take().expect("piped");
        Ok(Self { process, pipe })
    }

    /// Its end of the pipe once more, for a child to write its first order to.
    pub fn pipe(&self) -> io::Result<OwnedFd> {
        self.pipe.as_fd().try_clone_to_owned()
    }

    pub fn order(&mut self, order: Order) -> io::Result<()> {
        self.pipe.write_all(&order.encode())
    }

    /// Ends it; whatever it guards still is ended with it.
    pub fn dismiss(mut self) -> io::Result<()> {
        drop(self.pipe);
        self.process.wait().map(drop)
    }
}

/// Guards until the holder has gone and nothing of it runs.
pub fn serve() -> io::Result<()> {
    let mut input = io::stdin();
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
    let mut order = Order::default();
    let mut is_terminated = false;
    loop {
        let due = if is_terminated {
            order.kill_ns
        } else {
            order.terminate_ns
        };
        set(&timer, if order.group == 0 { 0 } else { due })?;
        let mut ready = [
            PollFd::new(&input, PollFlags::IN),
            PollFd::new(&timer, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        if !ready[0].revents().is_empty() {
            let mut bytes = [0; ANNOUNCEMENT_BYTES];
            if input.read_exact(&mut bytes).is_err() {
                return finish(order);
            }
            order = Order::decode(bytes);
            is_terminated = false;
        } else if !is_terminated {
            order.send(Signal::TERM);
            is_terminated = true;
        } else {
            order.send(Signal::KILL);
            order.group = 0;
        }
    }
}

/// The holder has gone: what it left is asked to end now, and ended when its time is over.
fn finish(order: Order) -> io::Result<()> {
    order.send(Signal::TERM);
    let left_ns = order.kill_ns.saturating_sub(host::boot_time_ns());
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?;
    if order.group != 0 && left_ns > 0 {
        set(&timer, order.kill_ns)?;
        rustix::io::read(&timer, &mut [0; 8])?;
    }
    order.send(Signal::KILL);
    Ok(())
}

/// Sets when the timer is due; 0 is never.
fn set(timer: &OwnedFd, due_ns: u64) -> io::Result<()> {
    let none = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let due = Timespec {
        tv_sec: i64::try_from(due_ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(due_ns % 1_000_000_000).unwrap_or(0),
    };
    let due = Itimerspec {
        it_interval: none,
        it_value: due,
    };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &due)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = Order {
            group: 4_194_303,
            terminate_ns: 7,
            kill_ns: u64::MAX,
        };
        assert_eq!(Order::decode(order.encode()), order);
        assert_eq!(Order::decode(Order::default().encode()), Order::default());
    }
}
