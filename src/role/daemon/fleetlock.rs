//! FleetLock v1 over the same semaphores as `lockctl`: a node of another system is a holder.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::adapter::host;
use crate::adapter::http::{FleetLock, Places};
use crate::adapter::rpc::inside::Inside;
use crate::cli::config::Settings;
use crate::core::lock::fleetlock::{Ask, Client, Refusal};
use crate::core::lock::name::DEFAULT_GROUP;
use crate::core::lock::semaphore::{Holder, Standing};
use crate::role::lock::places::{Answer, PlaceError, give_back, read, take};

/// For one answer of the cluster: zincati waits for half an hour, people with curl do not.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What people see of a place that was taken so.
const REASON: &str = "FleetLock";

/// Places that are taken and given back through the store.
struct StoredPlaces(Inside);

/// The pages of the protocol, for who shows the token of the settings.
pub(super) fn fleetlock(inside: Inside, settings: &Settings) -> FleetLock {
    let places = Arc::new(StoredPlaces(inside));
    FleetLock::new(places, settings.fleetlock_token.clone())
}

impl Places for StoredPlaces {
    fn answer(&self, ask: Ask, client: Client) -> BoxFuture<'_, Result<(), Refusal>> {
        async move {
            let lost = |error: PlaceError| Refusal::Semaphore(error.to_string());
            let Client { id, group } = client;
            let standing = read(&self.0, &group).await.map_err(lost)?;
            if !standing.exists && group.as_str() != DEFAULT_GROUP {
                return Err(Refusal::Group(group.to_string()));
            }
            if ask == Ask::SteadyState {
                return give_back(&self.0, &group, id.as_str())
                    .await
                    .map(drop)
                    .map_err(lost);
            }
            let holder = Holder::new(&id, host::now(), REASON);
            match take(&self.0, &group, &holder).await.map_err(lost)? {
                Answer::Held(_) => Ok(()),
                Answer::Full(standing) => Err(Refusal::Lock(full(&standing))),
            }
        }
        .boxed()
    }
}

/// airlock's words, and by whom.
fn full(standing: &Standing) -> String {
    let semaphore = &standing.semaphore;
    if semaphore.free() > 0 {
        let waiting = standing.waiting.len();
        return format!("all free semaphore slots are waited for, by {waiting}");
    }
    let holders = semaphore.holders.iter();
    let holders = holders.map(|holder| format!("{} since {}", holder.id, holder.since));
    let holders = holders.collect::<Vec<_>>().join(", ");
    let max = semaphore.max;
    format!("all {max} semaphore slots currently locked: {holders}")
}
