//! Our JSON: strings as they are, one document a line, made for `jq`.
//!
//! A byte string that is not UTF-8 is in base64 under the name with `_base64` added. Ids are
//! hexadecimal strings, as every other output and flag has them.

use serde_json::{Map, Value, json};

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response as Op;
use crate::adapter::rpc::proto::mvccpb::{Event, KeyValue};
use crate::cli::kv::go;
use crate::role::kv::format::json::base64;
use crate::role::kv::format::{Answer, Health, alarm_name};

pub(super) fn render(answer: &Answer) -> Vec<u8> {
    let documents: Vec<Value> = match answer {
        Answer::Watch(response) => response.events.iter().map(event).collect(),
        _ => vec![document(answer)],
    };
    documents
        .iter()
        .flat_map(|document| format!("{document}\n").into_bytes())
        .collect()
}

fn document(answer: &Answer) -> Value {
    match answer {
        Answer::Put(response) => put(response),
        Answer::Get(response) => get(response),
        Answer::Delete(response) => delete(response),
        Answer::Txn(response) => txn(response),
        Answer::Watch(response) => response.events.iter().map(event).collect(),
        Answer::Grant(lease) => json!({"lease": id(lease.id), "ttl": lease.ttl}),
        Answer::KeepAlive(lease) => json!({"lease": id(lease.id), "ttl": lease.ttl}),
        Answer::Revoke { id: lease, .. } => json!({"lease": id(*lease), "revoked": true}),
        Answer::TimeToLive { response, keys } => {
            let mut document = json!({
                "lease": id(response.id),
                "ttl": response.ttl,
                "granted_ttl": response.granted_ttl,
            });
            if *keys {
                let keys = response
                    .keys
                    .iter()
                    .map(|key| named(&[("key", key)]).into());
                document["keys"] = keys.collect::<Vec<Value>>().into();
            }
            document
        }
        Answer::Leases(response) => {
            json!({"leases": response.leases.iter().map(|lease| id(lease.id)).collect::<Vec<_>>()})
        }
        Answer::Members(response) => {
            json!({"members": response.members.iter().map(member).collect::<Vec<_>>()})
        }
        Answer::Changed { id, changed } => json!({
            "member": format!("{id:x}"),
            "members": changed.members().iter().map(member).collect::<Vec<_>>(),
        }),
        Answer::Alarms(response) => {
            let alarms = response.alarms.iter().map(|alarm| {
                let member = format!("{:x}", alarm.member_id);
                json!({"member": member, "alarm": alarm_name(alarm.alarm)})
            });
            json!({"alarms": alarms.collect::<Vec<_>>()})
        }
        Answer::Health(all) => all.iter().map(health).collect(),
        Answer::Status(all) => all
            .iter()
            .map(|(from, response)| status(from, response))
            .collect(),
        Answer::Snapshot(snapshot) => json!({
            "hash": format!("{:x}", snapshot.hash),
            "revision": snapshot.revision,
            "keys": snapshot.keys,
            "bytes": snapshot.bytes,
        }),
        Answer::Hash(all) => all
            .iter()
            .map(|(from, hash)| {
                json!({
                    "endpoint": from,
                    "hash": hash.hash,
                    "compact_revision": hash.compact_revision,
                })
            })
            .collect(),
    }
}

fn health(one: &Health) -> Value {
    let mut document = json!({
        "endpoint": one.endpoint,
        "healthy": one.error.is_empty(),
        "took": go::duration(one.took),
    });
    if !one.error.is_empty() {
        document["error"] = one.error.as_str().into();
    }
    document
}

fn id(lease: i64) -> String {
    format!("{lease:016x}")
}

fn revision(header: &Option<pb::ResponseHeader>) -> i64 {
    header.unwrap_or_default().revision
}

/// Byte strings under their names, as text if they are text.
fn named(fields: &[(&str, &[u8])]) -> Map<String, Value> {
    let field = |&(name, bytes): &(&str, &[u8])| match str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), text.into()),
        Err(_) => (format!("{name}_base64"), base64(bytes).into()),
    };
    fields.iter().map(field).collect()
}

fn pair(pair: &KeyValue) -> Map<String, Value> {
    let mut document = named(&[("key", &pair.key), ("value", &pair.value)]);
    document.insert("create_revision".into(), pair.create_revision.into());
    document.insert("mod_revision".into(), pair.mod_revision.into());
    document.insert("version".into(), pair.version.into());
    if pair.lease != 0 {
        document.insert("lease".into(), id(pair.lease).into());
    }
    document
}

fn pairs(pairs: &[KeyValue]) -> Vec<Value> {
    pairs.iter().map(|one| pair(one).into()).collect()
}

fn put(response: &pb::PutResponse) -> Value {
    let mut document = json!({"revision": revision(&response.header)});
    if let Some(previous) = &response.prev_kv {
        document["previous"] = pair(previous).into();
    }
    document
}

fn get(response: &pb::RangeResponse) -> Value {
    json!({
        "revision": revision(&response.header),
        "count": response.count,
        "more": response.more,
        "keys": pairs(&response.kvs),
    })
}

fn delete(response: &pb::DeleteRangeResponse) -> Value {
    let mut document = json!({"revision": revision(&response.header), "deleted": response.deleted});
    if !response.prev_kvs.is_empty() {
        document["previous"] = pairs(&response.prev_kvs).into();
    }
    document
}

fn txn(response: &pb::TxnResponse) -> Value {
    let operations = response
        .responses
        .iter()
        .filter_map(|op| op.response.as_ref());
    let answers = operations.map(|operation| match operation {
        Op::ResponsePut(response) => json!({"put": put(response)}),
        Op::ResponseRange(response) => json!({"get": get(response)}),
        Op::ResponseDeleteRange(response) => json!({"del": delete(response)}),
        Op::ResponseTxn(response) => json!({"txn": txn(response)}),
    });
    json!({
        "revision": revision(&response.header),
        "succeeded": response.succeeded,
        "answers": answers.collect::<Vec<_>>(),
    })
}

fn event(event: &Event) -> Value {
    let mut document = Map::new();
    document.insert(
        "event".into(),
        if event.r#type == 0 { "put" } else { "delete" }.into(),
    );
    if let Some(changed) = &event.kv {
        document.extend(pair(changed));
        if event.r#type != 0 {
            for absent in ["value", "create_revision", "version"] {
                document.shift_remove(absent);
            }
        }
    }
    if let Some(previous) = &event.prev_kv {
        document.insert("previous".into(), pair(previous).into());
    }
    document.into()
}

fn member(member: &pb::Member) -> Value {
    json!({
        "id": format!("{:x}", member.id),
        "name": member.name,
        "peer_urls": member.peer_ur_ls,
        "client_urls": member.client_ur_ls,
        "learner": member.is_learner,
    })
}

fn status(endpoint: &str, status: &pb::StatusResponse) -> Value {
    json!({
        "endpoint": endpoint,
        "member": format!("{:x}", status.header.unwrap_or_default().member_id),
        "version": status.version,
        "leader": format!("{:x}", status.leader),
        "learner": status.is_learner,
        "revision": revision(&status.header),
        "raft_term": status.raft_term,
        "raft_index": status.raft_index,
        "raft_applied_index": status.raft_applied_index,
        "size_bytes": status.db_size,
        "size_in_use_bytes": status.db_size_in_use,
        "errors": status.errors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_plain_and_other_bytes_are_base64() {
        let pair = KeyValue {
            key: "k\u{e9}".into(),
            value: b"\xff"[..].into(),
            ..Default::default()
        };
        let response = pb::RangeResponse {
            kvs: vec![pair],
            count: 1,
            ..Default::default()
        };
        let expected = "{\"revision\":0,\"count\":1,\"more\":false,\"keys\":[{\"key\":\"k\u{e9}\",\
            \"value_base64\":\"/w==\",\"create_revision\":0,\"mod_revision\":0,\"version\":0}]}\n";
        assert_eq!(render(&Answer::Get(response)), expected.as_bytes());
    }
}
