//! The reboot of this machine: by logind, which ends services in order and asks those who hold it
//! up, or where there is no logind by the kernel.

use std::io;
use std::time::Duration;

use rustix::system::RebootCommand;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::names::ErrorName;
use zbus::{Connection, DBusError};

/// For logind to answer; it does so when the reboot has begun.
const PATIENCE: Duration = Duration::from_secs(30);

const SERVICE: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const INTERFACE: &str = "org.freedesktop.login1.Manager";

/// What a bus says when nobody has a name on it, and nobody can be started who would.
const NOBODY: [&str; 4] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
    "org.freedesktop.systemd1.NoSuchUnit",
];

/// What is said when the machine may go down all the same: it does so already, or nobody was there
/// any more to answer.
const BEGUN: [&str; 5] = [
    "org.freedesktop.login1.OperationInProgress",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.TimedOut",
    "org.freedesktop.DBus.Error.Timeout",
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
    let Err(error) = called.await else {
        return Ok(());
    };
    match refusal(&error) {
        Some(name) if NOBODY.contains(&name.as_str()) => Err(Unheard::Absent),
        Some(name) if !BEGUN.contains(&name.as_str()) => Err(Unheard::Refused(error.to_string())),
        // No answer says that it will not.
        _ => Ok(()),
    }
}

/// The name of what was answered, if anything was.
fn refusal(error: &zbus::Error) -> Option<ErrorName<'_>> {
    match error {
        zbus::Error::MethodError(name, ..) => Some(name.inner().clone()),
        zbus::Error::FDO(error) => Some(error.name()),
        _ => None,
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

    use zbus::fdo;

    use super::*;

    /// A logind that reboots nothing, and what it answers.
    struct Logind {
        asked: Arc<Mutex<Vec<bool>>>,
        answer: Answer,
    }

    type Answer = fn() -> fdo::Result<()>;

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl Logind {
        fn reboot(&self, interactive: bool) -> fdo::Result<()> {
            let mut asked = self.asked.lock().expect("nobody panics with it");
            asked.push(interactive);
            (self.answer)()
        }
    }

    /// What comes of asking one, which was asked once.
    async fn ask(answer: Answer) -> Result<(), Unheard> {
        let (near, far) = UnixStream::pair().expect("a pair");
        let asked = Arc::default();
        let logind = Logind {
            asked: Arc::clone(&asked),
            answer,
        };
        let guid = zbus::Guid::generate();
        let server = Builder::unix_stream(far)
            .server(guid)
            .p2p()
            .serve_at(PATH, logind);
        let client = Builder::unix_stream(near).p2p();
        let (server, client) = tokio::join!(server.build(), client.build());
        let _server = server.expect("serves");
        let came = by_logind(&client.expect("connects")).await;
        assert_eq!(*asked.lock().expect("nobody panics with it"), [false]);
        came
    }

    #[tokio::test]
    async fn logind_is_asked_without_anybody_at_a_keyboard() {
        let came = ask(|| Ok(())).await;
        assert!(came.is_ok(), "{came:?}");
    }

    #[tokio::test]
    async fn a_logind_that_says_no_is_not_passed_by() {
        let came = ask(|| Err(fdo::Error::AccessDenied("a backup runs".to_owned()))).await;
        let told = format!("{came:?}");
        assert!(
            told.starts_with("Err(Refused(") && told.contains("a backup runs"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn where_nobody_answers_to_that_name_there_is_none() {
        let came = ask(|| Err(fdo::Error::ServiceUnknown("login1".to_owned()))).await;
        assert!(matches!(came, Err(Unheard::Absent)), "{came:?}");
    }

    #[tokio::test]
    async fn a_logind_that_ends_meanwhile_has_begun() {
        let came = ask(|| Err(fdo::Error::NoReply("it is gone".to_owned()))).await;
        assert!(came.is_ok(), "{came:?}");
    }
}
