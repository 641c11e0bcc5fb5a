//! What groups of machines, holders and locks may be called, and the keys that they stand under.

use std::fmt;
use std::str::FromStr;

/// The group of those who do not say which.
pub const DEFAULT_GROUP: &str = "default";

/// Where the semaphores stand, each by its group.
pub const REBOOT_PREFIX: &str = "/coracle/lock/reboot/";
/// Where those wait in line who want a place: a folder for each group.
const WAITING_PREFIX: &str = "/coracle/lock/waiting/reboot/";

/// Where those stand who hold a script's lock or wait for it: a folder for each lock.
pub const NAMED_PREFIX: &str = "/coracle/lock/named/";
/// Where it stands who did what only one is to do.
const ONCE_PREFIX: &str = "/coracle/lock/once/";

/// As long as a DNS name: for groups, holders and locks.
const NAME_BYTES_MAX: usize = 253;

/// A group of machines that share a semaphore, as FleetLock names them: `[a-zA-Z0-9.-]+`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(String);

/// Who holds a place: a machine by its id, or whatever a person or a FleetLock client says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HolderId(String);

/// A lock for scripts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{0:?} is no group: write up to {NAME_BYTES_MAX} of a-z A-Z 0-9 . -, such as db")]
    Group(String),
    #[error(
        "{0:?} is no holder: write up to {NAME_BYTES_MAX} bytes without slashes and control \
         characters"
    )]
    Holder(String),
    #[error(
        "{0:?} is no lock: write up to {NAME_BYTES_MAX} of a-z A-Z 0-9 . _ : -, such as deploy:web"
    )]
    Lock(String),
}

impl LockName {
    /// The folder of those who hold it or wait for it.
    pub fn folder(&self) -> String {
        format!("{NAMED_PREFIX}{self}/")
    }

    /// The key of the one who has this lease.
    pub fn key(&self, lease: i64) -> String {
        format!("{NAMED_PREFIX}{self}/{lease:016x}")
    }

    /// Where it stands who did what is to be done once.
    pub fn once_key(&self) -> String {
        format!("{ONCE_PREFIX}{self}")
    }

    /// The lock that a key in one of the folders is of.
    pub fn of_key(key: &str) -> Option<Self> {
        let (name, _) = key.strip_prefix(NAMED_PREFIX)?.split_once('/')?;
        name.parse().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LockName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        match is_short(text) && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Lock(text.to_owned())),
        }
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Group {
    /// The key of its semaphore.
    pub fn key(&self) -> String {
        format!("{REBOOT_PREFIX}{self}")
    }

    /// The folder of those who wait for a place.
    pub fn waiting(&self) -> String {
        format!("{WAITING_PREFIX}{self}/")
    }

    /// The key of one who waits.
    pub fn waiting_key(&self, id: &HolderId) -> String {
        format!("{WAITING_PREFIX}{self}/{id}")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Group {
    fn default() -> Self {
        Self(DEFAULT_GROUP.to_owned())
    }
}

impl FromStr for Group {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        match is_short(text) && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Group(text.to_owned())),
        }
    }
}

impl FromStr for HolderId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_odd = |character: char| character.is_control() || character == '/';
        match is_short(text) && !text.contains(is_odd) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Holder(text.to_owned())),
        }
    }
}

fn is_short(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
}

impl HolderId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_what_fleetlock_calls_one() {
        for text in ["default", "db.eu-1", "0"] {
            assert!(text.parse::<Group>().is_ok(), "{text}");
        }
        for text in ["", "a b", "a/b", "grün", "a_b", &"x".repeat(254)] {
            let error = text.parse::<Group>().expect_err(text);
            assert!(error.to_string().contains("such as db"), "{error}");
        }
    }

    #[test]
    fn a_holder_is_any_text_that_fits_a_key() {
        for text in ["69d27b356a94476da859461d3a3bc6fd", "Frida's laptop", "grün"] {
            assert!(text.parse::<HolderId>().is_ok(), "{text}");
        }
        for text in ["", "a/b", "a\nb", &"x".repeat(254)] {
            assert!(text.parse::<HolderId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_lock_is_found_by_its_keys_again() {
        let name: LockName = "deploy:web".parse().expect("a lock");
        assert_eq!(LockName::of_key(&name.key(0xab)), Some(name.clone()));
        assert!(name.key(0xab).starts_with(&name.folder()));
        assert_eq!(LockName::of_key(&name.once_key()), None);
        for text in ["", "a/b", "a b"] {
            let error = text.parse::<LockName>().expect_err(text);
            assert!(error.to_string().contains("deploy:web"), "{error}");
        }
    }

    #[test]
    fn keys_are_those_of_the_design() {
        let group: Group = "db".parse().expect("a group");
        assert_eq!(group.key(), "/coracle/lock/reboot/db");
        let id = "m1".parse().expect("a holder");
        assert_eq!(group.waiting_key(&id), "/coracle/lock/waiting/reboot/db/m1");
        assert!(group.waiting_key(&id).starts_with(&group.waiting()));
    }
}
