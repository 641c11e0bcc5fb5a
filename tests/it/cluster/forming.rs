//! How a cluster comes to be, and who is not let in.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;

use crate::cluster::{Cluster, put, put_through};
use crate::rig::Rig;

#[tokio::test]
async fn three_members_serve_reads_and_writes_at_each() {
    let cluster = Cluster::start(3);
    for (at, member) in cluster.running() {
        let answer = member.kv().put(put(&format!("k{at}"), "v")).await;
        answer.expect("is put");
        // What was acknowledged anywhere is read everywhere at once.
        assert_eq!(cluster.agree().await, at as i64 + 2);
    }
    let mut listed = Vec::new();
    for (_, member) in cluster.running() {
        let list = pb::MemberListRequest { linearizable: true };
        let mut client = ClusterClient::new(member.channel());
        let list = client.member_list(list).await.expect("lists").into_inner();
        let members = list.members.into_iter();
        listed.push(
            members
                .map(|it| (it.id, it.name, it.peer_ur_ls))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(listed[0].len(), 3);
    assert!(listed.iter().all(|list| *list == listed[0]));
}

#[tokio::test]
async fn a_majority_forms_the_cluster_and_the_last_one_comes_later() {
    let mut cluster = Cluster::of(3);
    let late = cluster.rig(2).flags.clone();
    let spawned = [0, 1].map(|at| cluster.rig(at).spawn());
    for (at, mut member) in spawned.into_iter().enumerate() {
        assert!(
            member.serves_within(crate::rig::PATIENCE),
            "{}",
            member.told()
        );
        cluster.members[at] = Some(member);
    }
    put_through(cluster.member(0), "a", "1").await;
    assert_eq!(cluster.rig(2).flags, late);
    cluster.restart(2);
    assert_eq!(cluster.agree().await, 2);
}

#[tokio::test]
async fn all_members_go_on_after_all_were_killed() {
    let mut cluster = Cluster::start(3);
    for number in 0..20 {
        put_through(cluster.member(0), &format!("k{number}"), "v").await;
    }
    (0..3).for_each(|at| cluster.kill(at));
    cluster.start_all();
    assert_eq!(cluster.agree().await, 21);
}

#[tokio::test]
async fn founders_that_were_told_another_token_do_not_mix() {
    let mut cluster = Cluster::of(3);
    let flags = &mut cluster.rig(2).flags;
    flags.extend(["--initial-cluster-token", "other"].map(Into::into));
    let spawned = [0, 1].map(|at| cluster.rig(at).spawn());
    for (at, mut member) in spawned.into_iter().enumerate() {
        assert!(
            member.serves_within(crate::rig::PATIENCE),
            "{}",
            member.told()
        );
        cluster.members[at] = Some(member);
    }
    let mut stranger = cluster.rig(2).spawn();
    put_through(cluster.member(0), "a", "1").await;
    let short = std::time::Duration::from_secs(3);
    assert!(!stranger.serves_within(short), "{}", stranger.told());
}

#[tokio::test]
async fn a_member_that_lost_its_data_is_refused_and_the_others_go_on() {
    let mut cluster = Cluster::start(3);
    put_through(cluster.member(0), "a", "1").await;
    let lost = cluster.other_than(cluster.leader().await);
    cluster.everybody_is_known().await;
    cluster.kill(lost);
    std::fs::remove_dir_all(&cluster.rig(lost).data).expect("is removed");
    let words = ["has taken part before", "hint:"];
    cluster.rig(lost).run().assert(6, &words);
    put_through(cluster.member(cluster.other_than(lost)), "a", "2").await;
    assert_eq!(cluster.agree().await, 3);
}

#[tokio::test]
async fn the_data_of_another_founder_is_refused() {
    let mut cluster = Cluster::start(3);
    put_through(cluster.member(0), "a", "1").await;
    let [mistaken, other] = [0, 1];
    cluster.kill(mistaken);
    cluster.kill(other);
    let data = cluster.rig(other).data.clone();
    let own = std::mem::replace(&mut cluster.rig(mistaken).data, data);
    let words = ["that of member \"m1\"", "is to be \"m0\"", "hint:"];
    cluster.rig(mistaken).run().assert(6, &words);
    cluster.rig(mistaken).data = own;
    cluster.restart(mistaken);
    cluster.restart(other);
    assert_eq!(cluster.agree().await, 2);
}

#[test]
fn a_member_that_is_no_founder_is_told() {
    let flags = ["--name", "a", "--initial-cluster", "b=http://127.0.0.1:1"];
    Rig::with(&flags)
        .run()
        .assert(2, &["does not name this member", "\"a\""]);
}

#[test]
fn a_member_that_is_elsewhere_than_the_founders_think_is_told() {
    let flags = [
        "--name",
        "a",
        "--listen-peer-urls",
        "http://127.0.0.1:2",
        "--initial-cluster",
        "a=http://127.0.0.1:1",
    ];
    let words = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
    Rig::with(&flags).run().assert(2, &words);
}
