//! Members that come, go, are replaced and are refused, while the others serve.

use std::process::Command;
use std::time::Duration;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::cluster::{Cluster, put, put_through};
use crate::rig::{Daemon, PATIENCE, Rig, client, free_port, output, real_binary};

/// What the daemon says when it was removed.
pub(crate) const REMOVED: [&str; 3] = ["was removed from the cluster", "hint:", "member add"];

impl Cluster {
    /// A place for one more member, which is told to join; nobody has added it yet.
    fn prepare(&mut self, flags: &[&str]) -> usize {
        let url = format!("http://127.0.0.1:{}", free_port());
        let at = self.rigs.len();
        self.urls.push(url.clone());
        let all = self.urls.iter().enumerate();
        let all: Vec<String> = all.map(|(at, url)| format!("m{at}={url}")).collect();
        let (name, all) = (format!("m{at}"), all.join(","));
        let own = [
            "--name",
            &name,
            "--listen-peer-urls",
            &url,
            "--initial-cluster",
            &all,
            "--initial-cluster-state",
            "existing",
        ];
        self.rigs.push(Rig::with(&[&own, flags].concat()));
        self.members.push(None);
        at
    }

    async fn members_by(&self, at: usize) -> Result<Vec<pb::Member>, Status> {
        let list = pb::MemberListRequest { linearizable: true };
        let mut client = ClusterClient::new(self.member(at).channel());
        Ok(client.member_list(list).await?.into_inner().members)
    }

    /// The id of a member, asked of member `by`.
    async fn id_by(&self, by: usize, at: usize) -> u64 {
        let members = self.members_by(by).await.expect("lists");
        let mut found = members
            .iter()
            .filter(|it| it.peer_ur_ls == [self.urls[at].clone()]);
        found.next().expect("it is listed").id
    }

    async fn add_by(&self, by: usize, at: usize) -> Result<u64, Status> {
        let request = pb::MemberAddRequest {
            peer_ur_ls: vec![self.urls[at].clone()],
            is_learner: false,
        };
        let mut client = ClusterClient::new(self.member(by).channel());
        let added = client.member_add(request).await?.into_inner();
        Ok(added.member.expect("it says which").id)
    }

    async fn remove_by(&self, by: usize, id: u64) -> Result<(), Status> {
        let mut client = ClusterClient::new(self.member(by).channel());
        let request = pb::MemberRemoveRequest { id };
        client.member_remove(request).await.map(drop)
    }

    /// Waits until member `by` knows `count` members, and all of them vote.
    async fn all_vote(&self, by: usize, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let members = self.members_by(by).await;
            if let Ok(members) = &members
                && members.len() == count
                && members.iter().all(|member| !member.is_learner)
            {
                return;
            }
            assert!(Instant::now() < deadline, "not {count} voters: {members:?}");
        }
    }

    /// Adds a member, starts it and waits until it votes.
    async fn grow(&mut self, by: usize) -> usize {
        let at = self.prepare(&[]);
        self.add_by(by, at).await.expect("is added");
        self.restart(at);
        let voters = self.members_by(by).await.expect("lists").len();
        self.all_vote(by, voters).await;
        at
    }

    /// Removes a member by another one and waits for the end of its daemon.
    async fn shrink(&mut self, by: usize, at: usize) {
        let id = self.id_by(by, at).await;
        self.remove_by(by, id).await.expect("is removed");
        self.take(at).ended().assert(6, &REMOVED);
        let left = self.members_by(by).await.expect("lists");
        assert!(left.iter().all(|member| member.id != id), "{left:?}");
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, text: &str) -> String {
    let status = answer.expect_err("it is refused");
    assert_eq!((status.code(), status.message()), (code, text));
    let why = status.metadata().get("coracle-why").expect("says why");
    why.to_str().expect("is text").to_owned()
}

#[tokio::test]
async fn a_cluster_grows_to_five_members_and_shrinks_to_one() {
    let mut cluster = Cluster::start(1);
    put_through(cluster.member(0), "first", "1").await;
    for count in 2..=5 {
        let at = cluster.grow(0).await;
        put_through(cluster.member(at), &format!("k{at}"), "v").await;
        assert_eq!(cluster.agree().await, count + 1);
    }
    for count in (1..5).rev() {
        // The one that leads goes, or any.
        let leads = cluster.leader().await;
        let goes = if count % 2 == 0 {
            leads
        } else {
            cluster.other_than(leads)
        };
        let by = cluster.other_than(goes);
        cluster.shrink(by, goes).await;
        put_through(cluster.member(by), &format!("left{count}"), "v").await;
        cluster.all_vote(by, count).await;
    }
    assert_eq!(cluster.agree().await, 10);
    let (last, _) = cluster.running().next().expect("one is left");
    let own = cluster.id_by(last, last).await;
    let text = "etcdserver: re-configuration failed due to not enough started members";
    let removed = cluster.remove_by(last, own).await;
    refused(removed, Code::FailedPrecondition, text);
}

#[tokio::test]
async fn a_leader_that_is_asked_to_remove_itself_answers_and_ends() {
    let mut cluster = Cluster::start(3);
    let leads = cluster.leader().await;
    let own = cluster.id_by(leads, leads).await;
    cluster.remove_by(leads, own).await.expect("is removed");
    cluster.take(leads).ended().assert(6, &REMOVED);
    // Nor does it come back.
    cluster.rig(leads).run().assert(6, &REMOVED);
    let other = cluster.other_than(leads);
    put_through(cluster.member(other), "a", "1").await;
    assert_eq!(cluster.agree().await, 2);
}

#[tokio::test]
async fn with_one_down_a_member_is_added_and_none_that_is_alive_removed() {
    let mut cluster = Cluster::start(3);
    cluster.everybody_is_known().await;
    let leads = cluster.leader().await;
    let dead = cluster.other_than(leads);
    let dead_id = cluster.id_by(leads, dead).await;
    let alive = (0..3)
        .find(|at| ![leads, dead].contains(at))
        .expect("three");
    let alive_id = cluster.id_by(leads, alive).await;
    cluster.kill(dead);
    // At once: who died a moment ago is not counted on.
    let removed = cluster.remove_by(leads, alive_id).await;
    let why = refused(removed, Code::Unavailable, "etcdserver: unhealthy cluster");
    assert_eq!(
        why,
        "of 2 voters 1 would be alive afterwards, and 2 are needed"
    );
    let mut kvctl = client(&["--endpoints", cluster.member(leads).address()]);
    let asked = kvctl.args(["member", "remove", &format!("{alive_id:x}")]);
    let asked = asked.output().expect("kvctl runs");
    assert_eq!(asked.status.code(), Some(6), "{asked:?}");
    let told = String::from_utf8_lossy(&asked.stderr);
    for words in [why.as_str(), "`coracle cluster status`"] {
        assert!(told.contains(words), "{told}");
    }
    let to_the_dead = pb::MoveLeaderRequest { target_id: dead_id };
    let mut leader = cluster.member(leads).maintenance();
    let moved = leader.move_leader(to_the_dead).await;
    let text = "etcdserver: bad leader transferee";
    refused(moved, Code::FailedPrecondition, text);
    let at = cluster.grow(leads).await;
    cluster
        .remove_by(at, dead_id)
        .await
        .expect("the dead one goes");
    cluster.all_vote(leads, 3).await;
    put_through(cluster.member(at), "a", "1").await;
    assert_eq!(cluster.agree().await, 2);
    // It does not know yet.
    cluster.rig(dead).run().assert(6, &REMOVED);
}

#[tokio::test]
async fn a_dead_voter_is_replaced_as_soon_as_another_has_caught_up() {
    let mut cluster = Cluster::of(3);
    for at in 0..3 {
        let flags = &mut cluster.rig(at).flags;
        flags.extend(["--replace-after", "2s"].map(Into::into));
    }
    cluster.start_all();
    let leads = cluster.leader().await;
    let dead = cluster.other_than(leads);
    let dead_id = cluster.id_by(leads, dead).await;
    cluster.kill(dead);
    let at = cluster.prepare(&["--replace-after", "2s"]);
    let new_id = cluster.add_by(leads, at).await.expect("is added");
    // Not started: nothing is due, however long the other one is gone.
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        put_through(cluster.member(leads), "a", "1").await;
    }
    assert_eq!(cluster.members_by(leads).await.expect("lists").len(), 4);
    cluster.restart(at);
    cluster.all_vote(leads, 3).await;
    let members = cluster.members_by(leads).await.expect("lists");
    assert!(members.iter().any(|member| member.id == new_id));
    assert!(members.iter().all(|member| member.id != dead_id));
    cluster.agree().await;
    cluster.rig(dead).run().assert(6, &REMOVED);
}

#[tokio::test]
async fn changes_end_whole_though_leaders_are_killed_in_between() {
    let mut cluster = Cluster::start(3);
    cluster.everybody_is_known().await;
    for round in 0..4 {
        let leads = cluster.leader().await;
        let by = cluster.other_than(leads);
        // Odd rounds: the change is not begun when the leader dies; even ones: it may be half made.
        let at = cluster.prepare(&[]);
        let url = cluster.urls[at].clone();
        let mut client = ClusterClient::new(cluster.member(by).channel());
        let adding = tokio::spawn(async move {
            let peer_ur_ls = vec![url];
            let is_learner = false;
            client
                .member_add(pb::MemberAddRequest {
                    peer_ur_ls,
                    is_learner,
                })
                .await
        });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        cluster.kill(leads);
        // Whoever asked either knows, or asks again and is told of itself.
        if let Err(status) = adding.await.expect("no panic") {
            assert!(matches!(status.code(), Code::Unavailable), "{status}");
            while let Err(status) = cluster.add_by(by, at).await {
                if status.code() == Code::FailedPrecondition {
                    break;
                }
            }
        }
        cluster.restart(leads);
        cluster.restart(at);
        cluster.all_vote(by, 4).await;
        // And while it is taken out again: joint membership, twice.
        let (leads, id) = (cluster.leader().await, cluster.id_by(by, at).await);
        let by = (0..3).find(|at| *at != leads).expect("three");
        let mut client = ClusterClient::new(cluster.member(by).channel());
        let removing =
            tokio::spawn(async move { client.member_remove(pb::MemberRemoveRequest { id }).await });
        tokio::task::yield_now().await;
        let killed = leads != at;
        if killed {
            cluster.kill(leads);
        }
        if removing.await.expect("no panic").is_err() {
            while let Err(status) = cluster.remove_by(by, id).await {
                if status.code() == Code::NotFound {
                    break;
                }
            }
        }
        cluster.take(at).ended().assert(6, &REMOVED);
        if killed {
            cluster.restart(leads);
        }
        cluster.all_vote(by, 3).await;
        cluster.rigs.pop();
        cluster.members.pop();
        cluster.urls.pop();
        put_through(cluster.member(by), &format!("k{round}"), "v").await;
        assert_eq!(cluster.agree().await, round + 2);
    }
}

#[tokio::test]
async fn a_member_that_was_not_added_or_lost_its_data_is_refused() {
    let mut cluster = Cluster::start(1);
    let stranger = cluster.prepare(&[]);
    let words = ["no member has the peer URLs", "kvctl member add m1"];
    cluster.rig(stranger).run().assert(6, &words);
    cluster.add_by(0, stranger).await.expect("is added");
    cluster.restart(stranger);
    cluster.all_vote(0, 2).await;
    let daemon = cluster.take(stranger);
    daemon.kill();
    std::fs::remove_dir_all(&cluster.rig(stranger).data).expect("is removed");
    // One of two is down: who could say who the members are waits for it, too.
    let words = ["none of the other members says who they are"];
    cluster.rig(stranger).run().assert(4, &words);
}

#[tokio::test]
async fn a_member_that_lost_its_data_is_not_taken_for_a_new_one() {
    let mut cluster = Cluster::start(2);
    let at = cluster.grow(0).await;
    cluster.everybody_is_known().await;
    cluster.kill(at);
    std::fs::remove_dir_all(&cluster.rig(at).data).expect("is removed");
    let words = ["has taken part before", "kvctl member remove"];
    cluster.rig(at).run().assert(6, &words);
    put_through(cluster.member(0), "a", "1").await;
}

#[test]
fn a_member_without_others_to_ask_is_told() {
    let flags = ["--initial-cluster-state", "existing"];
    let words = ["initial-cluster names none"];
    Rig::with(&flags).run().assert(2, &words);
}

#[tokio::test]
async fn the_lead_is_given_where_it_is_wanted_and_only_by_the_leader() {
    let cluster = Cluster::start(3);
    let leads = cluster.leader().await;
    let to = cluster.other_than(leads);
    let to_id = cluster.id_by(leads, to).await;
    let target = pb::MoveLeaderRequest { target_id: to_id };
    let asked = cluster.member(to).maintenance().move_leader(target).await;
    refused(asked, Code::FailedPrecondition, "etcdserver: not leader");
    let nobody = pb::MoveLeaderRequest { target_id: 1 };
    let asked = cluster
        .member(leads)
        .maintenance()
        .move_leader(nobody)
        .await;
    let text = "etcdserver: bad leader transferee";
    refused(asked, Code::FailedPrecondition, text);
    let asked = cluster
        .member(leads)
        .maintenance()
        .move_leader(target)
        .await;
    asked.expect("the lead is given away");
    assert_eq!(cluster.leader().await, to);
    let endpoints: Vec<&str> = cluster
        .running()
        .map(|(_, daemon)| daemon.address())
        .collect();
    let back = format!("{:x}", cluster.id_by(to, leads).await);
    let moved = output(&mut client(&[
        "--endpoints",
        &endpoints.join(","),
        "move-leader",
        &back,
    ]));
    let said = String::from_utf8_lossy(&moved.stdout).into_owned();
    assert_eq!(
        said,
        format!("Leadership transferred from {to_id:x} to {back}\n")
    );
    assert_eq!(cluster.leader().await, leads);
}

/// What the real etcdctl prints, with its exit code.
fn etcdctl(member: &Daemon, words: &[&str]) -> (String, Option<i32>) {
    let program = real_binary("etcdctl").expect("it was there a moment ago");
    let mut command = Command::new(program);
    let command = command.args(["--endpoints", member.address()]).args(words);
    let done = output(command);
    (
        String::from_utf8_lossy(&done.stdout).into_owned(),
        done.status.code(),
    )
}

#[tokio::test]
async fn the_real_etcdctl_adds_promotes_updates_and_removes_members() {
    if real_binary("etcdctl").is_none() {
        return;
    }
    let mut cluster = Cluster::start(1);
    let at = cluster.prepare(&[]);
    let url = cluster.urls[at].clone();
    let first = cluster.urls[0].clone();
    let add = ["member", "add", "m1", "--peer-urls", &url];
    let (said, exit) = etcdctl(cluster.member(0), &add);
    assert_eq!(exit, Some(0), "{said}");
    let id = cluster.id_by(0, at).await;
    assert!(
        said.starts_with(&format!("Member {id:16x} added to cluster ")),
        "{said}"
    );
    assert!(
        said.contains("ETCD_NAME=\"m1\"\nETCD_INITIAL_CLUSTER=\"m"),
        "{said}"
    );
    assert!(said.contains(&format!("m0={first}")) && said.contains(&format!("m1={url}")));
    let (said, _) = etcdctl(cluster.member(0), &["member", "list"]);
    assert!(
        said.contains(&format!("{id:x}, unstarted, , {url}, , true")),
        "{said}"
    );
    let id_word = format!("{id:x}");
    let (_, exit) = etcdctl(cluster.member(0), &["member", "promote", &id_word]);
    assert_eq!(exit, Some(1), "it is not in sync");
    cluster.restart(at);
    cluster.all_vote(0, 2).await;
    let own = format!("{:x}", cluster.id_by(0, 0).await);
    let update = ["member", "update", &own, "--peer-urls", &first];
    let (said, _) = etcdctl(cluster.member(at), &update);
    assert!(
        said.starts_with("Member ") && said.contains(" updated in cluster "),
        "{said}"
    );
    let (said, exit) = etcdctl(cluster.member(0), &["member", "remove", &id_word]);
    assert_eq!(exit, Some(0));
    assert!(
        said.starts_with(&format!("Member {id:16x} removed from cluster ")),
        "{said}"
    );
    cluster.take(at).ended().assert(6, &REMOVED);
    let put = cluster.member(0).kv().put(put("a", "1")).await;
    put.expect("one goes on alone");
}

/// The variables with which `kvctl member add` says a daemon is to be started.
const SETTINGS: [&str; 4] = [
    "CORACLE_NAME",
    "CORACLE_INITIAL_CLUSTER",
    "CORACLE_INITIAL_ADVERTISE_PEER_URLS",
    "CORACLE_INITIAL_CLUSTER_STATE",
];

#[tokio::test]
async fn what_kvctl_prints_starts_the_member_that_it_added() {
    let mut cluster = Cluster::start(1);
    let at = cluster.prepare(&[]);
    let url = cluster.urls[at].clone();
    let words = ["member", "add", "new", "--peer-urls", &url];
    let first = cluster.member(0).address().to_owned();
    let added = output(client(&["--endpoints", &first]).args(words));
    let said = String::from_utf8_lossy(&added.stdout).into_owned();
    let rig = cluster.rig(at);
    rig.flags = ["--listen-peer-urls", &url].map(Into::into).to_vec();
    for name in SETTINGS {
        let mut lines = said.lines().filter_map(|line| line.split_once('='));
        let (_, value) = lines.find(|(key, _)| *key == name).expect("is printed");
        rig.environment.push((name, value.trim_matches('"').into()));
    }
    cluster.restart(at);
    cluster.all_vote(0, 2).await;
    let members = cluster.members_by(at).await.expect("lists");
    assert!(members.iter().any(|member| member.name == "new"));
}

#[tokio::test]
async fn a_learner_serves_its_own_state_and_nothing_else() {
    let mut cluster = Cluster::start(1);
    put_through(cluster.member(0), "a", "1").await;
    let never = cluster.prepare(&[]);
    let id = cluster.add_by(0, never).await.expect("is added");
    let at = cluster.prepare(&[]);
    cluster.add_by(0, at).await.expect("is added");
    // While somebody asks for a change that cannot be, nobody is promoted.
    let asking: Vec<_> = (0..3)
        .map(|_| {
            let mut client = ClusterClient::new(cluster.member(0).channel());
            tokio::spawn(async move {
                loop {
                    let asked = client.member_promote(pb::MemberPromoteRequest { id }).await;
                    let text = "etcdserver: can only promote a learner member which is in sync \
                                with leader";
                    refused(asked, Code::FailedPrecondition, text);
                }
            })
        })
        .collect();
    cluster.restart(at);
    let learner = cluster.member(at);
    let status = learner.maintenance().status(pb::StatusRequest {}).await;
    assert!(status.expect("says how it stands").into_inner().is_learner);
    let text = "etcdserver: rpc not supported for learner";
    let not_served = |status: Status| {
        assert_eq!(
            (status.code(), status.message()),
            (Code::FailedPrecondition, text)
        );
    };
    let range = |serializable| pb::RangeRequest {
        key: "a".into(),
        serializable,
        ..pb::RangeRequest::default()
    };
    let own = learner.kv().range(range(true)).await.expect("is read");
    assert_eq!(own.into_inner().kvs.len(), 1);
    not_served(learner.kv().range(range(false)).await.expect_err("refused"));
    not_served(learner.kv().put(put("b", "2")).await.expect_err("refused"));
    not_served(cluster.members_by(at).await.expect_err("refused"));
    asking.iter().for_each(|task| task.abort());
    cluster.remove_by(0, id).await.expect("the other one goes");
    cluster.all_vote(0, 2).await;
    put_through(cluster.member(at), "b", "2").await;
}

/// openraft#1808: a state that was taken over once left the former members in force, so that too
/// few could elect a leader.
#[tokio::test]
async fn a_member_that_took_over_the_state_counts_the_members_that_came_since() {
    let mut cluster = Cluster::of(3);
    let often = ["--snapshot-count", "1"];
    for at in 0..3 {
        cluster.rig(at).flags.extend(often.map(Into::into));
    }
    cluster.start_all();
    cluster.everybody_is_known().await;
    let late = cluster.other_than(cluster.leader().await);
    cluster.kill(late);
    let by = cluster.other_than(late);
    let mut new = Vec::new();
    for _ in 0..2 {
        let at = cluster.prepare(&often);
        cluster.add_by(by, at).await.expect("is added");
        cluster.restart(at);
        new.push(at);
        cluster.all_vote(by, 2 + 1 + new.len()).await;
    }
    let value = "v".repeat(1 << 20);
    let mut puts = 0;
    while !cluster.has_given_back_log() {
        assert!(puts < 2_000, "no checkpoints");
        put_through(cluster.member(by), &format!("k{}", puts % 20), &value).await;
        puts += 1;
    }
    cluster.restart(late);
    cluster.agree().await;
    let told = cluster.member(late).told();
    assert!(told.contains("took over the whole state"), "{told}");
    let others: Vec<usize> = cluster.running().map(|(at, _)| at).collect();
    let others = others.into_iter().filter(|at| ![late, by].contains(at));
    let others: Vec<usize> = others.collect();
    others.iter().for_each(|at| cluster.kill(*at));
    // Two of the three that it knew, and two of the five that there are.
    let answer = cluster.member(late).kv().put(put("a", "1")).await;
    assert!(answer.is_err(), "{answer:?}");
    cluster.restart(others[0]);
    put_through(cluster.member(late), "b", "2").await;
    cluster.agree().await;
}

/// openraft#1802: the commit index once rose on less than a majority of five.
#[tokio::test]
async fn two_of_five_acknowledge_nothing() {
    let mut cluster = Cluster::start(5);
    put_through(cluster.member(0), "a", "1").await;
    let leads = cluster.leader().await;
    let other = cluster.other_than(leads);
    let gone: Vec<usize> = (0..5).filter(|at| ![leads, other].contains(at)).collect();
    gone.iter().for_each(|at| cluster.kill(*at));
    let writes = (0..20).map(|number| {
        let mut kv = cluster.member(leads).kv();
        async move { kv.put(put(&format!("b{number}"), "2")).await }
    });
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    // With a third one it goes on; what was not acknowledged may be there or not, but the same
    // everywhere.
    cluster.restart(gone[0]);
    put_through(cluster.member(gone[0]), "c", "3").await;
    cluster.agree().await;
}
