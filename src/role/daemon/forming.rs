//! Who the member is and with whom it begins, when its data directory is new.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::adapter::data_directory::Identity;
use crate::adapter::host;
use crate::adapter::raft::Member;
use crate::cli::config::Settings;
use crate::core::cluster::founding::Founders;
use crate::core::kv::request::KvError;
use crate::error::{Exit, Failure};
use crate::role::daemon::listen::Listening;
use crate::role::daemon::node::Node;

/// The identity of a member that begins now.
pub(super) fn identity(settings: &Settings) -> Identity {
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
        [] => bound.to_vec(),
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
    if node.consensus.is_alone() {
        return;
    }
    while let Err(error) = node.consensus.publish(&own).await {
        if error == KvError::Stopped {
            return;
        }
        tracing::info!(%error, "the other members are not told yet where this one is");
    }
}
