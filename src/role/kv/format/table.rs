//! The rows that `table` draws and `simple` joins, for answers about members and endpoints.

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::kv::{go, table};
use crate::role::kv::format::{Answer, Health};

pub(super) fn render(answer: &Answer) -> Option<Vec<u8>> {
    let headings: &[&str] = match answer {
        Answer::Members(_) => &[
            "ID",
            "STATUS",
            "NAME",
            "PEER ADDRS",
            "CLIENT ADDRS",
            "IS LEARNER",
        ],
        Answer::Health(_) => &["ENDPOINT", "HEALTH", "TOOK", "ERROR"],
        Answer::Status(_) => &[
            "ENDPOINT",
            "ID",
            "VERSION",
            "DB SIZE",
            "IS LEADER",
            "IS LEARNER",
            "RAFT TERM",
            "RAFT INDEX",
            "RAFT APPLIED INDEX",
            "ERRORS",
        ],
        Answer::Hash(_) => &["ENDPOINT", "HASH"],
        Answer::Snapshot(_) => &["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"],
        _ => return None,
    };
    Some(table::draw(headings, &rows(answer)?).into_bytes())
}

/// The cells; nothing for answers that are no list of members or endpoints.
pub(super) fn rows(answer: &Answer) -> Option<Vec<Vec<String>>> {
    Some(match answer {
        Answer::Members(response) => response.members.iter().map(member).collect(),
        Answer::Health(all) => all.iter().map(health).collect(),
        Answer::Status(all) => all
            .iter()
            .map(|(from, status)| self::status(from, status))
            .collect(),
        Answer::Hash(all) => all
            .iter()
            .map(|(from, hash)| vec![from.clone(), hash.hash.to_string()])
            .collect(),
        Answer::Snapshot(snapshot) => vec![vec![
            format!("{:x}", snapshot.hash),
            snapshot.revision.to_string(),
            snapshot.keys.to_string(),
            go::size(snapshot.bytes),
        ]],
        _ => return None,
    })
}

fn member(member: &pb::Member) -> Vec<String> {
    vec![
        format!("{:x}", member.id),
        if member.name.is_empty() {
            "unstarted"
        } else {
            "started"
        }
        .to_owned(),
        member.name.clone(),
        member.peer_ur_ls.join(","),
        member.client_ur_ls.join(","),
        member.is_learner.to_string(),
    ]
}

fn health(one: &Health) -> Vec<String> {
    let healthy = one.error.is_empty().to_string();
    vec![
        one.endpoint.clone(),
        healthy,
        go::duration(one.took),
        one.error.clone(),
    ]
}

fn status(endpoint: &str, status: &pb::StatusResponse) -> Vec<String> {
    let member = status.header.unwrap_or_default().member_id;
    vec![
        endpoint.to_owned(),
        format!("{member:x}"),
        status.version.clone(),
        go::size(status.db_size.unsigned_abs()),
        (status.leader == member).to_string(),
        status.is_learner.to_string(),
        status.raft_term.to_string(),
        status.raft_index.to_string(),
        status.raft_applied_index.to_string(),
        status.errors.join(", "),
    ]
}
