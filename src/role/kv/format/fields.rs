//! One `"Name" : value` a line.

use std::fmt::Display;

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response as Op;
use crate::adapter::rpc::proto::mvccpb::KeyValue;
use crate::cli::kv::go;
use crate::role::kv::format::{Answer, alarm_name, event_name};

pub(super) fn render(answer: &Answer) -> Vec<u8> {
    let mut lines = Lines(String::new());
    lines.answer(answer);
    lines.0.into_bytes()
}

struct Lines(String);

impl Lines {
    fn field(&mut self, name: &str, value: impl Display) {
        self.0 += &format!("\"{name}\" : {value}\n");
    }

    fn quoted(&mut self, name: &str, value: &[u8]) {
        self.field(name, go::quote(value));
    }

    fn end(&mut self) {
        self.0.push('\n');
    }

    fn header(&mut self, header: &Option<pb::ResponseHeader>) {
        let Some(header) = header else { return };
        self.field("ClusterID", header.cluster_id);
        self.field("MemberID", header.member_id);
        self.field("Revision", header.revision);
        self.field("RaftTerm", header.raft_term);
    }

    fn pairs<'a>(&mut self, prefix: &str, pairs: impl IntoIterator<Item = &'a KeyValue>) {
        for pair in pairs {
            self.quoted(&format!("{prefix}Key"), &pair.key);
            self.field(&format!("{prefix}CreateRevision"), pair.create_revision);
            self.field(&format!("{prefix}ModRevision"), pair.mod_revision);
            self.field(&format!("{prefix}Version"), pair.version);
            self.quoted(&format!("{prefix}Value"), &pair.value);
            self.field(&format!("{prefix}Lease"), pair.lease);
        }
    }

    fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Put(response) => self.put(response),
            Answer::Get(response) => self.get(response),
            Answer::Delete(response) => self.delete(response),
            Answer::Txn(response) => self.txn(response),
            Answer::Watch(response) => {
                self.header(&response.header);
                for event in &response.events {
                    self.field("Type", event_name(event.r#type));
                    self.pairs("Prev", &event.prev_kv);
                    self.pairs("", &event.kv);
                }
            }
            Answer::Grant(lease) => self.lease(&lease.header, lease.id, lease.ttl),
            Answer::KeepAlive(lease) => self.lease(&lease.header, lease.id, lease.ttl),
            Answer::TimeToLive { response, .. } => {
                self.lease(&response.header, response.id, response.ttl);
                self.field("GrantedTTL", response.granted_ttl);
                response.keys.iter().for_each(|key| self.quoted("Key", key));
            }
            Answer::Revoke { response, .. } => self.header(&response.header),
            Answer::Leases(response) => {
                self.header(&response.header);
                response
                    .leases
                    .iter()
                    .for_each(|lease| self.field("ID", lease.id));
            }
            Answer::Members(response) => self.members(response),
            // etcdctl has no such form.
            Answer::Changed { .. } => {}
            Answer::Alarms(response) => {
                self.header(&response.header);
                for alarm in &response.alarms {
                    self.field("MemberID", alarm.member_id);
                    self.field("AlarmType", alarm_name(alarm.alarm));
                    self.end();
                }
            }
            Answer::Health(all) => {
                for one in all {
                    self.quoted("Endpoint", one.endpoint.as_bytes());
                    self.field("Health", one.error.is_empty());
                    self.field("Took", go::duration(one.took));
                    self.field("Error", &one.error);
                    self.end();
                }
            }
            Answer::Status(all) => all
                .iter()
                .for_each(|(from, status)| self.status(from, status)),
            Answer::Snapshot(snapshot) => {
                self.field("Hash", snapshot.hash);
                self.field("Revision", snapshot.revision);
                self.field("Keys", snapshot.keys);
                self.field("Size", snapshot.bytes);
            }
            Answer::Hash(all) => {
                for (endpoint, response) in all {
                    self.header(&response.header);
                    self.quoted("Endpoint", endpoint.as_bytes());
                    self.field("Hash", response.hash);
                    self.end();
                }
            }
        }
    }

    fn put(&mut self, response: &pb::PutResponse) {
        self.header(&response.header);
        self.pairs("Prev", &response.prev_kv);
    }

    fn get(&mut self, response: &pb::RangeResponse) {
        self.header(&response.header);
        self.pairs("", &response.kvs);
        self.field("More", response.more);
        self.field("Count", response.count);
    }

    fn delete(&mut self, response: &pb::DeleteRangeResponse) {
        self.header(&response.header);
        self.field("Deleted", response.deleted);
        self.pairs("Prev", &response.prev_kvs);
    }

    fn txn(&mut self, response: &pb::TxnResponse) {
        self.header(&response.header);
        self.field("Succeeded", response.succeeded);
        for operation in response
            .responses
            .iter()
            .filter_map(|op| op.response.as_ref())
        {
            match operation {
                Op::ResponsePut(response) => self.put(response),
                Op::ResponseRange(response) => self.get(response),
                Op::ResponseDeleteRange(response) => self.delete(response),
                Op::ResponseTxn(response) => self.txn(response),
            }
        }
    }

    fn lease(&mut self, header: &Option<pb::ResponseHeader>, id: i64, ttl: i64) {
        self.header(header);
        self.field("ID", id);
        self.field("TTL", ttl);
    }

    fn members(&mut self, response: &pb::MemberListResponse) {
        self.header(&response.header);
        for member in &response.members {
            self.field("ID", member.id);
            self.quoted("Name", member.name.as_bytes());
            member
                .peer_ur_ls
                .iter()
                .for_each(|url| self.quoted("PeerURL", url.as_bytes()));
            member
                .client_ur_ls
                .iter()
                .for_each(|url| self.quoted("ClientURL", url.as_bytes()));
            self.field("IsLearner", member.is_learner);
            self.end();
        }
    }

    fn status(&mut self, endpoint: &str, status: &pb::StatusResponse) {
        self.header(&status.header);
        self.quoted("Version", status.version.as_bytes());
        self.field("DBSize", status.db_size);
        self.field("Leader", status.leader);
        self.field("IsLearner", status.is_learner);
        self.field("RaftIndex", status.raft_index);
        self.field("RaftTerm", status.raft_term);
        self.field("RaftAppliedIndex", status.raft_applied_index);
        self.field("Errors", format_args!("[{}]", status.errors.join(" ")));
        self.quoted("Endpoint", endpoint.as_bytes());
        self.end();
    }
}
