//! member list, add, remove, update and promote, and move-leader.

use crate::adapter::rpc::client::{Client, ClientError};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::Matches;
use crate::cli::kv::go;
use crate::error::{Exit, tell};
use crate::role::kv::format::{Answer, Changed, Kind};
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_FEATURE, Session, Trouble, arguments, print, switch, text,
};

pub(super) async fn list(session: &Session) -> Result<Exit, Trouble> {
    let client = session.connect().await?;
    let request = pb::MemberListRequest { linearizable: true };
    let response = client.member_list(request).await;
    let response = response.map_err(|error| Trouble::rpc("cannot list the members", &error))?;
    session.answer(&Answer::Members(response))
}

pub(super) async fn add(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let arguments = arguments(matches);
    let name = match &arguments[..] {
        [] => return Err(Trouble::misuse(BAD_ARGUMENTS, "member name not provided")),
        [name] => String::from_utf8_lossy(name).into_owned(),
        [_, more @ ..] => {
            let more = more.iter().map(|word| String::from_utf8_lossy(word));
            let urls = more.filter(|word| word.to_lowercase().starts_with("http"));
            let meant = urls.map(|url| format!(", did you mean --peer-urls={url}"));
            let text = format!("too many arguments{}", meant.collect::<String>());
            return Err(Trouble::misuse(BAD_ARGUMENTS, text));
        }
    };
    let peer_ur_ls = peer_urls(matches)?;
    let client = connect(session).await?;
    let request = pb::MemberAddRequest {
        peer_ur_ls: peer_ur_ls.clone(),
        is_learner: switch(matches, "learner"),
    };
    let response = client.member_add(request).await;
    let response = response
        .map_err(|error| Trouble::rpc(format!("cannot add member {}", quote(&name)), &error))?;
    let id = response.member.as_ref().map_or(0, |member| member.id);
    let members = response.members.clone();
    let added = Changed::Added(response);
    session.answer(&Answer::Changed { id, changed: added })?;
    if session.format.kind == Kind::Simple {
        print(how_to_start(session, &name, id, &peer_ur_ls, &members).as_bytes())?;
    }
    Ok(Exit::DONE)
}

/// The variables with which the new member is to be started.
fn how_to_start(
    session: &Session,
    name: &str,
    id: u64,
    urls: &[String],
    members: &[pb::Member],
) -> String {
    let all = members.iter().flat_map(|member| {
        let called = if member.id == id { name } else { &member.name };
        let one = move |url| format!("{called}={url}");
        member.peer_ur_ls.iter().map(one)
    });
    let all = all.collect::<Vec<_>>().join(",");
    let prefix = match session.imitating {
        true => "ETCD",
        false => "CORACLE",
    };
    format!(
        "\n{prefix}_NAME={}\n{prefix}_INITIAL_CLUSTER={}\n\
         {prefix}_INITIAL_ADVERTISE_PEER_URLS={}\n{prefix}_INITIAL_CLUSTER_STATE=\"existing\"\n",
        quote(name),
        quote(&all),
        quote(&urls.join(",")),
    )
}

pub(super) async fn remove(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = the_member(matches)?;
    let client = connect(session).await?;
    let response = client.member_remove(pb::MemberRemoveRequest { id }).await;
    let response =
        response.map_err(|error| Trouble::rpc(format!("cannot remove member {id:x}"), &error))?;
    let changed = Changed::Removed(response);
    session.answer(&Answer::Changed { id, changed })
}

pub(super) async fn update(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = the_member(matches)?;
    let peer_ur_ls = peer_urls(matches)?;
    let client = connect(session).await?;
    let request = pb::MemberUpdateRequest { id, peer_ur_ls };
    let response = client.member_update(request).await;
    let response =
        response.map_err(|error| Trouble::rpc(format!("cannot update member {id:x}"), &error))?;
    let changed = Changed::Updated(response);
    session.answer(&Answer::Changed { id, changed })
}

pub(super) async fn promote(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let id = the_member(matches)?;
    let client = connect(session).await?;
    let response = client.member_promote(pb::MemberPromoteRequest { id }).await;
    let response =
        response.map_err(|error| Trouble::rpc(format!("cannot promote member {id:x}"), &error))?;
    let changed = Changed::Promoted(response);
    session.answer(&Answer::Changed { id, changed })
}

/// Only the leader gives its office away, so it is looked for among the endpoints.
pub(super) async fn move_leader(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let [target] = &arguments(matches)[..] else {
        let text = "move-leader command needs 1 argument";
        return Err(Trouble::misuse(BAD_ARGUMENTS, text));
    };
    let target_id = member_id(target, |why| why.to_owned())?;
    let (client, leader) = leader_among(session).await?;
    let what = format!("cannot give the lead to member {target_id:x}");
    let moved = client
        .move_leader(pb::MoveLeaderRequest { target_id })
        .await;
    moved.map_err(|error| Trouble::rpc(what, &error))?;
    if session.wants_document() {
        let (from, to) = (format!("{leader:x}"), format!("{target_id:x}"));
        let document = serde_json::json!({"from": from, "to": to});
        print(format!("{document}\n").as_bytes())?;
    } else {
        let text = format!("Leadership transferred from {leader:x} to {target_id:x}\n");
        print(text.as_bytes())?;
    }
    Ok(Exit::DONE)
}

async fn leader_among(session: &Session) -> Result<(Client, u64), Trouble> {
    session.check_format()?;
    let limits = session.dialing()?;
    let mut failed: Option<ClientError> = None;
    for endpoint in &session.endpoints {
        let client = match session.connect_to(endpoint, &limits).await {
            Ok(client) => client,
            Err(error) => {
                failed = Some(error);
                continue;
            }
        };
        match client.status(pb::StatusRequest {}).await {
            Ok(status) => {
                let own = status.header.unwrap_or_default().member_id;
                if own == status.leader {
                    return Ok((client, own));
                }
            }
            Err(error) if session.imitating => {
                return Err(Trouble::rpc("cannot find the leader", &error));
            }
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = &failed {
        tell(format_args!(
            "not every endpoint answers: {}",
            session.words(error)
        ));
    }
    let all = session.endpoints.join(" ");
    let text = format!("no leader endpoint given at [{all}]");
    Err(Trouble::misuse(BAD_ARGUMENTS, text)
        .hint("name all members with --endpoints, and see who leads with `coracle cluster status`"))
}

/// A format that has no form for the answer is told before anything is changed; etcdctl does so
/// afterwards.
async fn connect(session: &Session) -> Result<Client, Trouble> {
    if !session.imitating && matches!(session.format.kind, Kind::Table | Kind::Fields) {
        let text = "such an answer has no form as a table or as fields";
        return Err(Trouble::misuse(BAD_FEATURE, text));
    }
    session.connect().await
}

fn peer_urls(matches: &Matches) -> Result<Vec<String>, Trouble> {
    match text(matches, "peer-urls") {
        "" => Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "member peer urls not provided",
        )),
        urls => Ok(urls.split(',').map(str::to_owned).collect()),
    }
}

fn the_member(matches: &Matches) -> Result<u64, Trouble> {
    let [id] = &arguments(matches)[..] else {
        return Err(Trouble::misuse(BAD_ARGUMENTS, "member ID is not provided"));
    };
    member_id(id, |why| {
        format!("bad member ID arg ({why}), expecting ID in Hex")
    })
}

fn member_id(argument: &[u8], words: impl FnOnce(&str) -> String) -> Result<u64, Trouble> {
    let argument = String::from_utf8_lossy(argument);
    // A sign is no digit, though Rust takes a plus for one.
    let digits = argument.chars().all(|digit| digit.is_ascii_hexdigit());
    let parsed = u64::from_str_radix(&argument, 16).ok().filter(|_| digits);
    parsed.ok_or_else(|| {
        let why = match digits && !argument.is_empty() {
            true => "value out of range",
            false => "invalid syntax",
        };
        let why = format!("strconv.ParseUint: parsing {}: {why}", quote(&argument));
        Trouble::misuse(BAD_ARGUMENTS, words(&why))
            .ours(
                format!("{} is no member", quote(&argument)),
                "write its ID in hexadecimal",
            )
            .hint("see the members with `kvctl member list`")
    })
}

fn quote(text: &str) -> String {
    go::quote(text.as_bytes())
}
