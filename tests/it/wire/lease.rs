//! Leases.

use std::time::Instant;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use tonic::transport::Channel;

use crate::wire::{PATIENCE, anonymous, create, everything, ours, put, side_by_side};

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

/// Asks until a lease has at most `seconds` left.
async fn until_left(client: &mut LeaseClient<Channel>, id: i64, seconds: i64) {
    let begun = Instant::now();
    loop {
        let request = pb::LeaseTimeToLiveRequest { id, keys: false };
        let answer = client.lease_time_to_live(request).await.expect("answered");
        if answer.into_inner().ttl <= seconds {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the lease does not age");
    }
}

#[tokio::test]
async fn lease_id_zero_is_chosen_by_the_server() {
    ours(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        let mut ids = Vec::new();
        for _ in 0..3 {
            let request = pb::LeaseGrantRequest { id: 0, ttl: 60 };
            let granted = client.lease_grant(request).await.expect("granted");
            let granted = granted.into_inner();
            assert_eq!((granted.ttl, granted.error.as_str()), (60, ""));
            assert!(granted.id > 0 && !ids.contains(&granted.id));
            ids.push(granted.id);
        }
        let listed = client.lease_leases(pb::LeaseLeasesRequest {}).await;
        let listed = listed.expect("listed").into_inner().leases;
        let mut listed: Vec<i64> = listed.iter().map(|lease| lease.id).collect();
        ids.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, ids);
    })
    .await;
}

#[tokio::test]
async fn given_lease_id_is_taken_once_and_is_free_again_after_its_end() {
    side_by_side(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        for id in [77, 77, -5, i64::MAX] {
            let request = pb::LeaseGrantRequest { id, ttl: 60 };
            s.keep("grant", client.lease_grant(request).await);
        }
        let revoke = pb::LeaseRevokeRequest { id: 77 };
        s.keep("revoke", client.lease_revoke(revoke).await);
        let again = pb::LeaseGrantRequest { id: 77, ttl: 90 };
        s.keep("grant", client.lease_grant(again).await);
    })
    .await;
}

#[tokio::test]
async fn expired_lease_deletes_its_keys_in_one_revision_and_tells_watchers() {
    ours(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        let request = pb::LeaseGrantRequest { id: 7, ttl: 2 };
        client.lease_grant(request).await.expect("granted");
        for key in ["c", "a", "b"] {
            s.put(pb::PutRequest {
                lease: 7,
                ..put(key, "1")
            })
            .await;
        }
        s.set("d", "stays").await;
        let range_end = "z".into();
        let watch = pb::WatchCreateRequest {
            range_end,
            ..create("a", 0)
        };
        let mut watching = s.watch(watch).await;
        assert!(watching.next().await.created);
        let answer = watching.next().await;
        let told = answer.events.iter().map(|event| {
            let kv = event.kv.as_ref().expect("one");
            (event.r#type, kv.key.as_ref(), kv.mod_revision)
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, [(1, &b"a"[..], 6), (1, b"b", 6), (1, b"c", 6)]);
        let left = pb::LeaseTimeToLiveRequest { id: 7, keys: true };
        let left = client.lease_time_to_live(left).await.expect("answered");
        assert_eq!(left.into_inner().ttl, -1);
        let mut client = KvClient::new(s.channel.clone());
        let kept = client.range(everything()).await.expect("read").into_inner();
        assert_eq!(kept.kvs.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn keep_alive_gives_the_full_term_again() {
    ours(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        let request = pb::LeaseGrantRequest { id: 7, ttl: 3 };
        client.lease_grant(request).await.expect("granted");
        for _ in 0..2 {
            until_left(&mut client, 7, 1).await;
            let stream = tokio_stream::once(pb::LeaseKeepAliveRequest { id: 7 });
            let answers = client.lease_keep_alive(stream).await;
            let answer = answers.expect("a stream").into_inner().message().await;
            let answer = answer.expect("answered").expect("one");
            assert_eq!((answer.id, answer.ttl), (7, 3));
            let request = pb::LeaseTimeToLiveRequest { id: 7, keys: false };
            let left = client.lease_time_to_live(request).await.expect("answered");
            let left = left.into_inner();
            assert!(left.ttl >= 2, "{}", left.ttl);
            assert_eq!(left.granted_ttl, 3);
        }
    })
    .await;
}

#[tokio::test]
async fn key_that_is_put_without_its_lease_outlives_it() {
    ours(async |s| {
        let mut client = LeaseClient::new(s.channel.clone());
        for id in [7, 8] {
            let request = pb::LeaseGrantRequest { id, ttl: 60 };
            client.lease_grant(request).await.expect("granted");
        }
        for (key, lease) in [("a", 7), ("b", 7), ("c", 7), ("a", 0), ("b", 8)] {
            s.put(pb::PutRequest {
                lease,
                ..put(key, "1")
            })
            .await;
        }
        let revoke = pb::LeaseRevokeRequest { id: 7 };
        client.lease_revoke(revoke).await.expect("revoked");
        let mut client = KvClient::new(s.channel.clone());
        let kept = client.range(everything()).await.expect("read").into_inner();
        let kept: Vec<_> = kept.kvs.iter().map(|kv| (&kv.key[..], kv.lease)).collect();
        assert_eq!(kept, [(&b"a"[..], 0), (b"b", 8)]);
    })
    .await;
}
