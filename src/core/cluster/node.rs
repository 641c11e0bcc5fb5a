//! Nodes: the machines that have joined, and whether one that asks may join.
//!
//! A node that asks again gets the same answer: it may have crashed before it wrote the first one
//! down.

use serde::{Deserialize, Serialize};

use crate::core::cluster::machine::{Machine, MachineId};
use crate::core::cluster::seat::Seat;

/// Where the machines that joined stand, each by its id; they need not be up.
pub const PREFIX: &str = "/coracle/cluster/node/";

/// Where the certificate of the cluster's authority stands, if it has one.
pub const AUTHORITY_KEY: &str = "/coracle/cluster/authority";

/// What the cluster knows of a machine that joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub id: MachineId,
    pub name: String,
    /// What its data directory drew when it was made.
    pub directory: String,
    /// The token by which it joined.
    pub token: String,
}

/// How a machine is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It joins now, which is a use of its token.
    New,
    /// It has joined before.
    Again,
}

/// Why a machine is not let in, whatever its token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "machine {id} is up already, under the name {name:?} and with another data directory: two \
         machines have the same id"
    )]
    Duplicate { id: MachineId, name: String },
    #[error(
        "machine {id} is member {member:x}, and the data directory from which it asks holds \
         nothing of it"
    )]
    LostMember { id: MachineId, member: u64 },
}

/// The key of a machine that joined.
pub fn key(id: &MachineId) -> String {
    format!("{PREFIX}{id}")
}

impl Node {
    /// Decides about this machine, which asks now, from what stands under its id.
    pub fn admit(
        &self,
        joined: Option<&Self>,
        up: Option<&Machine>,
        seat: Option<&Seat>,
    ) -> Result<Admission, Refusal> {
        let id = || self.id.clone();
        if let Some(up) = up.filter(|up| up.directory != self.directory) {
            let name = up.name.clone();
            return Err(Refusal::Duplicate { id: id(), name });
        }
        if joined.is_some_and(|joined| joined.directory == self.directory) {
            return Ok(Admission::Again);
        }
        // A seat that nobody took is for this machine, whatever its directory.
        match seat
            .filter(|seat| seat.was_taken())
            .and_then(Seat::member_id)
        {
            Some(member) => Err(Refusal::LostMember { id: id(), member }),
            None => Ok(Admission::New),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::{Metadata, Role};
    use crate::core::cluster::seat::Progress;

    fn node(directory: &str) -> Node {
        Node {
            id: MachineId::of_random(7),
            name: "a".to_owned(),
            directory: directory.to_owned(),
            token: "t".to_owned(),
        }
    }

    fn taken() -> Seat {
        Seat::offer(1, 5, None).at(Progress::Started)
    }

    fn up(directory: &str) -> Machine {
        Machine {
            id: MachineId::of_random(7),
            name: "first".to_owned(),
            metadata: Metadata::default(),
            peer_urls: Vec::new(),
            client_urls: Vec::new(),
            version: String::new(),
            role: Role::Worker,
            member: None,
            directory: directory.to_owned(),
            boot: String::new(),
            since_ms: 0,
        }
    }

    #[test]
    fn a_machine_joins_once_and_may_ask_again() {
        let asks = node("d1");
        assert_eq!(asks.admit(None, None, None), Ok(Admission::New));
        let seat = taken();
        let again = asks.admit(Some(&node("d1")), Some(&up("d1")), Some(&seat));
        assert_eq!(again, Ok(Admission::Again));
    }

    #[test]
    fn another_machine_under_the_id_of_one_that_is_up_is_refused() {
        let refused = node("d2").admit(Some(&node("d1")), Some(&up("d1")), None);
        let told = refused.expect_err("is refused").to_string();
        assert!(
            told.contains("\"first\"") && told.contains("same id"),
            "{told}"
        );
    }

    #[test]
    fn a_worker_that_was_wiped_joins_anew_and_a_member_does_not() {
        let wiped = node("d2");
        let joined = node("d1");
        assert_eq!(wiped.admit(Some(&joined), None, None), Ok(Admission::New));
        let retired = wiped.admit(Some(&joined), None, Some(&Seat::Worker));
        assert_eq!(retired, Ok(Admission::New));
        let member = wiped.admit(Some(&joined), None, Some(&taken()));
        assert!(matches!(member, Err(Refusal::LostMember { member: 5, .. })));
        let offered = Seat::offer(1, 5, None).at(Progress::Added);
        let new = wiped.admit(Some(&joined), None, Some(&offered));
        assert_eq!(new, Ok(Admission::New));
    }
}
