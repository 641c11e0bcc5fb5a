//! lease grant, revoke, timetolive, list and keep-alive.

use std::time::Duration;

use crate::cli::Matches;
use tokio::time::timeout;

use crate::adapter::rpc::client::{Client, ClientError, KeepingAlive};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::kv::go;
use crate::error::{Exit, Failure};
use crate::role::kv::format::Answer;
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_CONNECTION, Session, Trouble, arguments, lease_id, print, switch,
};

pub(super) async fn grant(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let [ttl] = &arguments(matches)[..] else {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "lease grant command needs TTL argument",
        ));
    };
    let ttl = go::integer(&String::from_utf8_lossy(ttl), 10)
        .map_err(|why| Trouble::misuse(BAD_ARGUMENTS, format!("bad TTL ({why})")))?;
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

pub(super) async fn keep_alive(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = one_lease(matches, "keep-alive")?;
    let client = session.connect().await?;
    let failed = |error: &ClientError| {
        Trouble::rpc(format!("cannot keep lease {id:x} alive"), error)
            .imitated(BAD_CONNECTION, str::to_owned)
    };
    let mut stream = client
        .keep_alive(pb::LeaseKeepAliveRequest { id })
        .await
        .map_err(|error| failed(&error))?;
    loop {
        let answer = renewal(&client, session, &mut stream)
            .await
            .map_err(|error| failed(&error))?;
        let Some(renewed) = answer.filter(|renewed| renewed.ttl > 0) else {
            return gone(session, id, switch(matches, "once"));
        };
        let ttl = Duration::from_secs(renewed.ttl.unsigned_abs());
        session.answer(&Answer::KeepAlive(renewed))?;
        if switch(matches, "once") {
            return Ok(Exit::DONE);
        }
        tokio::time::sleep(ttl / 3).await;
        if stream
            .requests
            .send(pb::LeaseKeepAliveRequest { id })
            .await
            .is_err()
        {
            return gone(session, id, false);
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
