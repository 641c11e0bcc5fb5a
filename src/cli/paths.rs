//! Where coracle keeps its data and its socket when nothing says otherwise.
//!
//! One place for the daemon and its clients, so that they meet without configuration. Pure: the
//! caller reads the user id and the environment.

use std::path::{Path, PathBuf};

const DATA_OF_ROOT: &str = "/var/lib/coracle";
const SOCKET_OF_ROOT: &str = "/run/coracle/coracle.sock";
const SOCKET_NAME: &str = "coracle.sock";

/// What the choice depends on.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The effective user id; 0 is root.
    pub user: u32,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`
    pub data_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<PathBuf>,
}

impl Surroundings {
    /// `/var/lib/coracle` for root, else `coracle` in the user's data directory.
    pub fn data_dir(&self) -> PathBuf {
        if self.user == 0 {
            return DATA_OF_ROOT.into();
        }
        let of_home = || self.home.as_ref().map(|home| home.join(".local/share"));
        self.data_home
            .clone()
            .or_else(of_home)
            .unwrap_or_default()
            .join("coracle")
    }

    /// `/run/coracle/coracle.sock` for root, else in `XDG_RUNTIME_DIR`, else in `data_dir`.
    pub fn socket(&self, data_dir: &Path) -> PathBuf {
        match &self.runtime_dir {
            _ if self.user == 0 => SOCKET_OF_ROOT.into(),
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
            runtime_dir: Some("/run/user/0".into()),
            ..Default::default()
        };
        assert_eq!(root.data_dir(), Path::new(DATA_OF_ROOT));
        assert_eq!(root.socket(&root.data_dir()), Path::new(SOCKET_OF_ROOT));
    }

    #[test]
    fn users_use_their_own_folders() {
        let mut user = Surroundings {
            user: 1000,
            home: Some("/home/u".into()),
            ..Default::default()
        };
        assert_eq!(user.data_dir(), Path::new("/home/u/.local/share/coracle"));
        assert_eq!(user.socket(Path::new("/d")), Path::new("/d/coracle.sock"));
        user.data_home = Some("/data".into());
        user.runtime_dir = Some("/run/user/1000".into());
        assert_eq!(user.data_dir(), Path::new("/data/coracle"));
        assert_eq!(
            user.socket(Path::new("/d")),
            Path::new("/run/user/1000/coracle.sock")
        );
    }
}
