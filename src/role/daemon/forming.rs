//! Who the member is and with whom it begins, when its data directory is new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adapter::data_directory::Identity;
use crate::adapter::host;
use crate::adapter::raft::{self, Described, Member};
use crate::adapter::rpc::peer::{Links, Patience, Speaker};
use crate::adapter::tls;
use crate::cli::config::{InitialState, Settings};
use crate::cli::listen::reached;
use crate::core::cluster::founding::Founders;
use crate::core::kv::request::KvError;
use crate::error::{Exit, Failure};
use crate::role::daemon::listen::Listening;
use crate::role::daemon::node::Node;

/// How long a member that was added waits between two rounds of questions, and after how long it
/// begins no other: the others may be starting too, or electing a leader.
const LOOK_UP_PAUSE: Duration = Duration::from_millis(500);
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(5);

/// The identity of a member that begins now.
pub(super) async fn identity(
    settings: &Settings,
    tls: Option<&tls::Client>,
) -> Result<Identity, Failure> {
    match settings.initial_state {
        InitialState::New => Ok(founding_identity(settings)),
        InitialState::Existing => given_identity(settings, tls).await,
    }
}

/// What the members say that this one is: it was added under its peer URLs.
async fn given_identity(
    settings: &Settings,
    tls: Option<&tls::Client>,
) -> Result<Identity, Failure> {
    let what = "cannot take part in the cluster";
    let listed = settings.founders.as_ref();
    let listed = listed.and_then(|founders| founders.0.get(&settings.name));
    let mut urls = listed.cloned().unwrap_or_default();
    urls.sort_unstable();
    let described = ask_members(settings, tls).await.map_err(|whys| {
        let why = format!("none of the other members says who they are: {whys}");
        Failure::new(Exit::UNAVAILABLE, what, why)
            .hint("name them with --initial-cluster, and see that their daemons run")
    })?;
    let found = described.members.iter().find(|(_, member)| {
        let mut theirs = member.peer_urls.clone();
        theirs.sort_unstable();
        theirs == urls
    });
    let urls = urls.join(",");
    let Some((id, member)) = found else {
        let known = described.members.values();
        let known: Vec<String> = known.map(|member| member.peer_urls.join(",")).collect();
        let why = format!(
            "no member has the peer URLs {urls}; there are {}",
            known.join(" and ")
        );
        return Err(Failure::new(Exit::CONFLICT, what, why).hint(format!(
            "add it first, with `kvctl member add {} --peer-urls {urls}`",
            settings.name
        )));
    };
    if !member.client_urls.is_empty() {
        let why = format!(
            "member {id:x} at {urls} has taken part before, and data directory \"{}\" holds \
             nothing of it",
            settings.data_dir.display()
        );
        return Err(Failure::new(Exit::CONFLICT, what, why).hint(format!(
            "give the directory that it had with --data-dir DIR, or make it another member with \
             `kvctl member remove {id:x}` and `kvctl member add {} --peer-urls {urls}`",
            settings.name
        )));
    }
    Ok(Identity {
        cluster_id: described.cluster_id,
        member_id: *id,
    })
}

/// The first answer of any of the others; or why each gave none.
async fn ask_members(settings: &Settings, tls: Option<&tls::Client>) -> Result<Described, String> {
    // Neither side knows the other yet.
    let nobody = Speaker {
        cluster_id: 0,
        member_id: 0,
    };
    let election_timeout = Duration::from_millis(settings.election_ms);
    let links = Links::new(nobody, Patience::of(election_timeout)).secured_by(tls.cloned());
    let others = settings.founders.iter().flat_map(|founders| &founders.0);
    let others: Vec<_> = others.filter(|(name, _)| **name != settings.name).collect();
    let begun = Instant::now();
    loop {
        let mut whys = Vec::new();
        for (name, urls) in &others {
            match raft::look_up(&links, 0, urls).await {
                Ok(described) => return Ok(described),
                Err(error) => whys.push(format!("{name} at {}: {}", urls.join(","), error.why())),
            }
        }
        if begun.elapsed() >= LOOK_UP_PATIENCE {
            return Err(whys.join("; "));
        }
        tracing::info!(why = whys.join("; "), "asking the other members again");
        tokio::time::sleep(LOOK_UP_PAUSE).await;
    }
}

/// Refuses the data directory of another one of the founders: two daemons with one identity would
/// vote twice.
pub(super) fn refuse_mistaken(settings: &Settings, identity: Identity) -> Result<(), Failure> {
    let mut founders = settings.founders.iter().flat_map(|founders| &founders.0);
    let is_this =
        |urls: &[String]| Founders::member_id(urls, &settings.cluster_token) == identity.member_id;
    let Some((other, _)) = founders.find(|(_, urls)| is_this(urls)) else {
        return Ok(());
    };
    if *other == settings.name {
        return Ok(());
    }
    let why = format!(
        "data directory \"{}\" is that of member {other:?} ({:x}), and this daemon is to be {:?}",
        settings.data_dir.display(),
        identity.member_id,
        settings.name
    );
    let failure = Failure::new(Exit::CONFLICT, "cannot take part in the cluster", why);
    Err(failure.hint(
        "give its own directory with --data-dir DIR; one that lost its data is removed and added \
         anew, see `coracle cluster status`",
    ))
}

fn founding_identity(settings: &Settings) -> Identity {
    let token = &settings.cluster_token;
    let own = settings.founders.as_ref().and_then(|founders| {
        let urls = founders.0.get(&settings.name)?;
        Some(Identity {
            cluster_id: founders.cluster_id(token),
            member_id: Founders::member_id(urls, token),
        })
    });
    own.unwrap_or_else(|| Identity {
        cluster_id: host::random_u64(),
        member_id: host::random_u64(),
    })
}

/// The member as the others know it.
pub(super) fn own(settings: &Settings, listening: &Listening) -> Member {
    let told_or = |told: &[String], bound: &[String]| match told {
        [] => reached(bound),
        told => told.to_vec(),
    };
    Member {
        name: settings.name.clone(),
        peer_urls: told_or(&settings.advertise_peer, &listening.peer_urls),
        client_urls: told_or(&settings.advertise_client, &listening.client_urls),
    }
}

/// Who founds the cluster: this member, and those it was told of.
pub(super) fn founders(
    settings: &Settings,
    identity: Identity,
    own: Member,
) -> BTreeMap<u64, Member> {
    let mut members = BTreeMap::new();
    if settings.initial_state == InitialState::Existing {
        // Others have founded it; whoever leads tells this member everything.
        return members;
    }
    if let Some(founders) = &settings.founders {
        members.extend(
            founders
                .members(&settings.cluster_token)
                .map(|(id, name, urls)| {
                    let member = Member {
                        name: name.to_owned(),
                        peer_urls: urls.to_vec(),
                        client_urls: Vec::new(),
                    };
                    (id, member)
                }),
        );
    }
    if members.is_empty() {
        members.insert(identity.member_id, own);
    }
    members
}

/// Refuses a member that has taken part before and has lost its data directory since.
pub(super) async fn refuse_lost(
    node: &Node,
    settings: &Settings,
    founders: &BTreeMap<u64, Member>,
) -> Result<(), Failure> {
    let what = "cannot take part in the cluster";
    let lost = node.consensus.has_lost_its_past(founders).await;
    let lost = lost.map_err(|error| Failure::new(Exit::FAILED, what, error))?;
    if !lost {
        return Ok(());
    }
    let why = format!(
        "member {:?} has taken part before, and data directory \"{}\" holds nothing of it",
        settings.name,
        settings.data_dir.display()
    );
    Err(Failure::new(Exit::CONFLICT, what, why)
        .hint("give the directory that it had with --data-dir DIR, or restore it"))
}

/// Tells the other members where this one is reached now.
pub(super) async fn publish(node: Arc<Node>, own: Member) {
    if node.consensus.is_alone() && !node.is_elsewhere(&own) {
        return;
    }
    while let Err(error) = node.consensus.publish(&own).await {
        // One that was removed ends by itself.
        if matches!(error, KvError::Stopped | KvError::MemberNotFound) {
            return;
        }
        tracing::info!(%error, "the other members are not told yet where this one is");
    }
}
