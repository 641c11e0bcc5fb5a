//! compaction, defrag, alarm list and alarm disarm.

use serde_json::{Value, json};

use crate::adapter::rpc::client::Client;
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::alarm_request::AlarmAction;
use crate::cli::Matches;
use crate::error::{Exit, tell};
use crate::role::kv::endpoint::{endpoints, finish};
use crate::role::kv::format::Answer;
use crate::role::kv::session::{
    BAD_ARGUMENTS, Session, Trouble, arguments, print, switch, whole_number,
};

pub(super) async fn compaction(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let [revision] = &arguments(matches)[..] else {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "compaction command needs 1 argument",
        ));
    };
    let revision = whole_number(revision, "revision", (1, str::to_owned))?;
    let client = session.connect().await?;
    compact(session, &client, revision, switch(matches, "physical")).await?;
    Ok(Exit::DONE)
}

/// Compacts and says so.
pub(super) async fn compact(
    session: &Session,
    client: &Client,
    revision: i64,
    physical: bool,
) -> Result<(), Trouble> {
    client
        .compact(pb::CompactionRequest { revision, physical })
        .await
        .map_err(|error| Trouble::rpc(format!("cannot compact at revision {revision}"), &error))?;
    if session.wants_document() {
        return print(format!("{}\n", json!({"compacted_revision": revision})).as_bytes());
    }
    print(format!("compacted revision {revision}\n").as_bytes())
}

pub(super) async fn defrag(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    session.check_format()?;
    defragment_all(session, &endpoints(session, matches).await?).await
}

/// Asks every server in turn; one that fails is told and does not keep the next from its turn.
pub(super) async fn defragment_all(
    session: &Session,
    endpoints: &[String],
) -> Result<Exit, Trouble> {
    let limits = session.dialing()?;
    let mut failed = false;
    let mut documents = Vec::new();
    for endpoint in endpoints {
        let answer = match session.connect_to(endpoint, &limits).await {
            Ok(client) => client.defragment(pb::DefragmentRequest {}).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(_) if session.wants_document() => {
                documents.push(json!({"endpoint": endpoint, "defragmented": true}));
            }
            Ok(_) => {
                let text = format!("Finished defragmenting etcd member[{endpoint}]\n");
                print(text.as_bytes())?;
            }
            Err(error) => {
                let why = session.words(&error);
                documents.push(json!({"endpoint": endpoint, "defragmented": false, "error": why}));
                tell(format_args!(
                    "Failed to defragment etcd member[{endpoint}] ({why})"
                ));
                failed = true;
            }
        }
    }
    if session.wants_document() {
        print(format!("{}\n", Value::from(documents)).as_bytes())?;
    }
    finish(failed)
}

pub(super) async fn alarm_list(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    no_arguments(matches, "list")?;
    let client = session.connect().await?;
    session.answer(&Answer::Alarms(alarms(&client).await?))
}

/// Clears each raised alarm; the answer holds what was cleared.
pub(super) async fn alarm_disarm(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    no_arguments(matches, "disarm")?;
    let client = session.connect().await?;
    let mut cleared = pb::AlarmResponse::default();
    for raised in alarms(&client).await?.alarms {
        let request = pb::AlarmRequest {
            action: AlarmAction::Deactivate.into(),
            member_id: raised.member_id,
            alarm: raised.alarm,
        };
        let response = client
            .alarm(request)
            .await
            .map_err(|error| Trouble::rpc("cannot clear an alarm", &error))?;
        cleared.alarms.extend(response.alarms);
    }
    session.answer(&Answer::Alarms(cleared))
}

async fn alarms(client: &Client) -> Result<pb::AlarmResponse, Trouble> {
    let answer = client.alarm(pb::AlarmRequest::default()).await;
    answer.map_err(|error| Trouble::rpc("cannot list alarms", &error))
}

fn no_arguments(matches: &Matches, verb: &str) -> Result<(), Trouble> {
    match arguments(matches).is_empty() {
        true => Ok(()),
        false => {
            let text = format!("alarm {verb} command accepts no arguments");
            Err(Trouble::misuse(BAD_ARGUMENTS, text))
        }
    }
}
