//! Places of a group's semaphore, taken, awaited and given back by guarded transactions.
//!
//! - Whoever waits has a key that is bound to a lease of its own, so that nobody waits behind the
//!   dead for longer than [`TTL_SECONDS`]; who comes back in time has its place in line still.
//! - Only the first in line looks at the semaphore, everybody else at the one before: a place that
//!   is given back wakes one.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use crate::adapter::rpc::inside::{AskError, Change, Found, Guard, Inside, Renewals};
use crate::core::lock::name::{Group, HolderId, NameError, REBOOT_PREFIX};
use crate::core::lock::semaphore::{Full, Held, Holder, Semaphore, Standing};

/// How long one who waits and says nothing keeps its place in line.
const TTL_SECONDS: i64 = 10;
/// Two renewals may be lost.
const RENEWAL: Duration = Duration::from_secs(3);
/// Before a cluster that does not answer is asked again.
const PAUSE: Duration = Duration::from_millis(300);
/// Changes by others that one change gives way to: each of theirs got through, so there is
/// progress, and nobody has so many machines at it at once.
const TRIES_MAX: usize = 100;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("what stands under {key:?} is no semaphore: {why}")]
    Damaged { key: String, why: String },
    #[error("others change it again and again")]
    Contended,
    #[error(transparent)]
    Name(#[from] NameError),
}

/// What was asked for a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Held(Held),
    Full(Standing),
}

/// The semaphore, its last change, and when it was looked at.
struct Seen {
    semaphore: Semaphore,
    mod_revision: i64,
    revision: i64,
}

/// One who waits in line.
pub(crate) struct Waiter {
    inside: Inside,
    group: Group,
    id: HolderId,
    holder: Holder,
    renewals: Renewals,
    lease: Option<i64>,
}

/// Every group that somebody has made.
pub(crate) async fn groups(inside: &Inside) -> Result<Vec<(Group, Standing)>, PlaceError> {
    let mut groups = Vec::new();
    for found in inside.list(REBOOT_PREFIX).await? {
        let name = found.key.strip_prefix(REBOOT_PREFIX).unwrap_or_default();
        // What somebody else put there is no group of ours.
        if let Ok(group) = name.parse::<Group>() {
            let standing = read(inside, &group).await?;
            groups.push((group, standing));
        }
    }
    groups.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(groups)
}

pub(crate) async fn read(inside: &Inside, group: &Group) -> Result<Standing, PlaceError> {
    let seen = look(inside, group).await?;
    let waiting = line(inside, group).await?;
    let decode = |found: &Found| Holder::decode(&found.value).ok();
    Ok(Standing {
        waiting: waiting.iter().filter_map(decode).collect(),
        exists: seen.mod_revision != 0,
        semaphore: seen.semaphore,
    })
}

/// Takes a place if one is free that nobody waits for.
pub(crate) async fn take(
    inside: &Inside,
    group: &Group,
    holder: &Holder,
) -> Result<Answer, PlaceError> {
    for _ in 0..TRIES_MAX {
        let mut seen = look(inside, group).await?;
        let waiting = line(inside, group).await?;
        let others = waiting
            .iter()
            .filter(|found| !is_of(found, group, &holder.id));
        match seen.semaphore.take(holder.clone(), others.count()) {
            Ok(Held::Before) => return Ok(Answer::Held(Held::Before)),
            Ok(Held::Now) if write(inside, group, &seen, &[], Vec::new()).await? => {
                return Ok(Answer::Held(Held::Now));
            }
            Ok(Held::Now) => {}
            Err(Full) => return Ok(Answer::Full(read(inside, group).await?)),
        }
    }
    Err(PlaceError::Contended)
}

/// Gives the place of `id` back; who held it, if somebody did.
pub(crate) async fn give_back(
    inside: &Inside,
    group: &Group,
    id: &str,
) -> Result<Option<Holder>, PlaceError> {
    for _ in 0..TRIES_MAX {
        let mut seen = look(inside, group).await?;
        let Some(holder) = seen.semaphore.give_back(id) else {
            return Ok(None);
        };
        if write(inside, group, &seen, &[], Vec::new()).await? {
            return Ok(Some(holder));
        }
    }
    Err(PlaceError::Contended)
}

/// Says anew why `id` holds its place; whether it does.
pub(crate) async fn explain(
    inside: &Inside,
    group: &Group,
    id: &str,
    reason: &str,
) -> Result<bool, PlaceError> {
    for _ in 0..TRIES_MAX {
        let mut seen = look(inside, group).await?;
        let mut holders = seen.semaphore.holders.iter_mut();
        let Some(holder) = holders.find(|holder| holder.id == id) else {
            return Ok(false);
        };
        reason.clone_into(&mut holder.reason);
        if write(inside, group, &seen, &[], Vec::new()).await? {
            return Ok(true);
        }
    }
    Err(PlaceError::Contended)
}

/// Sets how many may hold a place at a time; how many it was.
pub(crate) async fn set_max(inside: &Inside, group: &Group, max: u32) -> Result<u32, PlaceError> {
    for _ in 0..TRIES_MAX {
        let mut seen = look(inside, group).await?;
        let before = std::mem::replace(&mut seen.semaphore.max, max);
        if write(inside, group, &seen, &[], Vec::new()).await? {
            return Ok(before);
        }
    }
    Err(PlaceError::Contended)
}

async fn look(inside: &Inside, group: &Group) -> Result<Seen, PlaceError> {
    let (found, revision) = inside.look(&group.key()).await?;
    let semaphore = match &found {
        Some(found) => Semaphore::decode(&found.value).map_err(|error| PlaceError::Damaged {
            key: group.key(),
            why: error.to_string(),
        })?,
        None => Semaphore::default(),
    };
    Ok(Seen {
        semaphore,
        mod_revision: found.map_or(0, |found| found.mod_revision),
        revision,
    })
}

/// Those who wait, first in line at the front.
async fn line(inside: &Inside, group: &Group) -> Result<Vec<Found>, AskError> {
    inside.list(&group.waiting()).await
}

fn is_of(found: &Found, group: &Group, id: &str) -> bool {
    found.key.strip_prefix(&group.waiting()) == Some(id)
}

/// Writes the semaphore unless somebody changed it since it was seen, and what goes with it.
async fn write(
    inside: &Inside,
    group: &Group,
    seen: &Seen,
    guards: &[Guard],
    mut changes: Vec<Change>,
) -> Result<bool, AskError> {
    let own = Guard {
        key: group.key(),
        mod_revision: seen.mod_revision,
    };
    let guards: Vec<Guard> = [own].into_iter().chain(guards.iter().cloned()).collect();
    changes.push(Change::Put {
        key: group.key(),
        value: seen.semaphore.encode(),
        lease: 0,
    });
    inside.change(&guards, changes).await
}

impl Waiter {
    pub(crate) fn new(inside: &Inside, group: &Group, holder: Holder) -> Result<Self, PlaceError> {
        Ok(Self {
            renewals: inside.renewals(),
            inside: inside.clone(),
            group: group.clone(),
            id: holder.id.parse()?,
            holder,
            lease: None,
        })
    }

    /// Waits until a place is held. May be dropped and asked again: the place in line stays for as
    /// long as the lease, and ends with [`Self::leave`].
    pub(crate) async fn wait(&mut self) -> Result<Held, PlaceError> {
        loop {
            match self.step().await {
                Ok(Some(held)) => return Ok(held),
                Ok(None) => {}
                Err(PlaceError::Ask(AskError::NoLease)) => self.lease = None,
                Err(PlaceError::Ask(AskError::Late(_) | AskError::Unavailable(_))) => {
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the place in line up.
    pub(crate) async fn leave(mut self) {
        if let Some(lease) = self.lease.take() {
            // If nobody answers, the lease ends by itself.
            let _ = self.inside.revoke(lease).await;
        }
    }

    /// One look at the line, and what it asks for: a place that is held now, or a wait.
    async fn step(&mut self) -> Result<Option<Held>, PlaceError> {
        let lease = self.hold_lease().await?;
        let mut seen = look(&self.inside, &self.group).await?;
        if seen.semaphore.holder(&self.holder.id).is_some() {
            return Ok(Some(Held::Before));
        }
        let line = line(&self.inside, &self.group).await?;
        let Some(at) = line
            .iter()
            .position(|found| is_of(found, &self.group, &self.holder.id))
        else {
            self.join(lease).await?;
            return Ok(None);
        };
        if let Some(before) = at.checked_sub(1).and_then(|at| line.get(at)) {
            let (key, revision) = (before.key.clone(), seen.revision.max(before.mod_revision));
            self.until_changed(&key, revision).await?;
            return Ok(None);
        }
        let mine = Guard {
            key: line[at].key.clone(),
            mod_revision: line[at].mod_revision,
        };
        if seen.semaphore.take(self.holder.clone(), 0).is_err() {
            let (key, revision) = (self.group.key(), seen.revision);
            self.until_changed(&key, revision).await?;
            return Ok(None);
        }
        let leaving = Change::Delete {
            key: mine.key.clone(),
        };
        let is_taken = write(&self.inside, &self.group, &seen, &[mine], vec![leaving]).await?;
        Ok(is_taken.then_some(Held::Now))
    }

    /// Steps into the line, at its end; the same machine's earlier place is taken over.
    async fn join(&self, lease: i64) -> Result<(), AskError> {
        let change = Change::Put {
            key: self.group.waiting_key(&self.id),
            value: self.holder.encode(),
            lease,
        };
        self.inside.change(&[], vec![change]).await.map(drop)
    }

    async fn hold_lease(&mut self) -> Result<i64, AskError> {
        match self.lease {
            Some(lease) => Ok(lease),
            None => {
                let lease = self.inside.grant(TTL_SECONDS).await?;
                self.lease = Some(lease);
                // A place in line that an earlier life of ours has left would end with its lease.
                self.join(lease).await?;
                Ok(lease)
            }
        }
    }

    /// Waits for a change of `key` after `revision`, and keeps the lease meanwhile.
    async fn until_changed(&mut self, key: &str, revision: i64) -> Result<(), AskError> {
        let inside = self.inside.clone();
        let mut changed = pin!(inside.changed(key, revision));
        loop {
            tokio::select! {
                done = &mut changed => return done,
                () = sleep(RENEWAL) => self.renew().await?,
            }
        }
    }

    async fn renew(&mut self) -> Result<(), AskError> {
        match self.lease {
            Some(lease) => self.renewals.renew(lease).await,
            None => Ok(()),
        }
    }
}
