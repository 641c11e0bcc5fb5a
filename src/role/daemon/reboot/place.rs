//! The place that a reboot needs, of a semaphore in the store or of a FleetLock server.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::adapter::airlock::{Airlock, AirlockError};
use crate::adapter::host;
use crate::adapter::rpc::inside::Inside;
use crate::core::lock::fleetlock::Ask;
use crate::core::lock::name::{Group, HolderId};
use crate::core::lock::reboot::{Held, Place};
use crate::core::lock::semaphore::{Holder, NodeKind};
use crate::role::lock::places::{self, Waiter};

/// For one answer of a FleetLock server.
const AIRLOCK_PATIENCE: Duration = Duration::from_secs(30);
/// Before one who stood in line and was turned away steps in again.
const PAUSE: Duration = Duration::from_secs(1);
/// For leaving a line; a place in it ends by itself.
const FAREWELL: Duration = Duration::from_secs(3);

/// How this machine takes a place.
pub(super) struct Taker {
    pub(super) inside: Inside,
    pub(super) id: HolderId,
    pub(super) node: NodeKind,
    /// None: no server is configured.
    pub(super) airlock: Option<Airlock>,
    line: Option<Line>,
    /// What the FleetLock server said last.
    is_lent: bool,
}

/// One who stands in line, in a task of its own: whoever waits for a blocker meanwhile keeps the
/// place in line. It ends when the value is dropped.
struct Line {
    held: watch::Receiver<bool>,
    /// Gives the place in line up.
    leave: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Taker {
    pub(super) fn new(
        inside: Inside,
        id: HolderId,
        node: NodeKind,
        airlock: Option<Airlock>,
    ) -> Self {
        Self {
            inside,
            id,
            node,
            airlock,
            line: None,
            is_lent: false,
        }
    }

    /// Whether the place is held, as who keeps it says now.
    pub(super) async fn look(&mut self, place: &Place) -> Held {
        match place {
            Place::Group(group) => {
                let Ok(group) = group.parse::<Group>() else {
                    return Held::No;
                };
                match places::read(&self.inside, &group).await {
                    Ok(standing) if standing.semaphore.holder(self.id.as_str()).is_some() => {
                        Held::Yes
                    }
                    Ok(_) => Held::No,
                    Err(error) => {
                        tracing::debug!(%error, "nobody says who holds a place");
                        Held::Unknown
                    }
                }
            }
            Place::FleetLock if self.is_lent => Held::Yes,
            Place::FleetLock => Held::No,
        }
    }

    /// Asks the server once more, which lends a place again to who has one.
    pub(super) async fn confirm(&mut self) -> Held {
        match self.borrow().await {
            Ok(()) => Held::Yes,
            Err(AirlockError::Refused(_)) => Held::No,
            Err(AirlockError::Http(_)) => Held::Unknown,
        }
    }

    /// Stands in line for the place; returns when it is held, or after a while. Why it is not.
    pub(super) async fn queue(&mut self, place: &Place, reason: &str) -> Option<String> {
        match place {
            Place::Group(group) => {
                if let (None, Ok(group)) = (&self.line, group.parse()) {
                    self.line = Some(self.stand(group, host::now(), reason));
                }
                if let Some(line) = &mut self.line {
                    // An error: its task has ended, by a panic.
                    let _ = line.held.wait_for(|held| *held).await;
                }
                None
            }
            Place::FleetLock => match self.borrow().await {
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            },
        }
    }

    async fn borrow(&mut self) -> Result<(), AirlockError> {
        let lent = self.ask_airlock(Ask::PreReboot).await;
        self.is_lent = lent.is_ok();
        lent
    }

    async fn ask_airlock(&self, ask: Ask) -> Result<(), AirlockError> {
        match &self.airlock {
            Some(airlock) => airlock.ask(ask, AIRLOCK_PATIENCE).await,
            None => Err(AirlockError::Refused(
                "no reboot-fleetlock-url is set".to_owned(),
            )),
        }
    }

    fn stand(&self, group: Group, since: Timestamp, reason: &str) -> Line {
        let holder = Holder {
            node: Some(self.node.clone()),
            ..Holder::new(&self.id, since, reason)
        };
        let (tell, held) = watch::channel(false);
        let (leave, left) = oneshot::channel();
        let inside = self.inside.clone();
        let task = tokio::spawn(wait(inside, group, holder, tell, left));
        Line {
            held,
            leave: Some(leave),
            task,
        }
    }

    /// Leaves the line, and gives the place back if it is held.
    pub(super) async fn give_back(&mut self, place: &Place) -> Result<(), String> {
        if let Some(mut line) = self.line.take() {
            if let Some(leave) = line.leave.take() {
                // One that holds its place has left.
                let _ = leave.send(());
            }
            let _ = timeout(FAREWELL, &mut line.task).await;
        }
        match place {
            Place::Group(group) => {
                let Ok(group) = group.parse::<Group>() else {
                    return Ok(());
                };
                let given = places::give_back(&self.inside, &group, self.id.as_str()).await;
                given.map(drop).map_err(|error| error.to_string())
            }
            Place::FleetLock => {
                self.is_lent = false;
                let given = self.ask_airlock(Ask::SteadyState).await;
                given.map_err(|error| error.to_string())
            }
        }
    }

    /// Says in the semaphore why the place is kept.
    pub(super) async fn explain(&self, place: &Place, why: &str) -> bool {
        match place {
            Place::Group(group) => {
                let Ok(group) = group.parse::<Group>() else {
                    return true;
                };
                let id = self.id.as_str();
                places::explain(&self.inside, &group, id, why).await.is_ok()
            }
            // The protocol has no words for it.
            Place::FleetLock => true,
        }
    }
}

/// Stands in line until the place is held or is not wanted any more.
async fn wait(
    inside: Inside,
    group: Group,
    holder: Holder,
    tell: watch::Sender<bool>,
    mut left: oneshot::Receiver<()>,
) {
    loop {
        let Ok(mut waiter) = Waiter::new(&inside, &group, holder.clone()) else {
            return;
        };
        let held = tokio::select! {
            held = waiter.wait() => Some(held),
            _ = &mut left => None,
        };
        waiter.leave().await;
        match held {
            None => return,
            Some(Ok(_)) => {
                tell.send_replace(true);
                return;
            }
            Some(Err(error)) => {
                tracing::info!(%error, %group, "cannot wait for a place now");
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    _ = &mut left => return,
                }
            }
        }
    }
}
