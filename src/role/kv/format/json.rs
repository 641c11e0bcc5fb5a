//! etcdctl's JSON: Go's encoding of the protobuf structs, base64 and decimal numbers included.
//!
//! Fields are in declaration order and absent when zero, except where etcdctl wraps the message
//! in a struct of its own.

use serde_json::{Map, Value, json};

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response as Op;
use crate::adapter::rpc::proto::mvccpb::{Event, KeyValue};
use crate::cli::kv::go;
use crate::role::kv::format::{Answer, Changed, Health};

pub(super) fn render(answer: &Answer, hex: bool) -> Vec<u8> {
    let value = match answer {
        Answer::Put(response) => put(response),
        Answer::Get(response) => get(response),
        Answer::Delete(response) => delete(response),
        Answer::Txn(response) => txn(response),
        Answer::Watch(response) => watch(response),
        Answer::Grant(lease) => Object::flat(&lease.header)
            .always("ID", lease.id)
            .always("TTL", lease.ttl)
            .always("Error", lease.error.as_str())
            .value(),
        Answer::KeepAlive(lease) => Object::flat(&lease.header)
            .always("ID", lease.id)
            .always("TTL", lease.ttl)
            .value(),
        Answer::Revoke { response, .. } => Object::under(&response.header).value(),
        Answer::TimeToLive { response, .. } => Object::flat(&response.header)
            .always("id", response.id)
            .always("ttl", response.ttl)
            .always("granted-ttl", response.granted_ttl)
            .always("keys", keys(&response.keys))
            .value(),
        Answer::Leases(response) => {
            let leases: Vec<_> = response
                .leases
                .iter()
                .map(|lease| json!({"id": lease.id}))
                .collect();
            Object::flat(&response.header)
                .always("leases", leases)
                .value()
        }
        Answer::Members(response) if hex => members_in_hex(response),
        Answer::Members(response) => {
            let members: Vec<_> = response.members.iter().map(member).collect();
            Object::under(&response.header)
                .list("members", members)
                .value()
        }
        Answer::Changed { changed, .. } => self::changed(changed),
        Answer::Alarms(response) => {
            let alarms = response.alarms.iter().map(alarm).collect();
            Object::under(&response.header)
                .list("alarms", alarms)
                .value()
        }
        Answer::Health(all) => all.iter().map(health).collect(),
        Answer::Status(all) => all
            .iter()
            .map(|(from, response)| json!({"Endpoint": from, "Status": status(response)}))
            .collect(),
        Answer::Snapshot(snapshot) => json!({
            "hash": snapshot.hash,
            "revision": snapshot.revision,
            "totalKey": snapshot.keys,
            "totalSize": snapshot.bytes,
        }),
        Answer::Hash(all) => all
            .iter()
            .map(|(from, response)| json!({"Endpoint": from, "HashKV": hash(response)}))
            .collect(),
    };
    escape(&value.to_string())
}

/// Go escapes what could end a script element; these characters occur only inside strings.
fn escape(json: &str) -> Vec<u8> {
    let escaped = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    (escaped + "\n").into_bytes()
}

/// An object whose zero fields are left out.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    /// Begins with the header as a field.
    fn under(header: &Option<pb::ResponseHeader>) -> Self {
        match header {
            Some(header) => Self::default().always("header", Self::flat(&Some(*header)).value()),
            None => Self::default(),
        }
    }

    /// Begins with the fields of the header.
    fn flat(header: &Option<pb::ResponseHeader>) -> Self {
        let header = header.unwrap_or_default();
        Self::default()
            .unsigned("cluster_id", header.cluster_id)
            .unsigned("member_id", header.member_id)
            .signed("revision", header.revision)
            .unsigned("raft_term", header.raft_term)
    }

    fn always(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn unless(self, zero: bool, name: &str, value: impl Into<Value>) -> Self {
        if zero { self } else { self.always(name, value) }
    }

    fn signed(self, name: &str, value: i64) -> Self {
        self.unless(value == 0, name, value)
    }

    fn unsigned(self, name: &str, value: u64) -> Self {
        self.unless(value == 0, name, value)
    }

    fn truth(self, name: &str, value: bool) -> Self {
        self.unless(!value, name, value)
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.unless(value.is_empty(), name, value)
    }

    fn bytes(self, name: &str, value: &[u8]) -> Self {
        self.unless(value.is_empty(), name, base64(value))
    }

    fn list(self, name: &str, values: Vec<Value>) -> Self {
        self.unless(values.is_empty(), name, values)
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

fn pair(pair: &KeyValue) -> Value {
    Object::default()
        .bytes("key", &pair.key)
        .signed("create_revision", pair.create_revision)
        .signed("mod_revision", pair.mod_revision)
        .signed("version", pair.version)
        .bytes("value", &pair.value)
        .signed("lease", pair.lease)
        .value()
}

fn put(response: &pb::PutResponse) -> Value {
    let object = Object::under(&response.header);
    match &response.prev_kv {
        Some(previous) => object.always("prev_kv", pair(previous)).value(),
        None => object.value(),
    }
}

fn get(response: &pb::RangeResponse) -> Value {
    Object::under(&response.header)
        .list("kvs", response.kvs.iter().map(pair).collect())
        .truth("more", response.more)
        .signed("count", response.count)
        .value()
}

fn delete(response: &pb::DeleteRangeResponse) -> Value {
    Object::under(&response.header)
        .signed("deleted", response.deleted)
        .list("prev_kvs", response.prev_kvs.iter().map(pair).collect())
        .value()
}

fn txn(response: &pb::TxnResponse) -> Value {
    let operations = response
        .responses
        .iter()
        .filter_map(|op| op.response.as_ref());
    let operation = |operation: &Op| match operation {
        Op::ResponsePut(response) => json!({"response_put": put(response)}),
        Op::ResponseRange(response) => json!({"response_range": get(response)}),
        Op::ResponseDeleteRange(response) => json!({"response_delete_range": delete(response)}),
        Op::ResponseTxn(response) => json!({"response_txn": txn(response)}),
    };
    let wrapped = operations
        .map(|op| json!({"Response": operation(op)}))
        .collect();
    Object::under(&response.header)
        .truth("succeeded", response.succeeded)
        .list("responses", wrapped)
        .value()
}

fn watch(response: &pb::WatchResponse) -> Value {
    json!({
        "Header": Object::flat(&response.header).value(),
        "Events": response.events.iter().map(event).collect::<Vec<_>>(),
        "CompactRevision": response.compact_revision,
        "Canceled": response.canceled,
        "Created": response.created,
    })
}

fn event(event: &Event) -> Value {
    let mut object = Object::default().signed("type", event.r#type.into());
    for (name, part) in [("kv", &event.kv), ("prev_kv", &event.prev_kv)] {
        if let Some(part) = part {
            object = object.always(name, pair(part));
        }
    }
    object.value()
}

fn keys(keys: &[bytes::Bytes]) -> Value {
    match keys {
        [] => Value::Null,
        keys => keys.iter().map(|key| base64(key)).collect(),
    }
}

fn changed(changed: &Changed) -> Value {
    let members = changed.members().iter().map(member).collect();
    let object = Object::under(&changed.header());
    let added = match changed {
        Changed::Added(response) => response.member.as_ref(),
        _ => None,
    };
    let object = match added {
        Some(added) => object.always("member", member(added)),
        None => object,
    };
    object.list("members", members).value()
}

fn member(member: &pb::Member) -> Value {
    Object::default()
        .unsigned("ID", member.id)
        .text("name", &member.name)
        .list(
            "peerURLs",
            member
                .peer_ur_ls
                .iter()
                .map(|url| url.as_str().into())
                .collect(),
        )
        .list(
            "clientURLs",
            member
                .client_ur_ls
                .iter()
                .map(|url| url.as_str().into())
                .collect(),
        )
        .truth("isLearner", member.is_learner)
        .value()
}

/// etcdctl 3.5 writes this form by hand, with `clientURLS` and without `isLearner`.
fn members_in_hex(response: &pb::MemberListResponse) -> Value {
    let header = response.header.unwrap_or_default();
    let members = response.members.iter().map(|member| {
        json!({
            "ID": format!("{:x}", member.id),
            "name": member.name,
            "peerURLs": member.peer_ur_ls,
            "clientURLS": member.client_ur_ls,
        })
    });
    json!({
        "header": {
            "cluster_id": format!("{:x}", header.cluster_id),
            "member_id": format!("{:x}", header.member_id),
            "raft_term": header.raft_term,
        },
        "members": members.collect::<Vec<_>>(),
    })
}

fn alarm(alarm: &pb::AlarmMember) -> Value {
    Object::default()
        .unsigned("memberID", alarm.member_id)
        .signed("alarm", alarm.alarm.into())
        .value()
}

fn health(one: &Health) -> Value {
    Object::default()
        .always("endpoint", one.endpoint.as_str())
        .always("health", one.error.is_empty())
        .always("took", go::duration(one.took))
        .text("error", &one.error)
        .value()
}

fn status(status: &pb::StatusResponse) -> Value {
    Object::under(&status.header)
        .text("version", &status.version)
        .signed("dbSize", status.db_size)
        .unsigned("leader", status.leader)
        .unsigned("raftIndex", status.raft_index)
        .unsigned("raftTerm", status.raft_term)
        .unsigned("raftAppliedIndex", status.raft_applied_index)
        .list(
            "errors",
            status
                .errors
                .iter()
                .map(|error| error.as_str().into())
                .collect(),
        )
        .signed("dbSizeInUse", status.db_size_in_use)
        .truth("isLearner", status.is_learner)
        .value()
}

fn hash(hash: &pb::HashKvResponse) -> Value {
    Object::under(&hash.header)
        .unsigned("hash", hash.hash.into())
        .signed("compact_revision", hash.compact_revision)
        .value()
}

/// RFC 4648 base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, &byte| bits << 8 | u32::from(byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                letter.into()
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (text, encoded) in cases {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn script_characters_are_escaped_as_go_does() {
        assert_eq!(escape("\"<a&b>\""), b"\"\\u003ca\\u0026b\\u003e\"\n");
    }
}
