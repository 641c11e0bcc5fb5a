//! One member of a lost cluster that goes on alone, and the others that come back.

use std::time::Duration;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;

use crate::cluster::{Cluster, put_through};
use crate::rig::{Daemon, Rig};

const FLAG: &str = "--force-new-cluster";

/// How long somebody who must not serve is watched.
const SHORT: Duration = Duration::from_secs(3);

async fn members(daemon: &Daemon) -> (u64, Vec<String>) {
    let list = pb::MemberListRequest { linearizable: true };
    let mut client = ClusterClient::new(daemon.channel());
    let list = client.member_list(list).await.expect("lists").into_inner();
    let names = list.members.into_iter().map(|it| it.name);
    (list.header.expect("has one").cluster_id, names.collect())
}

#[tokio::test]
async fn the_last_member_goes_on_alone_and_those_left_behind_take_no_part() {
    let mut cluster = Cluster::start(3);
    for number in 0..20 {
        put_through(cluster.member(0), &format!("k{number}"), "v").await;
    }
    cluster.agree().await;
    let (old, all) = members(cluster.member(0)).await;
    assert_eq!(all.len(), 3);
    let last = cluster.other_than(cluster.leader().await);
    (0..3).for_each(|at| cluster.kill(at));

    cluster.rig(last).flags.push(FLAG.into());
    cluster.restart(last);
    let (new, alone) = members(cluster.member(last)).await;
    assert_eq!(alone, [format!("m{last}")]);
    assert_ne!(new, old);
    assert_eq!(cluster.agree().await, 21);
    put_through(cluster.member(last), "new", "v").await;

    // One comes back: it finds nobody to vote with, and changes nothing here.
    let back = (last + 1) % 3;
    let mut stranger = cluster.rig(back).spawn();
    assert!(!stranger.serves_within(SHORT), "{}", stranger.told());
    put_through(cluster.member(last), "newer", "v").await;
    assert_eq!(members(cluster.member(last)).await, (new, alone));
    drop(stranger);

    // Started with the flag once more, it is who it was.
    cluster.kill(last);
    cluster.restart(last);
    assert!(
        cluster
            .member(last)
            .told()
            .contains("take --force-new-cluster away")
    );
    assert_eq!(members(cluster.member(last)).await.0, new);
    assert_eq!(cluster.agree().await, 23);
}

#[tokio::test]
async fn a_cluster_of_which_a_majority_lives_is_not_forced() {
    let mut cluster = Cluster::start(3);
    put_through(cluster.member(0), "a", "1").await;
    let one = cluster.other_than(cluster.leader().await);
    cluster.kill(one);
    cluster.rig(one).flags.push(FLAG.into());
    let words = ["is not lost", "3 of 3 voters run", "hint: start it without"];
    cluster.rig(one).run().assert(6, &words);
    cluster.rig(one).flags.pop();
    cluster.restart(one);
    assert_eq!(cluster.agree().await, 2);
}

#[test]
fn a_new_directory_holds_nothing_to_go_on_with() {
    let rig = Rig::with(&[FLAG]);
    rig.run()
        .assert(6, &["holds nothing of a cluster", "hint:"]);
    rig.run()
        .assert(6, &["holds nothing of a cluster", "hint:"]);
}
