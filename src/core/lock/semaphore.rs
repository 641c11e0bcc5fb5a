//! The reboot semaphore of a group: so many places, and who holds one.
//!
//! - What is free is computed, never stored: a maximum below the holders makes nothing negative.
//! - Whoever holds a place and asks again holds it still, once, since when it did.
//! - Places go to those who wait in line first; who asks without waiting gets what they leave.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::lock::name::HolderId;

/// Places of a group that nobody has set.
const MAX: u32 = 1;

/// The document of a group, as it stands under its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Semaphore {
    pub max: u32,
    #[serde(default)]
    pub holders: Vec<Holder>,
}

/// Who holds a place, or waits for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub id: String,
    /// By its own clock, in whole seconds.
    pub since: Timestamp,
    #[serde(default)]
    pub reason: String,
    /// How it belongs to the cluster, if it is a machine that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeKind>,
}

/// By what one knows that a machine was removed from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// It joined: it stands among the nodes.
    Joined,
    /// It founded the cluster, and is this member, in hexadecimal.
    Member(String),
}

/// A group as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub semaphore: Semaphore,
    /// Who waits, first in line at the front.
    pub waiting: Vec<Holder>,
    /// Whether anybody has made the group.
    pub exists: bool,
}

/// How a place is held now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was taken.
    Now,
    /// It was held already.
    Before,
}

/// Nobody is given a place: all are held, or those that are free are for who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Default for Semaphore {
    fn default() -> Self {
        Self {
            max: MAX,
            holders: Vec::new(),
        }
    }
}

impl Holder {
    /// One who takes or waits for a place from `now` on.
    pub fn new(id: &HolderId, now: Timestamp, reason: &str) -> Self {
        Self {
            id: id.as_str().to_owned(),
            since: whole_second(now),
            reason: reason.to_owned(),
            node: None,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Semaphore {
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Places that nobody holds.
    pub fn free(&self) -> usize {
        let max = usize::try_from(self.max).unwrap_or(usize::MAX);
        max.saturating_sub(self.holders.len())
    }

    pub fn holder(&self, id: &str) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.id == id)
    }

    /// Gives `holder` a place, unless all that are free are wanted by the `ahead` who wait.
    pub fn take(&mut self, holder: Holder, ahead: usize) -> Result<Held, Full> {
        if self.holder(&holder.id).is_some() {
            return Ok(Held::Before);
        }
        if self.free() <= ahead {
            return Err(Full);
        }
        self.holders.push(holder);
        Ok(Held::Now)
    }

    /// Takes the place of `id` back; who held it.
    pub fn give_back(&mut self, id: &str) -> Option<Holder> {
        let at = self.holders.iter().position(|holder| holder.id == id)?;
        Some(self.holders.remove(at))
    }
}

/// A time as documents have it: what is below a second tells nobody anything.
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).expect("it is a part of a time")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("a time")
    }

    fn holder(id: &str) -> Holder {
        Holder::new(&id.parse().expect("a holder"), at(1_000), "")
    }

    #[test]
    fn take_twice_takes_one_place() {
        let mut semaphore = Semaphore::default();
        assert_eq!(semaphore.take(holder("a"), 0), Ok(Held::Now));
        assert_eq!(semaphore.take(holder("a"), 0), Ok(Held::Before));
        assert_eq!(semaphore.holders.len(), 1);
        assert_eq!(semaphore.take(holder("b"), 0), Err(Full));
    }

    #[test]
    fn who_waits_comes_before_who_does_not() {
        let mut semaphore = Semaphore {
            max: 2,
            ..Semaphore::default()
        };
        assert_eq!(semaphore.take(holder("late"), 2), Err(Full));
        assert_eq!(semaphore.take(holder("late"), 1), Ok(Held::Now));
    }

    #[test]
    fn a_maximum_below_the_holders_frees_none_until_it_is_reached() {
        let mut semaphore = Semaphore {
            max: 3,
            ..Semaphore::default()
        };
        for id in ["a", "b", "c"] {
            semaphore.take(holder(id), 0).expect("free");
        }
        semaphore.max = 1;
        assert_eq!(semaphore.free(), 0);
        assert_eq!(semaphore.give_back("a"), Some(holder("a")));
        assert_eq!(semaphore.give_back("a"), None);
        assert_eq!(semaphore.take(holder("d"), 0), Err(Full));
        semaphore.give_back("b");
        semaphore.give_back("c");
        assert_eq!(semaphore.take(holder("d"), 0), Ok(Held::Now));
    }

    #[test]
    fn the_document_is_the_one_of_the_design() {
        let mut semaphore = Semaphore::default();
        let id = "db1".parse().expect("a holder");
        let since = at(1_795_400_343_999);
        semaphore
            .take(Holder::new(&id, since, "kernel"), 0)
            .expect("free");
        let text = String::from_utf8(semaphore.encode()).expect("is text");
        let holder = r#"{"id":"db1","since":"2026-11-23T02:19:03Z","reason":"kernel"}"#;
        assert_eq!(text, format!(r#"{{"max":1,"holders":[{holder}]}}"#));
        assert_eq!(
            Semaphore::decode(text.as_bytes()).expect("reads"),
            semaphore
        );
        assert!(Semaphore::decode(br#"{"semaphore":1,"max":1,"holders":null}"#).is_err());
    }

    /// Whatever is asked in whatever order: no more holders than places at the time of each
    /// taking, each holder once, and nobody loses a place but by giving it back.
    #[test]
    fn any_order_of_requests_keeps_the_places() {
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut semaphore = Semaphore::default();
            let mut model: BTreeMap<String, ()> = BTreeMap::new();
            for _ in 0..200 {
                let id = format!("m{}", random.random_range(0..6));
                match random.random_range(0..5) {
                    0 => semaphore.max = random.random_range(0..5),
                    1 => {
                        let gone = semaphore.give_back(&id).is_some();
                        assert_eq!(gone, model.remove(&id).is_some(), "seed {seed}");
                    }
                    _ => {
                        let ahead = random.random_range(0..2);
                        let (before, max) = (model.len(), semaphore.max as usize);
                        let expected = match model.contains_key(&id) {
                            true => Ok(Held::Before),
                            false if before + ahead < max => Ok(Held::Now),
                            false => Err(Full),
                        };
                        assert_eq!(semaphore.take(holder(&id), ahead), expected, "seed {seed}");
                        if expected == Ok(Held::Now) {
                            model.insert(id, ());
                        }
                    }
                }
                let held: BTreeSet<&String> = semaphore.holders.iter().map(|it| &it.id).collect();
                assert_eq!(held.len(), semaphore.holders.len(), "seed {seed}");
                assert!(held.into_iter().eq(model.keys()), "seed {seed}");
            }
        }
    }
}
