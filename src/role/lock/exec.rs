//! exec: a command that runs while a lock is held, and no longer.
//!
//! The command is ended before the lease can pass to another holder: by this process, or by its
//! guard if this process cannot. Whatever still gets through late is stopped by the fence.

use std::ffi::OsString;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::adapter::guard::{Guard, Order};
use crate::adapter::host;
use crate::adapter::job::{self, Change, Job, Signal, Signals, StartError};
use crate::adapter::rpc::inside::{AskError, Inside};
use crate::cli::Matches;
use crate::cli::asking::Asking;
use crate::cli::lock::named::{self as form, Exec};
use crate::core::lock::name::LockName;
use crate::core::lock::semaphore::whole_second;
use crate::core::lock::turn::{Term, Ticket};
use crate::error::{Exit, Failure, tell};
use crate::role::client;
use crate::role::lock::line::{Claim, Hold, LineError, entries};

/// As docker has them: what we could not do, what is no program, and what is not there.
const OWN: Exit = Exit(125);
const NOT_EXECUTABLE: Exit = Exit(126);
const NOT_FOUND: Exit = Exit(127);

/// Before a cluster that does not answer is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How a command under a lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With this exit code, while the lock was held.
    Ended(u8),
    /// The lock was lost first, and why.
    Lost(&'static str),
}

/// What comes to the one who watches over a command.
enum Event {
    Child(Change),
    Signal(Signal),
    /// When the renewal that was heard was asked for; none: the lease has ended.
    Renewed(Option<u64>),
    /// Somebody took the key away.
    Broken,
    /// It is time for the next step to the end.
    Due,
}

/// A command that runs under a lock.
struct Watched<'a> {
    job: Job,
    guard: &'a mut Guard,
    term: Term,
    /// When it is asked to end, and when it is ended, if nothing is heard.
    order: Order,
    /// Why the lock is lost.
    lost: Option<&'static str>,
}

/// What `exec` and `run-once` have in common: a lock that is held, and what it takes to run
/// something under it.
pub(super) struct Held {
    pub(super) inside: Inside,
    pub(super) hold: Hold,
    pub(super) holder: String,
    claim: Claim,
    guard: Guard,
    signals: Signals,
    name: LockName,
    term: Term,
}

pub(super) async fn exec(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let exec = form::exec(matches);
    let mut held = Held::take(asking, &exec).await?;
    let outcome = held.run(&exec.words).await;
    held.let_go().await;
    ended(&exec.name, outcome?)
}

/// How a command that ran under a lock ends this program.
pub(super) fn ended(name: &LockName, outcome: Outcome) -> Result<Exit, Failure> {
    match outcome {
        Outcome::Ended(code) => Ok(Exit(code)),
        Outcome::Lost(why) => {
            let what = format!("lock {name} was lost, and its command was stopped");
            Err(Failure::new(Exit::UNAVAILABLE, what, why)
                .hint(format!("see who holds it now with `lockctl info {name}`")))
        }
    }
}

impl Held {
    /// Stands in line until the lock is held.
    pub(super) async fn take(asking: &Asking, exec: &Exec) -> Result<Self, Failure> {
        let what = format!("cannot take lock {}", exec.name);
        let own = |error: std::io::Error| Failure::new(OWN, &what, error);
        // Before anything is waited for: what cannot be guarded is not started.
        let guard = Guard::start().map_err(own)?;
        let mut signals = Signals::listen().map_err(own)?;
        // An answer that comes too late for the next renewal is none.
        let asking = Asking {
            timeout: asking.timeout.min(exec.term.renewal()),
            ..asking.clone()
        };
        let inside = client::asker(&asking).await?;
        let holder = host::own_description(&exec.words);
        let ticket = Ticket {
            holder: holder.clone(),
            since: whole_second(host::now()),
            slots: exec.slots,
            held_since: None,
        };
        let mut claim = Claim::new(&inside, &exec.name, ticket, exec.term);
        let waited = tokio::select! {
            hold = wait(&mut claim, exec.wait) => hold,
            signal = ending(&mut signals) => {
                // If nobody answers, the place in line ends with its lease.
                let _ = claim.leave().await;
                let code = u8::try_from(128 + signal.as_raw()).unwrap_or(OWN.0);
                return Err(Failure::new(Exit(code), what, "a signal ended the wait"));
            }
        };
        match waited {
            Ok(Some(hold)) => Ok(Self {
                name: exec.name.clone(),
                term: exec.term,
                inside,
                hold,
                holder,
                claim,
                guard,
                signals,
            }),
            Ok(None) => {
                let why = held_by(&inside, &exec.name).await;
                let _ = claim.leave().await;
                Err(conflict(&exec.name, what, &why))
            }
            Err(error) => {
                let _ = claim.leave().await;
                Err(refused(&exec.name, &what, &error))
            }
        }
    }

    /// Runs a command until it has ended, or has been ended because the lock is lost.
    pub(super) async fn run(&mut self, words: &[OsString]) -> Result<Outcome, Failure> {
        let variables = [
            ("CORACLE_LOCK_NAME", self.name.to_string()),
            ("CORACLE_LOCK_FENCE", self.hold.stand.fence.to_string()),
            ("CORACLE_LOCK_REVISION", self.hold.revision.to_string()),
        ];
        let renewed_ns = self.hold.renewed_ns.borrow_and_update().unwrap_or(0);
        let order = until(self.term, renewed_ns);
        if host::boot_time_ns() >= order.terminate_ns {
            return Ok(Outcome::Lost(TOO_LATE));
        }
        let job = Job::start(words, &variables, &self.guard, order);
        let job = job.map_err(|error| {
            let exit = match error {
                StartError::NotFound => NOT_FOUND,
                StartError::NotExecutable(_) => NOT_EXECUTABLE,
                StartError::Other(_) => OWN,
            };
            let program = words.first().map(|word| word.to_string_lossy());
            let what = format!("cannot run {:?}", program.unwrap_or_default());
            Failure::new(exit, what, error)
        })?;
        let order = Order {
            group: job.group(),
            ..order
        };
        let mut watched = Watched {
            job,
            guard: &mut self.guard,
            term: self.term,
            order,
            lost: None,
        };
        let mut gone = pin!(until_gone(&self.inside, &self.hold));
        let mut renewed = self.hold.renewed_ns.clone();
        loop {
            let due = sleep(left(watched.order, watched.lost.is_some()));
            let is_lost = watched.lost.is_some();
            let event = tokio::select! {
                change = watched.job.changed() => Event::Child(change),
                signal = self.signals.next() => Event::Signal(signal),
                Ok(()) = renewed.changed(), if !is_lost => {
                    Event::Renewed(*renewed.borrow_and_update())
                }
                () = &mut gone, if !is_lost => Event::Broken,
                () = due => Event::Due,
            };
            if let Some(outcome) = watched.apply(event) {
                return Ok(outcome);
            }
        }
    }

    /// Lets the lock go; where nobody can be told, it goes with its lease.
    pub(super) async fn let_go(mut self) {
        // Before anybody is told: that can take long, and nothing runs any more.
        let freed = self.guard.order(Order::default());
        if let Err(error) = self.claim.leave().await
            && error != AskError::NoLease
        {
            let name = &self.name;
            tell(format_args!("lock {name} goes with its lease: {error}"));
        }
        // The next one holds the lock by now.
        if let Err(error) = freed.and_then(|()| self.guard.dismiss()) {
            tell(format_args!(
                "the guard of lock {} was gone: {error}",
                self.name
            ));
        }
    }
}

const TOO_LATE: &str = "it was not renewed in time";

impl Watched<'_> {
    fn apply(&mut self, event: Event) -> Option<Outcome> {
        match event {
            Event::Child(Change::Ended(code)) => return Some(self.ended(code)),
            Event::Child(Change::Stopped(signal)) => self.job.stopped(signal),
            Event::Signal(signal) => self.job.send(signal),
            Event::Renewed(Some(renewed_ns)) => {
                let group = self.order.group;
                self.set(Order {
                    group,
                    ..until(self.term, renewed_ns)
                });
            }
            Event::Renewed(None) => self.lose("its lease has ended"),
            Event::Broken => self.lose("somebody broke it"),
            Event::Due if self.lost.is_none() => self.lose(TOO_LATE),
            Event::Due => {
                self.job.kill();
                // Nothing more is to come than its end.
                self.order.kill_ns = u64::MAX;
            }
        }
        None
    }

    /// One that ended when its time was over was ended by the guard, while we could do nothing.
    fn ended(&self, code: u8) -> Outcome {
        let is_late = host::boot_time_ns() >= self.order.terminate_ns;
        match self.lost {
            Some(why) => Outcome::Lost(why),
            None if is_late => Outcome::Lost(TOO_LATE),
            None => Outcome::Ended(code),
        }
    }

    /// Asks the command to end. It is ended when its time is over, or, where the lock has gone
    /// before, after the same grace.
    fn lose(&mut self, why: &'static str) {
        self.job.terminate();
        self.lost = Some(why);
        let now_ns = host::boot_time_ns();
        let grace_ns = nanoseconds(self.term.grace());
        self.set(Order {
            group: self.order.group,
            terminate_ns: now_ns,
            kill_ns: self.order.kill_ns.min(now_ns + grace_ns),
        });
    }

    fn set(&mut self, order: Order) {
        self.order = order;
        if self.guard.order(order).is_err() && self.lost.is_none() {
            self.job.terminate();
            self.lost = Some("its guard was killed");
        }
    }
}

/// Until when the lock may be counted on that was last renewed then.
fn until(term: Term, renewed_ns: u64) -> Order {
    Order {
        group: 0,
        terminate_ns: renewed_ns + nanoseconds(term.terminate()),
        kill_ns: renewed_ns + nanoseconds(term.kill()),
    }
}

/// How long it is until the next step to the end.
fn left(order: Order, is_lost: bool) -> Duration {
    let due_ns = if is_lost {
        order.kill_ns
    } else {
        order.terminate_ns
    };
    Duration::from_nanos(due_ns.saturating_sub(host::boot_time_ns()))
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits for a signal that ends a wait in line.
async fn ending(signals: &mut Signals) -> Signal {
    loop {
        match signals.next().await {
            Signal::TSTP => job::stop(),
            Signal::WINCH => {}
            signal => return signal,
        }
    }
}

/// Waits in line: for as long as it takes, so long, or not at all.
async fn wait(claim: &mut Claim, wait: Option<Duration>) -> Result<Option<Hold>, LineError> {
    match wait {
        None => claim.wait().await.map(Some),
        Some(Duration::ZERO) => claim.attempt().await,
        Some(wait) => match timeout(wait, claim.wait()).await {
            Ok(hold) => hold.map(Some),
            Err(_) => Ok(None),
        },
    }
}

/// Waits until the key of a holder has gone. A cluster that does not answer says nothing of it:
/// then the lease counts.
async fn until_gone(inside: &Inside, hold: &Hold) {
    loop {
        match inside.look(&hold.stand.key).await {
            Ok((Some(found), revision)) if found.create_revision == hold.stand.fence => {
                if inside.deleted(&hold.stand.key, revision).await.is_err() {
                    sleep(PAUSE).await;
                }
            }
            Ok(_) => return,
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn held_by(inside: &Inside, name: &LockName) -> String {
    match entries(inside, &name.folder()).await {
        Ok(entries) => form::why_held(&entries, host::now()),
        Err(error) => error.to_string(),
    }
}

fn conflict(name: &LockName, what: String, why: &str) -> Failure {
    Failure::new(Exit::CONFLICT, what, why).hint(format!(
        "wait longer with --wait, see who waits with `lockctl info {name}`, or take it away with \
         `lockctl break {name}`"
    ))
}

fn refused(name: &LockName, what: &str, error: &LineError) -> Failure {
    match error {
        LineError::Ask(error) => client::unasked(what, error),
        LineError::Slots { theirs, .. } => Failure::new(Exit::CONFLICT, what, error).hint(format!(
            "say --slots {theirs}, or give the lock another name than {name}"
        )),
    }
}
