//! Where coracle keeps its data and its socket when nothing says otherwise.
//!
//! One place for the daemon and its clients, so that they meet without configuration. Pure: the
//! caller reads the user id and the environment.

use std::path::{Path, PathBuf};

const DATA_OF_ROOT: &str = "/var/lib/coracle";
const SOCKET_OF_ROOT: &str = "/run/coracle/coracle.sock";
/// What the socket is called where it has no place of its own.
pub const SOCKET_NAME: &str = "coracle.sock";

/// The user that the defaults are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum User {
    Root,
    #[default]
    Ordinary,
}

/// What the choice depends on.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub user: User,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`
    pub data_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<PathBuf>,
}

impl User {
    pub fn of(uid: u32) -> Self {
        if uid == 0 { Self::Root } else { Self::Ordinary }
    }
}

impl Surroundings {
    /// `/var/lib/coracle` for root, else `coracle` in the user's data directory, if that is known.
    pub fn data_dir(&self) -> Option<PathBuf> {
        if self.user == User::Root {
            return Some(DATA_OF_ROOT.into());
        }
        let of_home = || self.home.as_ref().map(|home| home.join(".local/share"));
        let data_home = self.data_home.clone().or_else(of_home);
        data_home.map(|folder| folder.join("coracle"))
    }

    /// `/run/coracle/coracle.sock` for root, else in `XDG_RUNTIME_DIR`, else in `data_dir`.
    pub fn socket(&self, data_dir: &Path) -> PathBuf {
        match &self.runtime_dir {
            _ if self.user == User::Root => SOCKET_OF_ROOT.into(),
            Some(folder) => folder.join(SOCKET_NAME),
            None => data_dir.join(SOCKET_NAME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_uses_the_system_folders() {
        let root = Surroundings {
            user: User::Root,
            runtime_dir: Some("/run/user/0".into()),
            ..Default::default()
        };
        let data_dir = root.data_dir().expect("root's is known");
        assert_eq!(data_dir, Path::new(DATA_OF_ROOT));
        assert_eq!(root.socket(&data_dir), Path::new(SOCKET_OF_ROOT));
    }

    #[test]
    fn users_use_their_own_folders() {
        let mut user = Surroundings {
            user: User::of(1000),
            home: Some("/home/u".into()),
            ..Default::default()
        };
        assert_eq!(user.data_dir(), Some("/home/u/.local/share/coracle".into()));
        assert_eq!(user.socket(Path::new("/d")), Path::new("/d/coracle.sock"));
        user.data_home = Some("/data".into());
        user.runtime_dir = Some("/run/user/1000".into());
        assert_eq!(user.data_dir(), Some("/data/coracle".into()));
        assert_eq!(
            user.socket(Path::new("/d")),
            Path::new("/run/user/1000/coracle.sock")
        );
    }
}
