//! The machine underneath: randomness, who runs us, one daemon a directory, the service manager.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::{panic, process};

use rustix::fs::{FlockOperation, Mode, OFlags};

/// Holds a directory for this process; let go when dropped or when the process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _held: [File; 2],
}

/// Where a daemon that we start says that it is ready, as it would tell a service manager.
#[derive(Debug)]
pub struct ReadySocket {
    socket: tokio::net::UnixDatagram,
    path: PathBuf,
}

/// Of what a child says of itself; far less than a pipe takes at once.
pub const ANNOUNCEMENT_BYTES: usize = 24;

/// A directory that is removed with everything in it when dropped.
#[derive(Debug)]
pub struct TemporaryDirectory(tempfile::TempDir);

impl ReadySocket {
    pub fn bind(path: &Path) -> io::Result<Self> {
        Ok(Self {
            socket: tokio::net::UnixDatagram::bind(path)?,
            path: path.to_path_buf(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until `READY=1` comes; the STATUS that came with it.
    pub async fn wait(&self) -> io::Result<String> {
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer).await?;
            let message = String::from_utf8_lossy(&buffer[..length]);
            if message.lines().any(|line| line == "READY=1") {
                let status = message
                    .lines()
                    .find_map(|line| line.strip_prefix("STATUS="));
                return Ok(status.unwrap_or_default().to_owned());
            }
        }
    }
}

impl TemporaryDirectory {
    pub fn new(prefix: &str) -> io::Result<Self> {
        tempfile::Builder::new().prefix(prefix).tempdir().map(Self)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// From now on a panic on any thread ends the process with `code`, once it has been told: what a
/// thread or task that panicked was to do is done by nobody, and what it held may be half changed.
pub fn end_on_panic(code: u8) {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tell(panic);
        process::exit(i32::from(code));
    }));
}

/// Starts a command so that it is asked to end when this process is gone, however that goes. The
/// kernel watches the thread that starts it (PR_SET_PDEATHSIG(2const)), so that must be one that
/// lasts as long as the process.
#[expect(
    unsafe_code,
    reason = "only between fork and exec can the child be bound to its parent"
)]
pub fn end_with_us(command: &mut tokio::process::Command) -> &mut tokio::process::Command {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let us = getpid();
    let bind = move || {
        set_parent_process_death_signal(Some(Signal::TERM))?;
        match getppid() == Some(us) {
            true => Ok(()),
            // It died before the kernel knew that it was watched.
            false => Err(rustix::io::Errno::SRCH.into()),
        }
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called; these are two
    // plain system calls, and nothing is allocated or locked.
    unsafe { command.pre_exec(bind) }
}

/// Lets the child say who it is before it becomes another program: writes `head`, its process id
/// and `tail` to `pipe` at once. Nobody who listens there can miss a child that runs.
#[expect(
    unsafe_code,
    reason = "only between fork and exec does the child know its id and not yet run"
)]
pub fn announce(
    command: &mut process::Command,
    pipe: std::os::fd::OwnedFd,
    announcement: impl Fn(i32) -> [u8; ANNOUNCEMENT_BYTES] + Send + Sync + 'static,
) {
    use std::os::unix::process::CommandExt;
    let say = move || {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        // A pipe takes so little whole or not at all (pipe(7)).
        rustix::io::write(&pipe, &announcement(own))?;
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called; these are two
    // plain system calls on memory of the stack, and nothing is allocated or locked.
    unsafe { command.pre_exec(say) };
}

/// From now on this process may write to its terminal, and give it away, from the background.
#[expect(unsafe_code, reason = "the standard library cannot ignore a signal")]
pub fn ignore_terminal_output_stop() {
    // SAFETY: SIG_IGN is no handler: nothing of this process runs when the signal comes.
    unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
}

/// Asks a process to end.
pub fn terminate(pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("that is no process id"))?;
    Ok(rustix::process::kill_process(
        pid,
        rustix::process::Signal::TERM,
    )?)
}

/// Whether somebody may be listening on a socket: a killed daemon leaves one that nobody listens
/// on. Waits for nothing, so that a daemon that is stuck counts as one that listens.
pub fn is_listened_on(path: &Path) -> bool {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let connected = match (socket, SocketAddrUnix::new(path)) {
        (Ok(socket), Ok(address)) => rustix::net::connect(&socket, &address),
        // Whoever connects is told why that cannot be.
        _ => return true,
    };
    let absent = [rustix::io::Errno::CONNREFUSED, rustix::io::Errno::NOENT];
    !connected.is_err_and(|error| absent.contains(&error))
}

/// A number that nobody can guess.
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .expect("the kernel gives eight random bytes at once once it has booted");
    u64::from_le_bytes(bytes)
}

/// The machine's id as its system keeps it (machine-id(5)), if it does.
pub fn machine_id() -> Option<String> {
    std::fs::read_to_string("/etc/machine-id").ok()
}

/// What the kernel drew when it booted (random(4)), from the file where it says so.
pub fn boot_id(file: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.trim().to_owned())
}

/// What the machine calls itself (uname(2)).
pub fn name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// Who runs what here, for people elsewhere: `frida@db1 (4711: make deploy)`.
pub fn own_description(words: &[std::ffi::OsString]) -> String {
    /// Enough to tell one command from another.
    const WORDS_CHARACTERS_MAX: usize = 60;
    let user = std::env::var("USER").unwrap_or_else(|_| user_id().to_string());
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words: String = words.join(" ").chars().take(WORDS_CHARACTERS_MAX).collect();
    let words = words.replace(char::is_control, " ");
    format!("{user}@{} ({}: {words})", name(), process::id())
}

/// The time by this machine's clock.
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Milliseconds since the epoch, by this machine's clock.
pub fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Nanoseconds since the machine booted, those counted in which it was suspended.
pub fn boot_time_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Bytes that an ordinary user may still write to the disk of `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Drops what the kernel has in memory of a file that was synced, so that it is read from the disk.
pub fn forget_cached(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(
        file,
        0,
        None,
        rustix::fs::Advice::DontNeed,
    )?)
}

/// Takes a directory for this process, by a lock file in it and by itself: the file may be taken
/// for a stale one and removed, which must let nobody else in. `None` if another one holds it.
pub fn lock_directory(directory: &Path, file: &str) -> io::Result<Option<DirectoryLock>> {
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(directory.join(file), flags, Mode::RUSR | Mode::WUSR)?;
    match rustix::fs::flock(&file, exclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, flags, Mode::empty())?;
    match rustix::fs::flock(&directory, exclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        // Network filesystems lock files only; then the file's lock is all there is.
        Ok(()) | Err(_) => Ok(Some(DirectoryLock {
            _held: [file.into(), directory.into()],
        })),
    }
}

/// Tells the service manager, if one started us, a state such as `READY=1` (sd_notify(3)).
pub fn notify_service_manager(state: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let socket = UnixDatagram::unbound()?;
    let bytes = address.as_encoded_bytes();
    match bytes.strip_prefix(b"@") {
        Some(name) => {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)?;
        }
        None => {
            socket.send_to(state.as_bytes(), Path::new(&address))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the environment of the process that is to panic.
    const PANICS: &str = "CORACLE_TEST_PANICS";
    /// No code that a test binary ends with by itself.
    const CODE: u8 = 41;

    #[test]
    fn panic_on_any_thread_is_told_and_ends_the_process_with_its_code() {
        if std::env::var_os(PANICS).is_some() {
            end_on_panic(CODE);
            let thread = std::thread::spawn(|| panic!("what was half done"));
            let _ = thread.join();
            process::exit(0);
        }
        let this = std::env::current_exe().expect("we run");
        let output = process::Command::new(this)
            .args([
                "adapter::host::tests::\
                 panic_on_any_thread_is_told_and_ends_the_process_with_its_code",
                "--exact",
                "--nocapture",
            ])
            .env(PANICS, "1")
            .output()
            .expect("starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(CODE.into()), "{told}");
        assert!(told.contains("what was half done"), "{told}");
    }

    #[test]
    fn socket_that_a_dead_daemon_left_is_not_listened_on() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("socket");
        assert!(!is_listened_on(&path));
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        assert!(is_listened_on(&path));
        drop(listener);
        assert!(path.exists() && !is_listened_on(&path));
    }
}
