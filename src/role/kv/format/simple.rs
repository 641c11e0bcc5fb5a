//! The format for people, which many scripts read, too.

use std::io::Write;

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response as Op;
use crate::adapter::rpc::proto::mvccpb::KeyValue;
use crate::cli::kv::go;
use crate::role::kv::format::{Answer, Changed, Format, alarm_name, event_name, table};

/// Appends a formatted line; writing to memory cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {
        writeln!($out, $($text)*).expect("memory takes every write")
    };
}

pub(super) fn render(answer: &Answer, format: &Format) -> Vec<u8> {
    let mut out = Vec::new();
    match answer {
        Answer::Put(response) => put(&mut out, response, format),
        Answer::Get(response) => pairs(&mut out, &response.kvs, format),
        Answer::Delete(response) => delete(&mut out, response, format),
        Answer::Txn(response) => txn(&mut out, response, format),
        Answer::Watch(response) => {
            for event in &response.events {
                line!(out, "{}", event_name(event.r#type));
                pairs(&mut out, &event.prev_kv, format);
                pairs(&mut out, &event.kv, format);
            }
        }
        Answer::Grant(lease) => {
            line!(
                out,
                "lease {:016x} granted with TTL({}s)",
                lease.id,
                lease.ttl
            );
        }
        Answer::Revoke { id, .. } => line!(out, "lease {id:016x} revoked"),
        Answer::KeepAlive(lease) => {
            line!(
                out,
                "lease {:016x} keepalived with TTL({})",
                lease.id,
                lease.ttl
            );
        }
        Answer::TimeToLive { response, keys } => time_to_live(&mut out, response, *keys),
        Answer::Leases(response) => {
            line!(out, "found {} leases", response.leases.len());
            response
                .leases
                .iter()
                .for_each(|lease| line!(out, "{:016x}", lease.id));
        }
        Answer::Changed { id, changed } => self::changed(&mut out, *id, changed),
        Answer::Alarms(response) => {
            for alarm in &response.alarms {
                line!(
                    out,
                    "memberID:{} alarm:{} ",
                    alarm.member_id,
                    alarm_name(alarm.alarm)
                );
            }
        }
        Answer::Health(all) => {
            for one in all.iter().filter(|one| one.error.is_empty()) {
                let took = go::duration(one.took);
                let verdict = "is healthy: successfully committed proposal";
                line!(out, "{} {verdict}: took = {took}", one.endpoint);
            }
        }
        Answer::Members(_) | Answer::Status(_) | Answer::Hash(_) | Answer::Snapshot(_) => {
            for row in table::rows(answer).unwrap_or_default() {
                line!(out, "{}", row.join(", "));
            }
        }
    }
    out
}

fn changed(out: &mut Vec<u8>, id: u64, changed: &Changed) {
    let cluster = changed.header().unwrap_or_default().cluster_id;
    let words = changed.words();
    line!(out, "Member {id:16x} {words} cluster {cluster:16x}");
}

fn put(out: &mut Vec<u8>, response: &pb::PutResponse, format: &Format) {
    line!(out, "OK");
    pairs(out, &response.prev_kv, format);
}

fn delete(out: &mut Vec<u8>, response: &pb::DeleteRangeResponse, format: &Format) {
    line!(out, "{}", response.deleted);
    pairs(out, &response.prev_kvs, format);
}

fn txn(out: &mut Vec<u8>, response: &pb::TxnResponse, format: &Format) {
    line!(
        out,
        "{}",
        if response.succeeded {
            "SUCCESS"
        } else {
            "FAILURE"
        }
    );
    for operation in response
        .responses
        .iter()
        .filter_map(|op| op.response.as_ref())
    {
        line!(out, "");
        match operation {
            Op::ResponsePut(response) => put(out, response, format),
            Op::ResponseRange(response) => pairs(out, &response.kvs, format),
            Op::ResponseDeleteRange(response) => delete(out, response, format),
            Op::ResponseTxn(response) => txn(out, response, format),
        }
    }
}

fn time_to_live(out: &mut Vec<u8>, lease: &pb::LeaseTimeToLiveResponse, keys: bool) {
    if lease.granted_ttl == 0 && lease.ttl == -1 {
        return line!(out, "lease {:016x} already expired", lease.id);
    }
    let (id, granted, left) = (lease.id, lease.granted_ttl, lease.ttl);
    write!(
        out,
        "lease {id:016x} granted with TTL({granted}s), remaining({left}s)"
    )
    .expect("memory takes every write");
    if keys {
        out.extend_from_slice(b", attached keys([");
        out.extend_from_slice(&lease.keys.join(&b' '));
        out.extend_from_slice(b"])");
    }
    line!(out, "");
}

fn pairs<'a>(out: &mut Vec<u8>, pairs: impl IntoIterator<Item = &'a KeyValue>, format: &Format) {
    let mut text = |bytes: &[u8]| {
        if format.hex {
            out.extend(
                bytes
                    .iter()
                    .flat_map(|byte| format!("\\x{byte:02x}").into_bytes()),
            );
        } else {
            out.extend_from_slice(bytes);
        }
        out.push(b'\n');
    };
    for pair in pairs {
        if !format.value_only {
            text(&pair.key);
        }
        text(&pair.value);
    }
}
