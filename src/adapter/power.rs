//! The reboot of this machine: by logind, which ends services in order and asks those who hold it
//! up, or where there is no logind by the kernel.

use std::io;
use std::time::Duration;

use rustix::system::RebootCommand;
use tokio::time::timeout;
use zbus::Connection;
use zbus::connection::Builder;

/// For logind to answer; it does so when the reboot has begun.
const PATIENCE: Duration = Duration::from_secs(30);

const SERVICE: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";

/// What a bus says when nobody has a name on it, and nobody can be started who would.
const NOBODY: [&str; 4] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.systemd1.NoSuchUnit",
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
];

#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    #[error("logind refuses: {0}")]
    Refused(String),
    #[error("the kernel refuses: {0}")]
    Kernel(#[from] io::Error),
}

/// Why logind does nothing.
#[derive(Debug)]
enum Unheard {
    /// There is none.
    Absent,
    Refused(String),
}

/// Begins a reboot; returns when it has begun.
pub async fn reboot() -> Result<(), PowerError> {
    let bus = Builder::system().method_timeout(PATIENCE).build();
    let asked = match timeout(PATIENCE, bus).await {
        Ok(Ok(bus)) => by_logind(&bus).await,
        Ok(Err(_)) | Err(_) => Err(Unheard::Absent),
    };
    match asked {
        Ok(()) => Ok(()),
        Err(Unheard::Refused(why)) => Err(PowerError::Refused(why)),
        Err(Unheard::Absent) => Ok(by_kernel()?),
    }
}

/// Calls `Reboot` of org.freedesktop.login1(5), without anybody to be asked for a password.
async fn by_logind(bus: &Connection) -> Result<(), Unheard> {
    let interactive = false;
    let called = bus.call_method(Some(SERVICE), PATH, Some(INTERFACE), "Reboot", &interactive);
    match called.await {
        Ok(_) => Ok(()),
        Err(zbus::Error::MethodError(name, ..)) if NOBODY.contains(&name.as_str()) => {
            Err(Unheard::Absent)
        }
        Err(error) => Err(Unheard::Refused(error.to_string())),
    }
}

/// Reboots by the kernel, after what was written is on the disks. Services are not asked.
fn by_kernel() -> io::Result<()> {
    rustix::fs::sync();
    Ok(rustix::system::reboot(RebootCommand::Restart)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A logind that reboots nothing.
    struct Logind {
        asked: Arc<Mutex<Vec<bool>>>,
        refuses: bool,
    }

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl Logind {
        fn reboot(&self, interactive: bool) -> zbus::fdo::Result<()> {
            self.asked
                .lock()
                .expect("nobody panics with it")
                .push(interactive);
            match self.refuses {
                true => Err(zbus::fdo::Error::AccessDenied("a backup runs".to_owned())),
                false => Ok(()),
            }
        }
    }

    /// What comes of asking one that serves at `path`.
    async fn ask(path: &str, refuses: bool) -> (Result<(), Unheard>, Vec<bool>) {
        let (near, far) = UnixStream::pair().expect("a pair");
        let asked = Arc::default();
        let logind = Logind {
            asked: Arc::clone(&asked),
            refuses,
        };
        let guid = zbus::Guid::generate();
        let server = Builder::unix_stream(far)
            .server(guid)
            .p2p()
            .serve_at(path, logind);
        let client = Builder::unix_stream(near).p2p();
        let (server, client) = tokio::join!(server.build(), client.build());
        let _server = server.expect("serves");
        let answer = by_logind(&client.expect("connects")).await;
        let asked = asked.lock().expect("nobody panics with it").clone();
        (answer, asked)
    }

    #[tokio::test]
    async fn logind_is_asked_without_anybody_at_a_keyboard() {
        let (answer, asked) = ask(PATH, false).await;
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(asked, [false]);
    }

    #[tokio::test]
    async fn a_logind_that_says_no_is_not_passed_by() {
        let (answer, asked) = ask(PATH, true).await;
        let told = format!("{answer:?}");
        assert!(told.starts_with("Err(Refused(") && told.contains("a backup runs"));
        assert_eq!(asked, [false]);
        let (answer, _) = ask("/org/elsewhere", false).await;
        assert!(matches!(answer, Err(Unheard::Refused(_))), "{answer:?}");
    }
}
