//! Where the daemon of this machine is reached by those who were told of no other.

use crate::adapter::host;
use crate::core::paths::{Surroundings, User};

/// Where a server listens when nobody says otherwise.
pub const SERVER: &str = "http://127.0.0.1:2379";

/// The socket of this machine's daemon if a daemon listens there, else the usual port: one that was
/// killed leaves its socket, and the next may be told to have none.
pub fn endpoint() -> String {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(Into::into)
    };
    let surroundings = Surroundings {
        user: User::of(host::user_id()),
        home: variable("HOME"),
        data_home: variable("XDG_DATA_HOME"),
        runtime_dir: variable("XDG_RUNTIME_DIR"),
    };
    let data_dir = surroundings.data_dir();
    let socket = data_dir.map(|data_dir| surroundings.socket(&data_dir));
    match socket.filter(|socket| host::is_listened_on(socket)) {
        Some(socket) => format!("unix://{}", socket.display()),
        None => SERVER.to_owned(),
    }
}
