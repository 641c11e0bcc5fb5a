//! Where the daemon of this machine is reached by those who were told of no other.

use std::fs::File;
use std::path::PathBuf;

use crate::adapter::tls::ClientFiles;
use crate::adapter::trust_folder::TrustFolder;
use crate::adapter::{disk, host};
use crate::core::paths::{Surroundings, User};

/// The file in a data directory that says which machine it is on, of a few lines.
pub const MACHINE: &str = "machine";
pub const MACHINE_BYTES_MAX: u64 = 1 << 20;

/// Where a server listens when nobody says otherwise.
pub const SERVER: &str = "http://127.0.0.1:2379";

/// The socket of this machine's daemon if a daemon listens there, else the usual port: one that was
/// killed leaves its socket, and the next may be told to have none.
pub fn endpoint() -> String {
    let surroundings = surroundings();
    let data_dir = surroundings.data_dir();
    let socket = data_dir.map(|data_dir| surroundings.socket(&data_dir));
    match socket.filter(|socket| host::is_listened_on(socket)) {
        Some(socket) => format!("unix://{}", socket.display()),
        None => SERVER.to_owned(),
    }
}

/// Where this user's daemon keeps its data when nobody says otherwise; none where no home is known.
pub fn data_dir() -> Option<PathBuf> {
    surroundings().data_dir()
}

/// The id of this machine: its system's, or else what this user's daemon drew for it.
pub fn machine_id() -> Option<String> {
    let of_system = host::machine_id().map(|text| text.trim().to_owned());
    of_system.filter(|id| !id.is_empty()).or_else(|| {
        let bytes = disk::read(&data_dir()?.join(MACHINE), MACHINE_BYTES_MAX).ok()?;
        let file: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        file.get("id")?.as_str().map(str::to_owned)
    })
}

/// The certificates of this machine's own node, if this user may use them.
pub fn trust() -> Option<ClientFiles> {
    let files = TrustFolder::of(&data_dir()?).client();
    let (_, key) = files.identity.as_ref()?;
    let is_usable = File::open(key).is_ok() && files.authorities.as_ref()?.exists();
    is_usable.then_some(files)
}

fn surroundings() -> Surroundings {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(Into::into)
    };
    Surroundings {
        user: User::of(host::user_id()),
        home: variable("HOME"),
        data_home: variable("XDG_DATA_HOME"),
        runtime_dir: variable("XDG_RUNTIME_DIR"),
    }
}
