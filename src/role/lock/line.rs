//! A script's lock, from the first step into its line until it is let go.
//!
//! The lease that the key is bound to is renewed all the while, by a task of its own. Nobody but
//! the clock of this machine says until when that holds: an answer only tells that the renewal that
//! was asked for at a known time was heard.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Found, Guard, Inside};
use crate::core::lock::name::LockName;
use crate::core::lock::semaphore::whole_second;
use crate::core::lock::turn::{Entry, Term, Ticket, Turn, turn};

/// Before a cluster that does not answer is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// For a cluster that never answered: a change of the leader takes less. One that has answered is
/// waited for as long as the lock.
const STRANGER: Duration = Duration::from_secs(5);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("its holders let {theirs} hold it at a time, and this wants {ours}")]
    Slots { theirs: u32, ours: u32 },
}

/// Whoever wants a lock, and later holds it.
pub(crate) struct Claim {
    inside: Inside,
    name: LockName,
    ticket: Ticket,
    term: Term,
    place: Option<Place>,
}

/// A key in line, and the lease that it is bound to.
struct Place {
    lease: i64,
    key: String,
    fence: i64,
    /// When the last renewal that was heard was asked for, in nanoseconds since the boot; none: the
    /// lease has ended.
    renewed_ns: watch::Receiver<Option<u64>>,
    /// Ended with the place.
    tasks: Vec<AbortHandle>,
}

/// A key as it must stand for its owner to hold what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Stand {
    pub(crate) key: String,
    pub(crate) fence: i64,
}

/// A lock that is held.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) stand: Stand,
    /// At which it was seen to be held.
    pub(crate) revision: i64,
    pub(crate) renewed_ns: watch::Receiver<Option<u64>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Everybody in the line of a lock, the first at the front.
pub(crate) async fn entries(inside: &Inside, folder: &str) -> Result<Vec<Entry>, AskError> {
    let found = inside.list(folder).await?;
    Ok(found.into_iter().map(entry).collect())
}

/// What somebody else wrote there stands in line, too: it must be seen.
fn entry(found: Found) -> Entry {
    Entry {
        ticket: Ticket::decode(&found.value).unwrap_or_else(|_| Ticket::unknown(&found.key)),
        key: found.key,
        fence: found.create_revision,
    }
}

impl Claim {
    pub(crate) fn new(inside: &Inside, name: &LockName, ticket: Ticket, term: Term) -> Self {
        Self {
            inside: inside.clone(),
            name: name.clone(),
            ticket,
            term,
            place: None,
        }
    }

    /// Waits until the lock is held. May be dropped: [`Self::leave`] then gives up.
    pub(crate) async fn wait(&mut self) -> Result<Hold, LineError> {
        let (begun, mut has_answered) = (Instant::now(), false);
        loop {
            let step = self.step().await;
            has_answered |= self.place.is_some();
            match step {
                Ok(Some(hold)) => return Ok(hold),
                Ok(None) => {}
                // Whoever was not heard for too long stands at the end of the line again.
                Err(LineError::Ask(AskError::NoLease)) => self.place = None,
                Err(LineError::Ask(AskError::Late(_) | AskError::Unavailable(_)))
                    if has_answered || begun.elapsed() < STRANGER =>
                {
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves the line, or lets the lock go.
    pub(crate) async fn leave(mut self) -> Result<(), AskError> {
        match self.place.take() {
            Some(place) => self.inside.revoke(place.lease).await,
            None => Ok(()),
        }
    }

    /// The lock if it is free.
    pub(crate) async fn attempt(&mut self) -> Result<Option<Hold>, LineError> {
        match self.look().await? {
            (Turn::Mine, revision) => Ok(Some(self.take(revision))),
            _ => Ok(None),
        }
    }

    /// One look at the line, and what it asks for: the lock, or a wait.
    async fn step(&mut self) -> Result<Option<Hold>, LineError> {
        let (turn, revision) = self.look().await?;
        if turn == Turn::Mine {
            return Ok(Some(self.take(revision)));
        }
        let place = self.place.as_ref().expect("whoever looked has one");
        match turn {
            Turn::Mine => unreachable!("it was taken"),
            Turn::Next(holders) => {
                let gone = holders.iter().map(|key| {
                    let gone = self.inside.deleted(key, revision);
                    Box::pin(gone)
                });
                place.until(select_all(gone)).await?.0?;
            }
            // With one place, who is before only goes; with more it may also become a holder.
            Turn::Behind(key) if self.ticket.slots == 1 => {
                place.until(self.inside.deleted(&key, revision)).await??;
            }
            Turn::Behind(key) => place.until(self.inside.changed(&key, revision)).await??,
        }
        Ok(None)
    }

    /// Where we stand, in line from now on, and the revision at which that is so.
    async fn look(&mut self) -> Result<(Turn, i64), LineError> {
        if self.place.is_none() {
            self.place = Some(self.join().await?);
            self.agree().await?;
        }
        let place = self.place.as_ref().expect("it was just taken");
        let (folder, slots) = (self.name.folder(), self.ticket.slots);
        // One's own key too: that it stands must be seen at the same time.
        let enough = usize::try_from(slots).unwrap_or(usize::MAX);
        let enough = enough.saturating_add(2);
        let looked = self.inside.list_before(&folder, place.fence + 1, enough);
        let (found, revision) = looked.await?;
        let mut keys = found.into_iter().map(|found| found.key);
        if keys.next().as_ref() != Some(&place.key) {
            return Err(AskError::NoLease.into());
        }
        let before: Vec<String> = keys.collect();
        Ok((turn(&before, slots), revision))
    }

    async fn join(&self) -> Result<Place, AskError> {
        let asked_ns = host::boot_time_ns();
        let lease = self.inside.grant(self.term.lease_seconds()).await?;
        let key = self.name.key(lease);
        let stepping = Change::Put {
            key: key.clone(),
            value: self.ticket.encode(),
            lease,
        };
        let fence = self.inside.commit(&[], vec![stepping]).await?;
        let (heard, renewed_ns) = watch::channel(Some(asked_ns));
        let renewing = tokio::spawn(renew(self.inside.clone(), lease, self.term, heard));
        Ok(Place {
            lease,
            key,
            fence: fence.expect("nothing guards it"),
            renewed_ns,
            tasks: vec![renewing.abort_handle()],
        })
    }

    /// All who want the lock must want it for as many: whoever came first says for how many.
    async fn agree(&self) -> Result<(), LineError> {
        let first = self.inside.oldest(&self.name.folder()).await?;
        match first.and_then(|first| Ticket::decode(&first.value).ok()) {
            Some(first) if first.slots != self.ticket.slots => Err(LineError::Slots {
                theirs: first.slots,
                ours: self.ticket.slots,
            }),
            _ => Ok(()),
        }
    }

    /// The lock is held: it is the others who must hear of it.
    fn take(&mut self, revision: i64) -> Hold {
        let place = self.place.as_mut().expect("whose turn it is has a place");
        let ticket = Ticket {
            held_since: Some(whole_second(host::now())),
            ..self.ticket.clone()
        };
        let telling = tell(self.inside.clone(), place.stand(), place.lease, ticket);
        place.tasks.push(tokio::spawn(telling).abort_handle());
        Hold {
            stand: place.stand(),
            revision,
            renewed_ns: place.renewed_ns.clone(),
        }
    }
}

/// Writes down that the lock is held and since when, for people, and for the one behind, who is the
/// next now.
async fn tell(inside: Inside, stand: Stand, lease: i64, ticket: Ticket) {
    let mark = Change::Put {
        key: stand.key.clone(),
        value: ticket.encode(),
        lease,
    };
    while let Err(AskError::Late(_) | AskError::Unavailable(_)) =
        stand.change(&inside, mark.clone()).await
    {
        sleep(PAUSE).await;
    }
}

impl Stand {
    /// Makes a change if the key stands; whether it does.
    pub(crate) async fn change(&self, inside: &Inside, change: Change) -> Result<bool, AskError> {
        // The holder itself writes its key anew once.
        while let Some(found) = inside.get(&self.key).await? {
            if found.create_revision != self.fence {
                break;
            }
            let stands = Guard {
                key: found.key,
                mod_revision: found.mod_revision,
            };
            if inside.change(&[stands], vec![change.clone()]).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Place {
    fn stand(&self) -> Stand {
        Stand {
            key: self.key.clone(),
            fence: self.fence,
        }
    }

    /// Waits for something, but not longer than the lease lives.
    async fn until<T>(&self, what: impl Future<Output = T>) -> Result<T, AskError> {
        let mut renewed_ns = self.renewed_ns.clone();
        let mut what = pin!(what);
        tokio::select! {
            done = &mut what => Ok(done),
            _ = renewed_ns.wait_for(Option::is_none) => Err(AskError::NoLease),
        }
    }
}

/// Renews a lease until it has ended or nobody wants to know.
async fn renew(inside: Inside, lease: i64, term: Term, heard: watch::Sender<Option<u64>>) {
    let mut renewals = inside.renewals();
    loop {
        tokio::select! {
            () = sleep(term.renewal()) => {}
            () = heard.closed() => return,
        }
        loop {
            let asked_ns = host::boot_time_ns();
            match renewals.renew(lease).await {
                Ok(()) => {
                    heard.send_replace(Some(asked_ns));
                    break;
                }
                Err(AskError::NoLease) => {
                    heard.send_replace(None);
                    return;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}
