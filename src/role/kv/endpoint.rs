//! endpoint health, status and hashkv, and member list: what servers say about themselves.

use crate::cli::Matches;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::adapter::rpc::client::{Client, ClientError, Code, Endpoint, Limits};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::error::{Exit, Failure, tell};
use crate::role::kv::format::{Answer, Health, Kind};
use crate::role::kv::session::{Session, Trouble, number, switch, words};

pub(super) async fn health(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    session.check_format()?;
    let limits = session.dialing()?;
    let mut asked = JoinSet::new();
    for endpoint in endpoints(session, matches).await? {
        asked.spawn(probe(endpoint, limits.clone(), session.imitating));
    }
    let mut all = Vec::new();
    while let Some(one) = asked.join_next().await {
        all.push(one.expect("probing does not panic and is not cancelled"));
    }
    session.answer(&Answer::Health(all.iter().map(Health::copy).collect()))?;
    let mut sick = all.iter().filter(|one| !one.error.is_empty()).peekable();
    if sick.peek().is_none() {
        return Ok(Exit::DONE);
    }
    for one in sick.filter(|_| session.format.kind == Kind::Simple) {
        tell(format_args!(
            "{} is unhealthy: failed to commit proposal: {}",
            one.endpoint, one.error
        ));
    }
    Err(Trouble::plain(
        Failure::new(Exit::UNAVAILABLE, "unhealthy cluster", ""),
        1,
    ))
}

impl Health {
    fn copy(&self) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            took: self.took,
            error: self.error.clone(),
        }
    }
}

/// Reads a key that need not exist, which takes a quorum, and asks for alarms.
async fn probe(endpoint: String, limits: Limits, imitating: bool) -> Health {
    let begun = Instant::now();
    let outcome = committed(&endpoint, &limits).await;
    let took = begun.elapsed();
    let error = match outcome {
        Ok(client) => alarms(&client).await,
        Err(error) if imitating => words(&error),
        Err(error) => error.to_string(),
    };
    Health {
        endpoint,
        took,
        error,
    }
}

async fn committed(endpoint: &str, limits: &Limits) -> Result<Client, ClientError> {
    let parsed: Endpoint = endpoint.parse().map_err(|error| ClientError::Connect {
        endpoint: endpoint.to_owned(),
        why: format!("{error}"),
    })?;
    let client = Client::connect(&[parsed], limits).await?;
    let request = pb::RangeRequest {
        key: "health".into(),
        ..Default::default()
    };
    match client.range(request).await {
        // A server that refuses this client by name has agreed on doing so.
        Err(error) if error.code() != Code::PermissionDenied => Err(error),
        _ => Ok(client),
    }
}

/// What is wrong by the server's own account; empty when nothing is.
async fn alarms(client: &Client) -> String {
    match client.alarm(pb::AlarmRequest::default()).await {
        Ok(response) if response.alarms.is_empty() => String::new(),
        Ok(response) => {
            let names = response.alarms.iter().map(|alarm| match alarm.alarm {
                1 => "NOSPACE ",
                2 => "CORRUPT ",
                _ => "UNKNOWN ",
            });
            format!("Active Alarm(s): {}", names.collect::<String>())
        }
        Err(_) => "Unable to fetch the alarm list".to_owned(),
    }
}

pub(super) async fn status(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let ask = async |client: Client| client.status(pb::StatusRequest {}).await;
    let (answers, failed) = ask_each(session, matches, "status", ask).await?;
    session.answer(&Answer::Status(answers))?;
    finish(failed.is_some())
}

pub(super) async fn hash(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let revision = number(matches, "rev");
    let ask = async |client: Client| client.hash_kv(pb::HashKvRequest { revision }).await;
    let (answers, failed) = ask_each(session, matches, "hash", ask).await?;
    session.answer(&Answer::Hash(answers))?;
    match failed {
        Some(error) => Err(Trouble::rpc("cannot hash every endpoint", &error)),
        None => Ok(Exit::DONE),
    }
}

/// Asks every server in turn. One that fails is told and does not keep the next from its turn; the
/// last failure is given back.
async fn ask_each<T>(
    session: &Session,
    matches: &Matches,
    what: &str,
    ask: impl AsyncFn(Client) -> Result<T, ClientError>,
) -> Result<(Vec<(String, T)>, Option<ClientError>), Trouble> {
    session.check_format()?;
    let limits = session.dialing()?;
    let (mut answers, mut failed) = (Vec::new(), None);
    for endpoint in endpoints(session, matches).await? {
        let answer = match session.connect_to(&endpoint, &limits).await {
            Ok(client) => ask(client).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(response) => answers.push((endpoint, response)),
            Err(error) => {
                let why = session.words(&error);
                tell(format_args!(
                    "Failed to get the {what} of endpoint {endpoint} ({why})"
                ));
                failed = Some(error);
            }
        }
    }
    Ok((answers, failed))
}

/// The endpoints to ask: the given ones, or with `--cluster` those that all members advertise.
pub(super) async fn endpoints(
    session: &Session,
    matches: &Matches,
) -> Result<Vec<String>, Trouble> {
    if !switch(matches, "cluster") {
        return Ok(session.endpoints.clone());
    }
    let explained =
        |text: &str| format!("failed to fetch endpoints from etcd cluster member list: {text}");
    let client = session
        .connect()
        .await
        .map_err(|trouble| trouble.imitated(1, explained))?;
    let request = pb::MemberListRequest { linearizable: true };
    let response = client.member_list(request).await.map_err(|error| {
        Trouble::rpc("cannot list the members of the cluster", &error).imitated(1, explained)
    })?;
    Ok(response
        .members
        .into_iter()
        .flat_map(|member| member.client_ur_ls)
        .collect())
}

/// Each failure has been told as it happened.
pub(super) fn finish(failed: bool) -> Result<Exit, Trouble> {
    if failed {
        Err(Trouble::told(Exit::UNAVAILABLE, 1))
    } else {
        Ok(Exit::DONE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_refuses_is_unhealthy_with_etcdctls_words() {
        let limits = Limits {
            dial: Duration::from_millis(200),
            ..Limits::default()
        };
        let health = probe("127.0.0.1:1".to_owned(), limits.clone(), true).await;
        assert_eq!(health.error, "context deadline exceeded");
        let health = probe("127.0.0.1:1".to_owned(), limits, false).await;
        assert!(
            health.error.contains("Connection refused"),
            "{}",
            health.error
        );
    }
}
