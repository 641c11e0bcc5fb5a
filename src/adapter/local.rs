//! Where the daemon of this machine is reached by those who were told of no other.

use std::fs::File;
use std::path::PathBuf;

use crate::adapter::host;
use crate::adapter::tls::ClientFiles;
use crate::adapter::trust_folder::TrustFolder;
use crate::core::paths::{Surroundings, User};

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
