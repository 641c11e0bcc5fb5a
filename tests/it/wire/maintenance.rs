//! Hashes, alarms and upkeep.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::maintenance_client::MaintenanceClient;
use tonic::Response;

use crate::wire::side_by_side;

#[tokio::test]
async fn hashes_alarms_and_upkeep_answer_alike() {
    side_by_side(async |s| {
        let mut client = MaintenanceClient::new(s.channel.clone());
        s.set("a", "1").await;
        s.set("a", "2").await;
        for _ in 0..2 {
            for revision in [0, 1, 2, 99] {
                let answer = client.hash_kv(pb::HashKvRequest { revision }).await;
                // The figure is each server's own, and etcd 3.5 does not say the revision.
                let answer = answer.map(|answer| answer.into_inner().compact_revision);
                s.keep(&format!("hash {revision}"), answer.map(Response::new));
            }
            s.compact(3).await;
        }
        for action in 0..3 {
            for alarm in [1, 0] {
                let member_id = 0;
                let request = pb::AlarmRequest {
                    action,
                    member_id,
                    alarm,
                };
                s.keep("alarm", client.alarm(request).await);
                s.set("b", "1").await;
            }
        }
        s.keep(
            "defragment",
            client.defragment(pb::DefragmentRequest {}).await,
        );
    })
    .await;
}
