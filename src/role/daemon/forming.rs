//! Who the member is and with whom it begins, when its data directory is new.

use std::collections::BTreeMap;

use crate::adapter::host;
use crate::adapter::raft::Member;
use crate::cli::config::Settings;
use crate::core::cluster::founding::Founders;
use crate::role::daemon::listen::Listening;
use crate::role::daemon::node::Identity;

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
