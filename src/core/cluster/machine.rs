//! Machines: who they are, what is said of them, and where that stands in the store.
//!
//! A machine is known by its id for as long as it lives. Its data directory is known by the number
//! that it drew when it was made, and its running system by what the kernel drew when it booted:
//! only who has both alike is the same machine come back. Others under the same id are copies of
//! one another, or an earlier life that has lapsed soon.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where the machines that are up stand, each by its id and bound to its lease.
pub const PREFIX: &str = "/coracle/machine/";

/// How long a machine that says nothing counts as up, unless there are many.
const TTL_SECONDS_MIN: i64 = 5;
/// How often a machine says within that time that it is up: two may be lost.
pub const RENEWALS_PER_TTL: u32 = 3;
/// Of all machines together, about: what they cost the members is bounded, not how many they are.
/// One takes a millisecond of their processors in all, and so these a fortieth of one.
const RENEWALS_PER_SECOND_MAX: usize = 25;

/// As many as anybody can read, and few enough that a record stays a small value.
const PAIRS_MAX: usize = 64;
const KEY_BYTES_MAX: usize = 63;
const VALUE_BYTES_MAX: usize = 255;

/// How long each of so many `machines` counts as up when it says nothing, in seconds.
pub fn ttl_seconds(machines: usize) -> i64 {
    let renewals = machines.saturating_mul(RENEWALS_PER_TTL as usize);
    let seconds = renewals.div_ceil(RENEWALS_PER_SECOND_MAX);
    i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .max(TTL_SECONDS_MIN)
}

/// Whether a machine that counts as up for `ttl_seconds` should count as up for about `wanted`:
/// the record is not written anew for less than a factor of two.
pub fn is_far_from(ttl_seconds: i64, wanted: i64) -> bool {
    wanted > 2 * ttl_seconds || ttl_seconds > 2 * wanted
}

/// The id of a machine, as machine-id(5) has it: 32 lower-case hexadecimal digits, not all zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineId(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no machine id: it has 32 digits from 0 to 9 and a to f, not all of them 0")]
pub struct MachineIdError(pub String);

/// What is said of a machine: `region=eu,disk=ssd`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata(pub BTreeMap<String, String>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("{0:?} is no metadata: write KEY=VALUE, several with commas")]
    Form(String),
    #[error("the key {0:?} is set twice")]
    Twice(String),
    #[error("{0:?} is no key: write up to {KEY_BYTES_MAX} of a-z A-Z 0-9 . _ - /, such as region")]
    Key(String),
    #[error("the value of {0:?} is longer than {VALUE_BYTES_MAX} bytes or has control characters")]
    Value(String),
    #[error("there are {0} pairs: write {PAIRS_MAX} at most")]
    Many(usize),
}

/// What a machine does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It holds the log.
    Member,
    /// It passes what its clients ask on to the members.
    Worker,
}

/// What a machine that is up says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub id: MachineId,
    pub name: String,
    pub metadata: Metadata,
    pub peer_urls: Vec<String>,
    pub client_urls: Vec<String>,
    pub version: String,
    pub role: Role,
    /// Which member it is, in hexadecimal; none for a worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// What its data directory drew when it was made, in hexadecimal.
    pub directory: String,
    /// What the kernel drew when the machine booted.
    pub boot: String,
    /// Since when it does what it does, by its own clock; 0: an older program did not say.
    #[serde(default)]
    pub since_ms: u64,
}

/// Whether a machine may register under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody is there, or this machine before its daemon was started again.
    Free,
    /// Another machine registered under the id, or an earlier life, and has not lapsed.
    Held(Box<Machine>),
}

/// The key of a machine's record.
pub fn key(id: &MachineId) -> String {
    format!("{PREFIX}{id}")
}

impl Machine {
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and lists of texts encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// What stands under this machine's id, seen by this machine. What does not read says nothing
    /// of another machine: it is replaced.
    pub fn claim(&self, found: Option<&[u8]>) -> Claim {
        let same = |other: &Self| other.directory == self.directory && other.boot == self.boot;
        match found.map(Self::decode) {
            Some(Ok(other)) if !same(&other) => Claim::Held(Box::new(other)),
            _ => Claim::Free,
        }
    }
}

impl FromStr for MachineId {
    type Err = MachineIdError;

    fn from_str(text: &str) -> Result<Self, MachineIdError> {
        let text = text.trim();
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_one =
            text.len() == 32 && text.bytes().all(digits) && text.bytes().any(|digit| digit != b'0');
        match is_one {
            true => Ok(Self(text.to_owned())),
            false => Err(MachineIdError(text.to_owned())),
        }
    }
}

impl MachineId {
    /// An id from random bits, for a machine that has none.
    pub fn of_random(bits: u128) -> Self {
        Self(format!("{:032x}", bits.max(1)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MachineId {
    type Error = MachineIdError;

    fn try_from(text: String) -> Result<Self, MachineIdError> {
        text.parse()
    }
}

impl From<MachineId> for String {
    fn from(id: MachineId) -> Self {
        id.0
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Metadata {
    type Err = MetadataError;

    /// Reads `KEY=VALUE,…`; an empty text is no metadata.
    fn from_str(text: &str) -> Result<Self, MetadataError> {
        let mut pairs = BTreeMap::new();
        if text.trim().is_empty() {
            return Ok(Self(pairs));
        }
        for part in text.split(',') {
            let part = part.trim();
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| MetadataError::Form(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(MetadataError::Twice(key.to_owned()));
            }
        }
        let metadata = Self(pairs);
        metadata.check().map(|()| metadata)
    }
}

impl Metadata {
    /// Whether it is what [`FromStr`] could have read; for what came over the network.
    pub fn check(&self) -> Result<(), MetadataError> {
        if self.0.len() > PAIRS_MAX {
            return Err(MetadataError::Many(self.0.len()));
        }
        let in_key = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        for (key, value) in &self.0 {
            if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(in_key) {
                return Err(MetadataError::Key(key.clone()));
            }
            let fits = value.len() <= VALUE_BYTES_MAX && !value.contains(char::is_control);
            if !fits || value.contains(',') {
                return Err(MetadataError::Value(key.clone()));
            }
        }
        Ok(())
    }
}

/// As it is read.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().map(|(key, value)| format!("{key}={value}"));
        f.write_str(&pairs.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(directory: &str) -> Machine {
        Machine {
            id: "0123456789abcdef0123456789abcdef".parse().expect("an id"),
            name: "a".to_owned(),
            metadata: "region=eu".parse().expect("metadata"),
            peer_urls: vec!["http://127.0.0.1:2380".to_owned()],
            client_urls: Vec::new(),
            version: "0.1.0".to_owned(),
            role: Role::Worker,
            member: None,
            directory: directory.to_owned(),
            boot: "b1".to_owned(),
            since_ms: 7,
        }
    }

    #[test]
    fn all_machines_together_say_that_they_are_up_about_so_often() {
        assert_eq!([0, 1, 41].map(ttl_seconds), [5; 3]);
        assert_eq!([42, 50, 1000].map(ttl_seconds), [6, 6, 120]);
        assert!(!is_far_from(5, 10) && is_far_from(5, 11));
        assert!(!is_far_from(60, 30) && is_far_from(60, 29));
    }

    #[test]
    fn only_what_machine_id_5_has_is_an_id() {
        let long = "0123456789abcdef0123456789abcdef";
        assert!(format!("{long}\n").parse::<MachineId>().is_ok());
        assert!(
            MachineId::of_random(7)
                .as_str()
                .parse::<MachineId>()
                .is_ok()
        );
        let zero = "0".repeat(32);
        for text in ["", "0123", &long.to_uppercase(), "uninitialized", &zero] {
            let error = text.parse::<MachineId>().expect_err(text);
            assert!(error.to_string().contains("32 digits"), "{error}");
        }
    }

    #[test]
    fn metadata_reads_as_it_is_written() {
        let read: Metadata = " region = eu , disk=ssd,empty=".parse().expect("reads");
        assert_eq!(read.to_string(), "disk=ssd,empty=,region=eu");
        assert_eq!(read.to_string().parse(), Ok(read));
        assert_eq!("".parse(), Ok(Metadata::default()));
    }

    #[test]
    fn metadata_that_nobody_could_match_is_refused() {
        let read = |text: &str| text.parse::<Metadata>();
        assert_eq!(read("eu"), Err(MetadataError::Form("eu".to_owned())));
        assert_eq!(read("a=1,"), Err(MetadataError::Form(String::new())));
        assert_eq!(read("a=1,a=2"), Err(MetadataError::Twice("a".to_owned())));
        assert_eq!(read("=1"), Err(MetadataError::Key(String::new())));
        assert_eq!(read("a b=1"), Err(MetadataError::Key("a b".to_owned())));
        assert_eq!(read("a=\u{7}"), Err(MetadataError::Value("a".to_owned())));
        let many: Vec<String> = (0..65).map(|number| format!("k{number}=v")).collect();
        assert_eq!(read(&many.join(",")), Err(MetadataError::Many(65)));
    }

    #[test]
    fn a_record_is_plain_json() {
        let text = String::from_utf8(machine("d1").encode()).expect("is text");
        assert_eq!(
            text,
            r#"{"id":"0123456789abcdef0123456789abcdef","name":"a","metadata":{"region":"eu"},"#
                .to_owned()
                + r#""peer_urls":["http://127.0.0.1:2380"],"client_urls":[],"version":"0.1.0","#
                + r#""role":"worker","directory":"d1","boot":"b1","since_ms":7}"#
        );
        assert_eq!(
            Machine::decode(text.as_bytes()).expect("reads"),
            machine("d1")
        );
    }

    #[test]
    fn another_directory_or_another_boot_under_the_id_holds_it() {
        let (one, other) = (machine("d1"), machine("d2"));
        let mut copy = machine("d1");
        copy.boot = "b2".to_owned();
        assert!(matches!(one.claim(Some(&copy.encode())), Claim::Held(_)));
        assert_eq!(one.claim(None), Claim::Free);
        assert_eq!(one.claim(Some(&one.encode())), Claim::Free);
        assert_eq!(one.claim(Some(b"no JSON")), Claim::Free);
        let held = one.claim(Some(&other.encode()));
        assert_eq!(held, Claim::Held(Box::new(other)));
    }
}
