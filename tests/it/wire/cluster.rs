//! The list of members, which on one node has one.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;

use crate::rig::Rig;
use crate::wire::ours_with;

#[tokio::test]
async fn only_member_is_listed_with_its_name_and_address() {
    let rig = Rig::with(&["--name", "alone"]);
    let daemon = rig.start();
    let mut client = ClusterClient::new(daemon.channel());
    for linearizable in [false, true] {
        let request = pb::MemberListRequest { linearizable };
        let answer = client.member_list(request).await.expect("answered");
        let answer = answer.into_inner();
        let header = answer.header.expect("one");
        // As in etcd, answers about members have no revision.
        assert_eq!(header.revision, 0);
        assert!(header.cluster_id != 0 && header.raft_term > 0);
        let [member] = &answer.members[..] else {
            panic!("one member, not {:?}", answer.members);
        };
        assert_eq!((member.id, member.is_learner), (header.member_id, false));
        assert_eq!(member.name, "alone");
        assert_eq!(member.client_ur_ls, [&daemon.url[..]]);
    }
}

#[tokio::test]
async fn advertised_address_is_the_one_that_is_listed() {
    let advertised = "http://10.1.2.3:2379";
    ours_with(&["--advertise-client-urls", advertised], async |s| {
        let mut client = ClusterClient::new(s.channel.clone());
        let request = pb::MemberListRequest::default();
        let answer = client.member_list(request).await.expect("answered");
        let members = answer.into_inner().members;
        assert_eq!(members[0].client_ur_ls, [advertised]);
    })
    .await;
}
