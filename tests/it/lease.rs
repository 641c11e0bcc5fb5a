//! What a lease's client may cost the member, and what it is told.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use futures_util::stream;

use crate::rig::Rig;

#[tokio::test]
async fn keep_alives_of_a_lease_that_is_not_there_write_nothing() {
    const KEEP_ALIVES: usize = 50;
    let rig = Rig::new();
    let daemon = rig.start();
    let log_end = async || {
        let status = daemon.maintenance().status(pb::StatusRequest {}).await;
        status.expect("tells").into_inner().raft_index
    };
    let before = log_end().await;
    let keep_alive = pb::LeaseKeepAliveRequest { id: 77 };
    let requests = stream::iter(vec![keep_alive; KEEP_ALIVES]);
    let answers = daemon.lease().lease_keep_alive(requests).await;
    let mut answers = answers.expect("opens").into_inner();
    let mut told = 0;
    while let Some(answer) = answers.message().await.expect("is answered") {
        assert_eq!((answer.id, answer.ttl), (77, 0));
        told += 1;
    }
    assert_eq!(told, KEEP_ALIVES);
    assert_eq!(log_end().await, before);
}
