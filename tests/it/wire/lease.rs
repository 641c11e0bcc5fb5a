//! Leases.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::lease_client::LeaseClient;

use crate::wire::{anonymous, everything, put, side_by_side};

#[tokio::test]
async fn leases_and_their_errors_answer_alike() {
    side_by_side(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        for (id, ttl) in [
            (7, 100),
            (7, 100),
            (8, 0),
            (9, 1),
            (10, -1),
            (11, 9_000_000_001),
        ] {
            let answer = client.lease_grant(pb::LeaseGrantRequest { id, ttl }).await;
            s.keep("grant", answer);
        }
        // One key: etcd lists the keys of a lease in no order.
        for key in ["a"] {
            s.put(pb::PutRequest {
                lease: 7,
                ..put(key, "1")
            })
            .await;
        }
        for (id, keys) in [(7, true), (7, false), (99, true)] {
            let request = pb::LeaseTimeToLiveRequest { id, keys };
            let mut answer = client.lease_time_to_live(request).await;
            if let Ok(answer) = &mut answer {
                // A second may have passed.
                let answer = answer.get_mut();
                answer.ttl = answer.ttl.signum();
            }
            s.keep("time to live", answer);
        }
        for id in [7, 99] {
            let stream = tokio_stream::once(pb::LeaseKeepAliveRequest { id });
            let answers = client.lease_keep_alive(stream).await;
            let answer = answers.expect("a stream").into_inner().message().await;
            s.told.push(anonymous(&format!("{answer:?}")));
        }
        for id in [7, 7] {
            let answer = client.lease_revoke(pb::LeaseRevokeRequest { id }).await;
            s.keep("revoke", answer);
        }
        s.range(everything()).await;
    })
    .await;
}
