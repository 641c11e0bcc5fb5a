//! How the reboot of this machine is, in the store, for as long as its daemon lives.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::adapter::rpc::inside::{AskError, Change, Inside};
use crate::core::lock::reboot::Shown;

/// People see that nobody tells any more after this time.
const TTL_SECONDS: i64 = 15;
/// Two renewals may be lost.
const RENEWAL: Duration = Duration::from_secs(5);
/// Before a cluster that does not answer is told again.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps what is `shown` under `key`, for ever; none: nothing is to be seen.
pub(super) async fn publish(
    inside: Inside,
    key: String,
    mut shown: watch::Receiver<Option<Shown>>,
) {
    let mut lease = None;
    let mut renewals = inside.renewals();
    let mut is_told = true;
    loop {
        let now = shown.borrow_and_update().clone();
        let done = match (&now, lease) {
            (None, None) => Ok(()),
            (None, Some(id)) => inside.revoke(id).await.map(|()| lease = None),
            (Some(shown), _) if !is_told => put(&inside, &key, shown, &mut lease).await,
            (Some(_), Some(id)) => renewals.renew(id).await,
            (Some(shown), None) => put(&inside, &key, shown, &mut lease).await,
        };
        is_told = done.is_ok();
        if let Err(AskError::NoLease) = done {
            lease = None;
        }
        let pause = match (&now, is_told) {
            (_, false) => PAUSE,
            (Some(_), true) => RENEWAL,
            (None, true) => Duration::MAX,
        };
        tokio::select! {
            () = sleep(pause) => {}
            changed = shown.changed() => match changed {
                Ok(()) => is_told = false,
                // The manager has ended.
                Err(_) => return,
            },
        }
    }
}

async fn put(
    inside: &Inside,
    key: &str,
    shown: &Shown,
    lease: &mut Option<i64>,
) -> Result<(), AskError> {
    let id = match *lease {
        Some(id) => id,
        None => *lease.insert(inside.grant(TTL_SECONDS).await?),
    };
    let put = Change::Put {
        key: key.to_owned(),
        value: shown.encode(),
        lease: id,
    };
    inside.change(&[], vec![put]).await.map(drop)
}
