//! Several daemons on loopback as one cluster: formed, broken and mended, with real clients.

mod apart;
mod backup;
mod clients;
mod clock;
mod corrupt;
mod disaster;
mod disk;
mod etcd_client;
mod failover;
mod forced;
mod forming;
pub(crate) mod join;
mod leases;
mod linearizable;
mod members;
mod nemesis;
pub(crate) mod network;
mod status;
mod tally;
mod troubles;
mod verbs;
mod watchers;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use crate::cluster::network::Network;
use crate::rig::{Daemon, PATIENCE, Rig, free_port};

/// The members of one cluster, each with a directory of its own.
pub(crate) struct Cluster {
    /// Where the others reach each.
    urls: Vec<String>,
    rigs: Vec<Rig>,
    /// None: not running.
    members: Vec<Option<Daemon>>,
}

impl Cluster {
    /// Members that are told of each other and not started yet.
    pub(crate) fn of(count: usize) -> Self {
        let urls: Vec<String> = (0..count)
            .map(|_| format!("http://127.0.0.1:{}", free_port()))
            .collect();
        Self::named(&urls)
    }

    /// Members of which each has a network of its own, not started yet.
    pub(crate) fn on(network: &Network, count: usize) -> Self {
        let urls: Vec<String> = (0..count)
            .map(|at| format!("http://{}:2380", network.address(at)))
            .collect();
        let mut cluster = Self::named(&urls);
        for (at, rig) in cluster.rigs.iter_mut().enumerate() {
            rig.listen = format!("http://{}:2379", network.address(at));
            rig.flags.push("--insecure".into());
            rig.wrapper = network.wrapper(at, 0);
        }
        cluster
    }

    fn named(urls: &[String]) -> Self {
        let names = urls.iter().enumerate();
        let all: Vec<String> = names.map(|(at, url)| format!("m{at}={url}")).collect();
        let all = all.join(",");
        let rig = |(at, url): (usize, &String)| {
            let name = format!("m{at}");
            Rig::with(&[
                "--name",
                &name,
                "--listen-peer-urls",
                url,
                "--initial-cluster",
                &all,
            ])
        };
        Self {
            rigs: urls.iter().enumerate().map(rig).collect(),
            members: urls.iter().map(|_| None).collect(),
            urls: urls.to_vec(),
        }
    }

    /// Starts all and waits until each serves.
    pub(crate) fn start(count: usize) -> Self {
        let mut cluster = Self::of(count);
        cluster.start_all();
        cluster
    }

    pub(crate) fn start_all(&mut self) {
        for at in 0..self.rigs.len() {
            if self.members[at].is_none() {
                self.members[at] = Some(self.rigs[at].spawn());
            }
        }
        for member in self.members.iter_mut().flatten() {
            let serves = !member.url.is_empty() || member.serves_within(PATIENCE);
            assert!(serves, "does not serve: {}", member.told());
        }
    }

    pub(crate) fn rig(&mut self, at: usize) -> &mut Rig {
        &mut self.rigs[at]
    }

    /// A member that runs.
    pub(crate) fn member(&self, at: usize) -> &Daemon {
        self.members[at].as_ref().expect("it runs")
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = (usize, &Daemon)> {
        let members = self.members.iter().enumerate();
        members.filter_map(|(at, member)| Some((at, member.as_ref()?)))
    }

    pub(crate) fn kill(&mut self, at: usize) {
        self.members[at].take().expect("it runs").kill();
    }

    /// Takes the member's daemon out, for who ends it in another way.
    pub(crate) fn take(&mut self, at: usize) -> Daemon {
        self.members[at].take().expect("it runs")
    }

    /// Starts a member that is down and waits until it serves.
    pub(crate) fn restart(&mut self, at: usize) {
        self.members[at] = Some(self.rigs[at].start());
    }

    /// The member that those who run agree is the leader.
    pub(crate) async fn leader(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "nobody leads");
            let mut told = Vec::new();
            for (at, member) in self.running() {
                let status = member.maintenance().status(pb::StatusRequest {}).await;
                let status = status.expect("says how it stands").into_inner();
                let id = status.header.expect("has one").member_id;
                told.push((at, id, status.leader));
            }
            let (_, _, leader) = told[0];
            let agreed = leader != 0 && told.iter().all(|(.., said)| *said == leader);
            if let Some((at, ..)) = told.iter().find(|(_, id, _)| agreed && *id == leader) {
                return *at;
            }
        }
    }

    /// Waits until each knows where clients reach every other one.
    pub(crate) async fn everybody_is_known(&self) {
        let deadline = Instant::now() + PATIENCE;
        for (_, member) in self.running() {
            let mut client = ClusterClient::new(member.channel());
            loop {
                assert!(Instant::now() < deadline, "somebody says nothing");
                let list = pb::MemberListRequest { linearizable: true };
                let list = client.member_list(list).await.expect("lists").into_inner();
                if list.members.iter().all(|it| !it.client_ur_ls.is_empty()) {
                    break;
                }
            }
        }
    }

    /// Any member that runs and is not `at`.
    pub(crate) fn other_than(&self, at: usize) -> usize {
        let mut others = self.running().filter(|(other, _)| *other != at);
        others.next().expect("another one runs").0
    }

    /// What a member is reached at by the others.
    pub(crate) fn peer_url(&self, at: usize) -> String {
        self.urls[at].clone()
    }

    /// Puts a daemon that serves in a place where none runs.
    pub(crate) fn place(&mut self, at: usize, daemon: Daemon) {
        let before = self.members[at].replace(daemon);
        assert!(before.is_none(), "member {at} runs already");
    }

    /// Whether every running member has given back the beginning of its log: who was down since
    /// then cannot be brought up by entries.
    pub(crate) fn has_given_back_log(&self) -> bool {
        let mut running = self.running();
        running.all(|(at, _)| !self.rigs[at].data.join("log/0000000001.wal").exists())
    }

    /// Waits until every running member has the same keys at the same revision; that revision.
    pub(crate) async fn agree(&self) -> i64 {
        let mut first = None;
        for (at, member) in self.running() {
            let everything = member.everything().await;
            let first = first.get_or_insert_with(|| everything.clone());
            assert_eq!(*first, everything, "member {at} differs");
        }
        first.expect("somebody runs").0
    }
}

pub(crate) fn put(key: &str, value: &str) -> pb::PutRequest {
    pb::PutRequest {
        key: key.to_owned().into(),
        value: value.to_owned().into(),
        ..pb::PutRequest::default()
    }
}

/// Puts until one is acknowledged: an answer that leaves it open is asked for again.
pub(crate) async fn put_through(daemon: &Daemon, key: &str, value: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = timeout(PATIENCE, daemon.kv().put(put(key, value))).await;
        match answer.expect("is answered") {
            Ok(_) => return,
            Err(status) => assert!(
                passes(&status) && Instant::now() < deadline,
                "not put: {status}"
            ),
        }
    }
}

/// What a daemon serves at a path, with the head of the answer.
pub(crate) fn page(daemon: &Daemon, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(daemon.address()).expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: coracle\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("is answered");
    answer
}

/// Whether it is what a change of leaders may do to a request.
fn passes(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded)
}
