//! Which changes of the members are allowed, and which are due.
//!
//! - A new member begins as a learner, which counts for nothing; it votes once it has caught up.
//!   So adding one can never cost the quorum, not even while another member is down.
//! - No change is allowed unless a majority of those who vote before it and a majority of those
//!   who vote after it are alive now: both are needed while it is made (joint consensus), and the
//!   latter from then on. What fails later is not our doing.
//! - A refusal has etcd's text for its clients and says in figures why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::kv::request::KvError;

/// Learners at a time: each costs the leader as much as a voter does. etcd allows one.
pub const LEARNERS_MAX: usize = 8;

/// A learner that is nearer than this to the leader's log has caught up; at full load it is some
/// tenths of a second.
pub const BEHIND_ENTRIES_MAX: u64 = 1_000;

/// One member as the leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub votes: bool,
    pub name: String,
    pub peer_urls: Vec<String>,
    /// Whether it has ever said where clients reach it.
    pub is_started: bool,
    /// Entries of the leader's log that it lacks; none: nothing is known of its log.
    pub behind: Option<u64>,
    /// Since it was last heard of.
    pub silent: Duration,
}

/// The members as the leader sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub leader: u64,
    pub members: BTreeMap<u64, Seen>,
    /// Who is silent for longer than this is not alive.
    pub silence_max: Duration,
}

/// What somebody wants changed. Asking again for what is done already is no error, as long as it
/// is the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The id is the asker's choice, so that the same request is known again.
    Add {
        id: u64,
        peer_urls: Vec<String>,
    },
    Remove {
        id: u64,
    },
    Update {
        id: u64,
        peer_urls: Vec<String>,
    },
    Promote {
        id: u64,
    },
}

/// As the log tells it: ids as people read them everywhere else.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { id, peer_urls } => write!(f, "add {id:x} at {}", peer_urls.join(",")),
            Self::Remove { id } => write!(f, "remove {id:x}"),
            Self::Update { id, peer_urls } => {
                write!(f, "{id:x} is at {} now", peer_urls.join(","))
            }
            Self::Promote { id } => write!(f, "promote {id:x}"),
        }
    }
}

/// One change of who votes, made as a whole: the promoted vote and the removed are gone, or
/// nothing has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    pub promote: BTreeSet<u64>,
    pub remove: BTreeSet<u64>,
}

/// Who goes when others come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Voters that are gone for longer make way; none: nobody does by himself.
    pub replace_after: Option<Duration>,
    /// Who makes way for whom, by the one that comes, as somebody asked for it.
    pub replacing: BTreeMap<u64, u64>,
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("no member has id {id:x}")]
    NotFound { id: u64 },
    #[error("{url} is the peer URL of member {by:x}")]
    UrlTaken { url: String, by: u64 },
    #[error("{0:?} is no peer URL: write http://ADDRESS:PORT")]
    BadUrl(String),
    #[error("a member needs a peer URL, and none is given")]
    NoUrl,
    #[error("member {id:x} votes already")]
    NotLearner { id: u64 },
    #[error("member {id:x} is {behind} entries behind; {BEHIND_ENTRIES_MAX} are allowed")]
    Behind { id: u64, behind: u64 },
    #[error("member {id:x} was never started, or has not been heard of since")]
    NeverHeard { id: u64 },
    #[error("there are {LEARNERS_MAX} learners, and no more are allowed: promote or remove one")]
    TooManyLearners,
    #[error("it is the last member that votes")]
    Last,
    #[error("of {voters} voters {started} were ever started afterwards, and {needed} are needed")]
    NotStarted {
        voters: usize,
        started: usize,
        needed: usize,
    },
    #[error("of {voters} voters {alive} would be alive afterwards, and {needed} are needed")]
    Unsafe {
        voters: usize,
        alive: usize,
        needed: usize,
    },
    #[error("of {voters} voters {alive} are alive, and {needed} are needed for a change")]
    NoQuorum {
        voters: usize,
        alive: usize,
        needed: usize,
    },
    #[error("member {id:x} cannot lead: it is {what}")]
    CannotLead { id: u64, what: String },
    #[error("member {id:x} cannot lead: it does not answer")]
    Silent { id: u64 },
}

impl Refusal {
    /// What etcd's clients know it as.
    pub fn error(&self) -> KvError {
        match self {
            Self::NotFound { .. } => KvError::MemberNotFound,
            Self::UrlTaken { .. } => KvError::PeerUrlExists,
            Self::BadUrl(_) | Self::NoUrl => KvError::MemberBadUrls,
            Self::NotLearner { .. } => KvError::MemberNotLearner,
            Self::Behind { .. } | Self::NeverHeard { .. } => KvError::LearnerNotReady,
            Self::TooManyLearners => KvError::TooManyLearners,
            Self::Last | Self::NotStarted { .. } => KvError::NotEnoughStarted,
            Self::Unsafe { .. } | Self::NoQuorum { .. } => KvError::Unhealthy,
            Self::CannotLead { .. } | Self::Silent { .. } => KvError::BadTransferee,
        }
    }

    /// Whether it is because somebody was not heard of, who may be at any moment.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unsafe { .. }
                | Self::NoQuorum { .. }
                | Self::NeverHeard { .. }
                | Self::Silent { .. }
        )
    }
}

impl Seen {
    /// Whether it has what it needs to vote.
    fn is_ready(&self, silence_max: Duration) -> bool {
        self.is_started
            && self.silent <= silence_max
            && self
                .behind
                .is_some_and(|behind| behind <= BEHIND_ENTRIES_MAX)
    }
}

impl Group {
    pub fn voters(&self) -> BTreeSet<u64> {
        let voters = self.members.iter().filter(|(_, seen)| seen.votes);
        voters.map(|(id, _)| *id).collect()
    }

    fn learners(&self) -> impl Iterator<Item = (u64, &Seen)> {
        let learners = self.members.iter().filter(|(_, seen)| !seen.votes);
        learners.map(|(id, seen)| (*id, seen))
    }

    fn is_alive(&self, id: u64) -> bool {
        let seen = self.members.get(&id);
        id == self.leader || seen.is_some_and(|seen| seen.silent <= self.silence_max)
    }

    /// Whether `change` is what there is already, because it was made before.
    pub fn has(&self, change: &Change) -> bool {
        match change {
            Change::Add { id, .. } => self.members.contains_key(id),
            Change::Remove { id } => !self.members.contains_key(id),
            Change::Update { id, peer_urls } => {
                let seen = self.members.get(id);
                seen.is_some_and(|seen| seen.peer_urls == *peer_urls)
            }
            Change::Promote { id } => self.members.get(id).is_some_and(|seen| seen.votes),
        }
    }

    /// Whether `change` may be made now.
    pub fn check(&self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Add { peer_urls, .. } => {
                self.check_urls(peer_urls, None)?;
                match self.learners().count() {
                    learners if learners >= LEARNERS_MAX => Err(Refusal::TooManyLearners),
                    _ => Ok(()),
                }
            }
            Change::Update { id, peer_urls } => {
                self.member(*id)?;
                self.check_urls(peer_urls, Some(*id))
            }
            Change::Remove { id } => match self.member(*id)?.votes {
                true => self.check_shift(&Shift::remove(*id)),
                false => Ok(()),
            },
            Change::Promote { id } => {
                let seen = self.member(*id)?;
                if seen.votes {
                    return Err(Refusal::NotLearner { id: *id });
                }
                if !seen.is_ready(self.silence_max) {
                    return Err(match seen.behind {
                        Some(behind) if behind > BEHIND_ENTRIES_MAX => {
                            Refusal::Behind { id: *id, behind }
                        }
                        _ => Refusal::NeverHeard { id: *id },
                    });
                }
                self.check_shift(&Shift::promote(*id))
            }
        }
    }

    /// Whether who votes may change so: neither before nor after it is a majority missing.
    pub fn check_shift(&self, shift: &Shift) -> Result<(), Refusal> {
        let before = self.voters();
        let (voters, alive, needed) = self.count(&before, |id| self.is_alive(id));
        if alive < needed {
            return Err(Refusal::NoQuorum {
                voters,
                alive,
                needed,
            });
        }
        let kept = before.difference(&shift.remove).copied();
        let after: BTreeSet<u64> = kept.chain(shift.promote.iter().copied()).collect();
        if after.is_empty() {
            return Err(Refusal::Last);
        }
        let is_started = |id| {
            let seen = self.members.get(&id);
            self.is_alive(id) || seen.is_some_and(|seen| seen.is_started)
        };
        let (voters, started, needed) = self.count(&after, is_started);
        if started < needed {
            return Err(Refusal::NotStarted {
                voters,
                started,
                needed,
            });
        }
        let (voters, alive, needed) = self.count(&after, |id| self.is_alive(id));
        match alive < needed {
            true => Err(Refusal::Unsafe {
                voters,
                alive,
                needed,
            }),
            false => Ok(()),
        }
    }

    /// Whether the leader may give its office to this member; to itself it may.
    pub fn check_successor(&self, id: u64) -> Result<(), Refusal> {
        let refused = |what: &str| {
            let what = what.to_owned();
            Err(Refusal::CannotLead { id, what })
        };
        match self.members.get(&id) {
            None => refused("no member"),
            Some(seen) if !seen.votes => refused("a learner"),
            Some(_) if !self.is_alive(id) => Err(Refusal::Silent { id }),
            Some(_) => Ok(()),
        }
    }

    /// The voters that are gone for longer than `replace_after`, the longest at the front. The
    /// machines that are to become members should be one more for each.
    pub fn overdue(&self, replace_after: Option<Duration>) -> Vec<u64> {
        let Some(patience) = replace_after else {
            return Vec::new();
        };
        let voters = self.members.iter().filter(|(id, seen)| {
            seen.votes && **id != self.leader && seen.silent > patience.max(self.silence_max)
        });
        let mut overdue: Vec<_> = voters.map(|(id, seen)| (seen.silent, *id)).collect();
        overdue.sort_unstable_by(|one, other| other.cmp(one));
        overdue.into_iter().map(|(_, id)| id).collect()
    }

    /// The learners that are gone for longer than `replace_after`: they will not catch up.
    pub fn lost(&self, replace_after: Option<Duration>) -> Vec<u64> {
        let Some(patience) = replace_after else {
            return Vec::new();
        };
        let lost = self.learners();
        let lost = lost.filter(|(_, seen)| seen.silent > patience.max(self.silence_max));
        lost.map(|(id, _)| id).collect()
    }

    /// The change of voters that is due: every learner that has caught up votes, and for each that
    /// does, the one that it replaces is taken out, or one of those that are gone for too long.
    pub fn due(&self, turnover: &Turnover) -> Option<Shift> {
        let ready = self
            .learners()
            .filter(|(_, seen)| seen.is_ready(self.silence_max));
        let promote: BTreeSet<u64> = ready.map(|(id, _)| id).collect();
        if promote.is_empty() {
            return None;
        }
        let voters = self.voters();
        let replaced = promote.iter().filter_map(|id| turnover.replacing.get(id));
        // The leader does not take itself out in passing.
        let goes = |id: &u64| voters.contains(id) && *id != self.leader;
        let mut remove: BTreeSet<u64> = replaced.copied().filter(goes).collect();
        for id in self.overdue(turnover.replace_after) {
            if remove.len() < promote.len() {
                remove.insert(id);
            }
        }
        let shift = Shift { promote, remove };
        self.check_shift(&shift).is_ok().then_some(shift)
    }

    /// How many there are, of how many it is true, and how many a majority is.
    fn count(&self, of: &BTreeSet<u64>, is: impl Fn(u64) -> bool) -> (usize, usize, usize) {
        let true_of = of.iter().filter(|id| is(**id)).count();
        (of.len(), true_of, of.len() / 2 + 1)
    }

    fn member(&self, id: u64) -> Result<&Seen, Refusal> {
        self.members.get(&id).ok_or(Refusal::NotFound { id })
    }

    fn check_urls(&self, urls: &[String], own: Option<u64>) -> Result<(), Refusal> {
        if urls.is_empty() {
            return Err(Refusal::NoUrl);
        }
        for url in urls {
            if !is_peer_url(url) {
                return Err(Refusal::BadUrl(url.clone()));
            }
            let others = self.members.iter().filter(|(id, _)| Some(**id) != own);
            let mut taken = others.filter(|(_, seen)| seen.peer_urls.contains(url));
            if let Some((by, _)) = taken.next() {
                let (url, by) = (url.clone(), *by);
                return Err(Refusal::UrlTaken { url, by });
            }
        }
        Ok(())
    }
}

impl Shift {
    pub fn promote(id: u64) -> Self {
        Self {
            promote: BTreeSet::from([id]),
            remove: BTreeSet::new(),
        }
    }

    pub fn remove(id: u64) -> Self {
        Self {
            promote: BTreeSet::new(),
            remove: BTreeSet::from([id]),
        }
    }
}

/// As etcd reads it: a scheme, a host, a port, and nothing behind.
fn is_peer_url(url: &str) -> bool {
    let place = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let parts = place.and_then(|place| place.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        let literal = host.starts_with('[') && host.ends_with(']');
        let plain = !host.contains([':', '/', '@', '?', '#', ' ']);
        !host.is_empty() && (literal || plain) && port.parse::<u16>().is_ok()
    })
}

#[cfg(test)]
mod tests;
