//! lease grant, revoke, timetolive, list and keep-alive.

use std::time::Duration;

use crate::cli::Matches;
use tokio::time::{Instant, timeout};

use crate::adapter::rpc::client::{Client, ClientError, KeepingAlive};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::error::{Exit, Failure, tell};
use crate::role::kv::format::Answer;
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_CONNECTION, Session, Trouble, arguments, lease_id, print, switch,
    whole_number,
};

pub(super) async fn grant(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let [ttl] = &arguments(matches)[..] else {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "lease grant command needs TTL argument",
        ));
    };
    let refused = (BAD_ARGUMENTS, |why: &str| format!("bad TTL ({why})"));
    let ttl = whole_number(ttl, "number of seconds", refused)?;
    let granted = |text: &str| format!("failed to grant lease ({text})");
    let client = session
        .connect()
        .await
        .map_err(|trouble| trouble.imitated(1, granted))?;
    let response = client
        .lease_grant(pb::LeaseGrantRequest { ttl, id: 0 })
        .await
        .map_err(|error| Trouble::rpc("cannot grant a lease", &error).imitated(1, granted))?;
    session.answer(&Answer::Grant(response))
}

pub(super) async fn revoke(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let [id] = &arguments(matches)[..] else {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "lease revoke command needs 1 argument",
        ));
    };
    let id = lease_id(id, " arg")?;
    let client = session.connect().await?;
    let response = client
        .lease_revoke(pb::LeaseRevokeRequest { id })
        .await
        .map_err(|error| {
            Trouble::rpc(format!("cannot revoke lease {id:x}"), &error)
                .imitated(1, |text| format!("failed to revoke lease ({text})"))
        })?;
    session.answer(&Answer::Revoke { id, response })
}

pub(super) async fn time_to_live(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = one_lease(matches, "timetolive")?;
    let keys = switch(matches, "keys");
    let client = session.connect().await?;
    let response = client
        .lease_time_to_live(pb::LeaseTimeToLiveRequest { id, keys })
        .await
        .map_err(|error| Trouble::rpc(format!("cannot look up lease {id:x}"), &error))?;
    let gone = !session.imitating && response.ttl == -1;
    session.answer(&Answer::TimeToLive { response, keys })?;
    Ok(if gone { Exit::NO } else { Exit::DONE })
}

pub(super) async fn list(session: &Session) -> Result<Exit, Trouble> {
    let client = session.connect().await?;
    let response = client
        .lease_leases(pb::LeaseLeasesRequest {})
        .await
        .map_err(|error| Trouble::rpc("cannot list leases", &error))?;
    session.answer(&Answer::Leases(response))
}

/// Between attempts to reach a server that is away: short beside any lease.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn keep_alive(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = one_lease(matches, "keep-alive")?;
    let once = switch(matches, "once");
    if session.imitating {
        let client = session.connect().await?;
        let ended = renew(session, &client, id, once, &mut None).await;
        return ended.map_err(|trouble| trouble.imitated(BAD_CONNECTION, str::to_owned));
    }
    // When the lease ends for want of a renewal; not known before the first.
    let mut ends: Option<Instant> = None;
    let mut is_told = false;
    loop {
        let before = ends;
        let ended = match session.connect().await {
            Ok(client) => renew(session, &client, id, once, &mut ends).await,
            Err(trouble) => Err(trouble),
        };
        is_told &= ends == before;
        let trouble = match ended {
            // Only the server knows that a lease is gone; one that is away does not say so.
            Err(trouble) if trouble.is_temporary() => trouble,
            ended => return ended,
        };
        if ends.is_none_or(|ends| Instant::now() + RETRY_PAUSE >= ends) {
            return Err(trouble);
        }
        if !std::mem::replace(&mut is_told, true) {
            tell(format_args!(
                "lease {id:016x} is not renewed ({trouble}); trying until it ends"
            ));
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Renews a lease on one connection; `ends` is moved with each renewal.
async fn renew(
    session: &Session,
    client: &Client,
    id: i64,
    once: bool,
    ends: &mut Option<Instant>,
) -> Result<Exit, Trouble> {
    let failed =
        |error: &ClientError| Trouble::rpc(format!("cannot keep lease {id:x} alive"), error);
    let mut stream = client
        .keep_alive(pb::LeaseKeepAliveRequest { id })
        .await
        .map_err(|error| failed(&error))?;
    let closed = || ClientError::Closed {
        endpoint: client.endpoint().to_owned(),
    };
    loop {
        let answer = renewal(client, session, &mut stream)
            .await
            .map_err(|error| failed(&error))?;
        let renewed = match answer {
            Some(renewed) if renewed.ttl > 0 => renewed,
            None if !session.imitating => return Err(failed(&closed())),
            _ => return gone(session, id, once),
        };
        let ttl = Duration::from_secs(renewed.ttl.unsigned_abs());
        *ends = Some(Instant::now() + ttl);
        session.answer(&Answer::KeepAlive(renewed))?;
        if once {
            return Ok(Exit::DONE);
        }
        tokio::time::sleep(ttl / 3).await;
        let request = pb::LeaseKeepAliveRequest { id };
        if stream.requests.send(request).await.is_err() {
            return match session.imitating {
                true => gone(session, id, false),
                false => Err(failed(&closed())),
            };
        }
    }
}

/// The next answer; none when the server closed the stream.
async fn renewal(
    client: &Client,
    session: &Session,
    stream: &mut KeepingAlive,
) -> Result<Option<pb::LeaseKeepAliveResponse>, ClientError> {
    let limit = session.limits.command;
    match timeout(limit, stream.responses.message()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ClientError::Late {
            endpoint: client.endpoint().to_owned(),
            limit,
        }),
    }
}

/// The lease has ended: a failure when it was to be renewed once, else the end of the story.
fn gone(session: &Session, id: i64, once: bool) -> Result<Exit, Trouble> {
    if once || !session.imitating {
        let failure = Failure::new(
            Exit::NO,
            format!("lease {id:x} is gone"),
            "expired or revoked",
        );
        let text = "etcdserver: requested lease not found";
        return Err(
            Trouble::plain(failure, BAD_CONNECTION).imitated(BAD_CONNECTION, |_| text.into())
        );
    }
    print(format!("lease {id:016x} expired or revoked.\n").as_bytes())?;
    Ok(Exit::DONE)
}

fn one_lease(matches: &Matches, verb: &str) -> Result<i64, Trouble> {
    match &arguments(matches)[..] {
        [id] => lease_id(id, " arg"),
        _ => {
            let text = format!("lease {verb} command needs lease ID as argument");
            Err(Trouble::misuse(BAD_ARGUMENTS, text))
        }
    }
}
