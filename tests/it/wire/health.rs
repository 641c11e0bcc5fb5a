//! The standard health service.

use coracle::adapter::rpc::proto::health::health_check_response::ServingStatus;
use coracle::adapter::rpc::proto::health::health_client::HealthClient;
use coracle::adapter::rpc::proto::health::{HealthCheckRequest, HealthCheckResponse};
use tonic::Code;

use crate::wire::{PATIENCE, ours, side_by_side};

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn member_as_a_whole_serves_and_an_unknown_service_is_not_found() {
    side_by_side(async |s| {
        let mut client = HealthClient::new(s.channel.clone());
        for service in ["", "nobody.Knows"] {
            s.keep(service, client.check(of(service)).await);
        }
    })
    .await;
}

/// etcd knows the empty name only.
#[tokio::test]
async fn each_service_of_etcd_can_be_asked_for() {
    ours(async |s| {
        let mut client = HealthClient::new(s.channel.clone());
        for service in ["KV", "Watch", "Lease", "Maintenance"] {
            let request = of(&format!("etcdserverpb.{service}"));
            let answer = client.check(request).await.expect("known").into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving);
        }
        let refused = client.check(of("etcdserverpb.Auth")).await;
        assert_eq!(refused.expect_err("not served").code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn watch_tells_at_once_and_then_nothing_while_nothing_changes() {
    side_by_side(async |s| {
        let mut client = HealthClient::new(s.channel.clone());
        for service in ["", "nobody.Knows"] {
            let mut told = client
                .watch(of(service))
                .await
                .expect("a stream")
                .into_inner();
            let first = tokio::time::timeout(PATIENCE, told.message()).await;
            let first: HealthCheckResponse = first
                .expect("in time")
                .expect("goes on")
                .expect("told at once");
            s.set("k", "v").await;
            let more = futures_util::FutureExt::now_or_never(told.message());
            s.told
                .push(format!("{service}: {first:?}, {}", more.is_some()));
        }
    })
    .await;
}
