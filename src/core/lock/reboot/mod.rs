//! Reboots of one machine: what is wanted, what must agree, and what is done about it, as values.
//!
//! [`Manager`] decides; who runs it looks, acts, and tells it what came of that.

mod manager;
#[cfg(test)]
mod model;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::core::lock::name::{Group, HolderId};
use crate::core::lock::window::Window;

pub use crate::core::lock::reboot::manager::Manager;

/// Where each machine says how its reboot is, by its id; bound to a lease of its daemon.
pub const PREFIX: &str = "/coracle/reboot/";
/// Where people and programs say that a machine is to reboot, by its id.
const WANTED_PREFIX: &str = "/coracle/lock/wanted/";

/// Rises when an older program would misread a record.
const LAYOUT: u32 = 1;

/// What a machine does when a reboot is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// It says so, and somebody else reboots it.
    #[default]
    Off,
    /// It reboots while it holds a place of its group's semaphore.
    Lock,
    /// It asks no other machine.
    Immediate,
    /// It reboots while a FleetLock server lets it.
    FleetLock,
}

/// What the decisions depend on that stays.
#[derive(Clone, Debug)]
pub struct Rules {
    pub strategy: Strategy,
    pub group: Group,
    pub windows: Vec<Window>,
    /// Of the windows that name none.
    pub zone: TimeZone,
    pub has_blockers: bool,
    /// How long what the blockers say counts.
    pub check_interval: Duration,
    /// How long people who are logged in are given; none: they are not asked.
    pub users_delay: Option<Duration>,
    /// How long the machine may take to be well after a reboot.
    pub health_deadline: Duration,
}

/// Somebody or something wants a reboot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// For people.
    pub by: String,
    /// Tells this want from an earlier one: what was there before a reboot is done by it.
    pub mark: String,
    pub urgency: Urgency,
}

/// What a want waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// For windows, blockers and people, and a place.
    #[default]
    Agreed,
    /// For a place only: a person is there who knows.
    Now,
}

/// A want as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWant {
    pub reason: String,
    pub since: Timestamp,
    #[serde(default)]
    pub urgency: Urgency,
}

/// Whether the place is held, as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    No,
    /// Nobody answers.
    Unknown,
}

/// The time: what the calendar says, and how long the machine is up. The calendar may jump, and
/// what is measured is measured by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub wall: Timestamp,
    pub up: Duration,
}

/// What is so now.
#[derive(Clone, Debug)]
pub struct Seen {
    pub wants: Vec<Want>,
    /// Whether these are all: nothing is missing because nobody answers yet.
    pub is_complete: bool,
    /// Of the place that the record names; no matter where it names none.
    pub place: Held,
    /// People who are logged in.
    pub users: usize,
}

/// What is to be done next. Before it is, the record is saved where it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until something changes, or for so long.
    Wait { at_most: Option<Duration> },
    /// [`Manager::blockers_said`].
    AskBlockers,
    /// Stand in line for the place; look again when it is held, or after so long.
    Queue { at_most: Option<Duration> },
    /// Tell people who are logged in.
    Warn,
    /// Let the machine's units go elsewhere: [`Manager::drained`].
    Drain,
    /// [`Manager::reboot_failed`], or nobody is there any more to be told.
    Reboot,
    /// [`Manager::health_said`].
    CheckHealth,
    /// Say in the semaphore why the place is kept: [`Manager::explained`].
    Explain(String),
    /// Leave the line, let units come again, and give the place back: [`Manager::gave_back`].
    GiveBack,
}

/// A place as it can be given back later, whatever the settings are then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Of the semaphore of this group.
    Group(String),
    /// Of a FleetLock server, whose group is the one of the settings.
    FleetLock,
}

/// How far a machine is; times are how long it was up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Phase {
    #[default]
    Idle,
    /// It stands in line for its place, and may have it already.
    Queued,
    /// The place is held, and everybody is asked once more.
    Held,
    Rebooting {
        since: Duration,
    },
    /// It came back; the place is held until it is well.
    Checking {
        since: Duration,
    },
    /// It is not well: the place is held until a person gives it back.
    Failed,
    /// The place is given back, for this reason.
    Returning {
        why: String,
    },
}

/// What must be known after a reboot, as it stands in the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    coracle_reboot: u32,
    /// The boot in which it was written.
    boot: String,
    pub phase: Phase,
    /// The place that is held or stood in line for.
    pub place: Option<Place>,
    /// What was wrong with the machine after a reboot since which nobody has seen it well.
    unwell: Option<String>,
    /// The wants that there are.
    wanted: BTreeSet<String>,
    /// The wants that an earlier boot had: they are done.
    done: BTreeSet<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    #[error("it has layout {0}, and this version has {LAYOUT}")]
    Layout(u32),
}

/// How a machine's reboot is, for people, as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub state: String,
    pub why: String,
    /// Whose places it takes.
    pub group: String,
    pub wanted_by: Vec<String>,
    /// Since when it is in this state.
    pub since: Timestamp,
    pub next_window: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no strategy: write off, lock, immediate or fleetlock")]
pub struct StrategyError(String);

/// The key under which a machine says how its reboot is.
pub fn key(machine: &HolderId) -> String {
    format!("{PREFIX}{machine}")
}

/// The key under which people say that a machine is to reboot.
pub fn wanted_key(machine: &HolderId) -> String {
    format!("{WANTED_PREFIX}{machine}")
}

impl Record {
    fn new(boot: &str) -> Self {
        Self {
            coracle_reboot: LAYOUT,
            boot: boot.to_owned(),
            phase: Phase::Idle,
            place: None,
            unwell: None,
            wanted: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and times encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(bytes)?;
        match record.coracle_reboot {
            LAYOUT => Ok(record),
            layout => Err(RecordError::Layout(layout)),
        }
    }

    /// Whether it says nothing that must be known later.
    pub fn is_blank(&self) -> bool {
        *self == Self::new(&self.boot)
    }

    /// Whether an earlier boot had this want.
    pub fn is_done(&self, mark: &str) -> bool {
        self.done.contains(mark)
    }

    /// The same machine in another boot: what was wanted is done.
    fn rebooted(&mut self, boot: &str, now: Now) {
        boot.clone_into(&mut self.boot);
        self.done = std::mem::take(&mut self.wanted);
        self.phase = match std::mem::take(&mut self.phase) {
            Phase::Idle => Phase::Idle,
            // Whoever rebooted it: it held a place, or may have, and is another system now.
            _ => Phase::Checking { since: now.up },
        };
    }
}

impl StoredWant {
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and times encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Shown {
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and times encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Strategy {
    pub const ALL: [Self; 4] = [Self::Off, Self::Lock, Self::Immediate, Self::FleetLock];

    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Lock => "lock",
            Self::Immediate => "immediate",
            Self::FleetLock => "fleetlock",
        }
    }
}

impl FromStr for Strategy {
    type Err = StrategyError;

    fn from_str(text: &str) -> Result<Self, StrategyError> {
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| StrategyError(text.to_owned()))
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
