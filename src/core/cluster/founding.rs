//! Static forming: every founder is told of all founders, and each finds the same identities.
//!
//! Like etcd, ids are derived from the peer URLs and a token, so that no founder has to ask
//! another: the first eight bytes of a SHA-256. Another token makes other members, so that
//! machines which are used again cannot join their old cluster by mistake.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// The founders by name, with the URLs where the others reach each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Founders(pub BTreeMap<String, Vec<String>>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FoundersError {
    #[error("{0:?} names no founder: write NAME=http://ADDRESS:PORT, several with commas")]
    Form(String),
    #[error("{0} is the URL of two founders")]
    Shared(String),
}

impl Founders {
    /// Reads `NAME=URL` with commas between; a name with several URLs stands there several times.
    pub fn read(text: &str) -> Result<Self, FoundersError> {
        let mut founders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for part in text.split(',') {
            let bad = || FoundersError::Form(part.to_owned());
            let (name, url) = part.trim().split_once('=').ok_or_else(bad)?;
            let url = url.trim_end_matches('/');
            if name.is_empty() || !(url.starts_with("http://") || url.starts_with("https://")) {
                return Err(bad());
            }
            if founders.values().flatten().any(|known| known == url) {
                return Err(FoundersError::Shared(url.to_owned()));
            }
            founders
                .entry(name.to_owned())
                .or_default()
                .push(url.to_owned());
        }
        Ok(Self(founders))
    }

    /// The id of a founder.
    pub fn member_id(urls: &[String], token: &str) -> u64 {
        let mut urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        urls.sort_unstable();
        let parts = urls.into_iter().chain([token]);
        id(parts.map(str::as_bytes))
    }

    /// The id of the cluster that they found.
    pub fn cluster_id(&self, token: &str) -> u64 {
        let mut members: Vec<u64> = self.members(token).map(|(id, ..)| id).collect();
        members.sort_unstable();
        let members: Vec<[u8; 8]> = members.into_iter().map(u64::to_be_bytes).collect();
        let parts = members.iter().map(|id| id.as_slice());
        id(parts.chain([token.as_bytes()]))
    }

    /// The token of a cluster that begins with what a snapshot held: every founder that was given
    /// the same file, and the same revision to go on from, finds the same one, and it is not the
    /// token of the cluster that the snapshot was taken of.
    pub fn restored_token(token: &str, digest: &[u8], revision: i64, compacted: i64) -> String {
        use std::fmt::Write as _;
        let mut restored = format!("{token}/{revision}/{compacted}/");
        for byte in digest {
            write!(restored, "{byte:02x}").expect("a text takes any text");
        }
        restored
    }

    /// Id, name and URLs of each.
    pub fn members(&self, token: &str) -> impl Iterator<Item = (u64, &str, &[String])> {
        self.0
            .iter()
            .map(move |(name, urls)| (Self::member_id(urls, token), name.as_str(), urls.as_slice()))
    }
}

/// As it is read.
impl fmt::Display for Founders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().flat_map(|(name, urls)| {
            let one = move |url| format!("{name}={url}");
            urls.iter().map(one)
        });
        f.write_str(&each.collect::<Vec<_>>().join(","))
    }
}

/// Each part with its length, so that no two lists read alike. Zero is no id.
fn id<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let first = digest.first_chunk().expect("a SHA-256 has 32 bytes");
    u64::from_be_bytes(*first).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Founders {
        Founders::read(text).expect("founders")
    }

    #[test]
    fn all_founders_find_the_same_identities_in_any_order() {
        let one = read("a=http://h1:2380,b=http://h2:2380, c=http://h3:2380/");
        let other = read("c=http://h3:2380,a=http://h1:2380,b=http://h2:2380");
        assert_eq!(one, other);
        assert_eq!(read(&one.to_string()), one);
        assert_eq!(one.cluster_id("t"), other.cluster_id("t"));
        assert_ne!(one.cluster_id("t"), one.cluster_id("u"));
        let ids: Vec<u64> = one.members("t").map(|(id, ..)| id).collect();
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    #[test]
    fn a_restored_cluster_is_another_one_for_every_snapshot_and_revision() {
        let founders = read("a=http://h1:1,b=http://h2:1");
        let token = |digest: &[u8], revision| {
            let token = Founders::restored_token("t", digest, revision, -1);
            founders.cluster_id(&token)
        };
        let ids = [
            founders.cluster_id("t"),
            token(b"one", 5),
            token(b"one", 6),
            token(b"two", 5),
        ];
        assert_eq!(std::collections::BTreeSet::from(ids).len(), ids.len());
        assert_eq!(token(b"one", 5), token(b"one", 5));
    }

    #[test]
    fn a_founder_may_have_several_urls() {
        let founders = read("a=http://h1:1,a=http://h1:2,b=http://h2:1");
        assert_eq!(founders.0["a"], ["http://h1:1", "http://h1:2"]);
        let turned = read("a=http://h1:2,a=http://h1:1,b=http://h2:1");
        assert_eq!(founders.cluster_id("t"), turned.cluster_id("t"));
    }

    #[test]
    fn what_names_no_founder_is_refused() {
        for text in ["", "a", "=http://h:1", "a=h:1", "a=http://h:1,,"] {
            assert!(
                matches!(Founders::read(text), Err(FoundersError::Form(_))),
                "{text}"
            );
        }
        let shared = Founders::read("a=http://h:1,b=http://h:1/");
        assert_eq!(shared, Err(FoundersError::Shared("http://h:1".to_owned())));
    }
}
