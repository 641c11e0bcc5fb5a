//! The faults of a run as they are made, each until it is over.
//!
//! What a fault is for is seen to happen: who was kept away took over the whole state, a clock that
//! was set is seen in answers, what was compacted cannot be read any more.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;
use pb::kv_client::KvClient;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::cluster::clients::{PAUSE_AFTER_ERROR, Stage, channel};
use crate::cluster::linearizable::Run;
use crate::cluster::members::REMOVED;
use crate::cluster::nemesis::{Act, Amid, Cut, Fault, Whom, signal};
use crate::cluster::page;
use crate::history::{Compaction, Revision};
use crate::rig::{Daemon, PATIENCE};

/// How long a member may take to say how it stands while others are away.
const STATUS_LIMIT: Duration = Duration::from_millis(500);

/// How long one member may take to answer who asks others then.
const ASK_LIMIT: Duration = Duration::from_secs(4);

/// Between two looks at what must come.
const LOOK: Duration = Duration::from_millis(50);

/// Clocks of members are apart by up to so much.
const CLOCKS_APART_S: u64 = 100_000;

/// The log is given back up to the older of two checkpoints; one more may have been begun before a
/// member was away.
const CHECKPOINTS_AWAY: u64 = 3;

/// Who writes checkpoints gives way to everything else that the machine does.
const CHECKPOINTS_PATIENCE: Duration = Duration::from_secs(300);

const LAST_WORDS_LINES: usize = 40;

/// A member says so when it was too far behind for the log.
pub(crate) const TOOK_OVER: &str = "took over the whole state of the leader";

/// It could ask nobody who the members are: whoever started it tries again.
const UNREACHABLE_CODE: i32 = 4;

impl Run {
    pub(crate) fn befall(&mut self, act: &Act) {
        self.all_run();
        match &act.fault {
            Fault::Kill(whom) => {
                let whom = self.those(whom);
                whom.iter().for_each(|at| self.kill(*at));
                self.wait(act.lasts);
                self.bring_back();
            }
            Fault::End(whom) => {
                for at in self.those(whom) {
                    let ended = self.cluster.take(at).stop();
                    assert_eq!(ended.status.code(), Some(0), "{}", ended.told);
                    self.told.push(ended.told);
                    self.is_gone(at);
                }
                self.wait(act.lasts);
                self.bring_back();
            }
            Fault::Pause(whom) => self.pause(whom, act.lasts),
            Fault::Cut(cut, whom) => self.cut(*cut, whom, act.lasts),
            Fault::Compact => self.compact(),
            Fault::Snapshot(at) => self.snapshot(*at),
            Fault::Replace {
                whom,
                is_killed,
                amid,
            } => self.replace(whom, *is_killed, *amid, act.lasts),
            Fault::Away { whom, is_compacted } => self.keep_away(whom, *is_compacted),
            Fault::Jump(whom, first, then) => self.jump(whom, *first, *then, act.lasts),
        }
        self.tally.count(act.fault.kind());
        self.wait(act.rest);
    }

    fn those(&mut self, whom: &Whom) -> Vec<usize> {
        match whom {
            Whom::Leader => vec![self.leader()],
            Whom::These(these) => these.clone(),
        }
    }

    fn one(&mut self, whom: &Whom) -> usize {
        self.those(whom)[0]
    }

    /// The member that says that it leads, or else any that runs.
    fn leader(&mut self) -> usize {
        let mut running = Vec::new();
        for (at, member) in self.cluster.running() {
            let mut client = member.maintenance();
            let asked = client.status(pb::StatusRequest {});
            let status = self
                .runtime
                .block_on(async { timeout(STATUS_LIMIT, asked).await });
            if let Ok(Ok(status)) = status {
                let status = status.into_inner();
                if status.leader != 0 && status.leader == status.header.expect("has one").member_id
                {
                    return at;
                }
            }
            running.push(at);
        }
        running[self.random.below(running.len() as u64) as usize]
    }

    fn kill(&mut self, at: usize) {
        self.told.push(self.cluster.member(at).told());
        self.cluster.kill(at);
        self.is_gone(at);
    }

    /// Nobody asks there any more: somebody else may listen there soon.
    fn is_gone(&self, at: usize) {
        self.stage.serves_at(at, "");
    }

    /// Members start with a monotonic clock that is new each time, and with their wall clock.
    pub(crate) fn wrap(&mut self, at: usize) {
        let mut words = Vec::new();
        if let Some(network) = &self.network {
            words = network.wrapper(at, self.random.below(CLOCKS_APART_S));
        }
        if let Some(clocks) = &self.clocks {
            words.extend(clocks.wrapper(at));
        }
        self.cluster.rig(at).wrapper = words;
    }

    /// Members that are down come back.
    pub(crate) fn bring_back(&mut self) {
        for at in 0..self.stage.members() {
            self.wrap(at);
        }
        self.cluster.start_all();
        for (at, member) in self.cluster.running() {
            self.note(at, member);
        }
    }

    fn restart(&mut self, at: usize) {
        self.wrap(at);
        self.cluster.restart(at);
        self.note(at, self.cluster.member(at));
    }

    /// A member serves.
    fn note(&self, at: usize, member: &Daemon) {
        self.stage.serves_at(at, &member.url);
        if let Some(clocks) = &self.clocks {
            clocks.used_by(member.pid());
        }
    }

    fn pause(&mut self, whom: &Whom, lasts: Duration) {
        let whom = self.those(whom).into_iter();
        let pids: Vec<u32> = whom.map(|at| self.cluster.member(at).pid()).collect();
        pids.iter().for_each(|pid| signal(*pid, "STOP"));
        self.wait(lasts);
        pids.iter().for_each(|pid| signal(*pid, "CONT"));
    }

    fn cut(&mut self, cut: Cut, whom: &Whom, lasts: Duration) {
        let whom = self.those(whom);
        let network = self.network.as_ref();
        let network = network.expect("cuts are planned with one only");
        cut.make(network, &whom, self.stage.members());
        self.wait(lasts);
        network.heal();
    }

    fn jump(&mut self, whom: &Whom, first_s: i64, then_s: i64, lasts: Duration) {
        let whom = self.those(whom);
        let clocks = self.clocks.as_ref();
        let clocks = clocks.expect("jumps are planned with clocks only");
        for at in &whom {
            clocks.set(*at, first_s);
            clocks.until_ahead(self.cluster.member(*at), first_s);
        }
        self.wait(lasts);
        whom.iter().for_each(|at| clocks.set(*at, then_s));
    }

    /// Drops what all watchers were told of but for a little, and sees that it is gone.
    fn compact(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let before = self.compactions.last().map_or(1, |it| it.revision);
        let revision = loop {
            let revision = self.told_to_all() - self.random.below(20) as i64;
            if revision > before {
                break revision;
            }
            assert!(Instant::now() < deadline, "nobody is told of anything new");
            self.wait(LOOK);
        };
        self.compactions.push(Compaction {
            begun: self.stage.now(),
            revision,
        });
        let physical = self.random.below(2) == 0;
        let stage = Arc::clone(&self.stage);
        let running: Vec<usize> = self.cluster.running().map(|(at, _)| at).collect();
        self.runtime
            .block_on(compact_by(&stage, &running, revision, physical));
    }

    /// Reads a whole snapshot, which wants nobody else.
    fn snapshot(&self, at: usize) {
        let mut client = self.cluster.member(at).maintenance();
        let read = async {
            let begun = client.snapshot(pb::SnapshotRequest {}).await?;
            let (mut begun, mut bytes) = (begun.into_inner(), 0);
            while let Some(part) = begun.message().await? {
                bytes += part.blob.len();
            }
            Ok::<_, Status>(bytes)
        };
        let read = self
            .runtime
            .block_on(async { timeout(PATIENCE, read).await });
        let bytes = read.expect("ends").expect("is read");
        assert!(bytes > 0, "an empty snapshot");
    }

    /// Keeps a member away until no other one can bring it up by entries.
    fn keep_away(&mut self, whom: &Whom, is_compacted: bool) {
        let away = self.one(whom);
        let deadline = Instant::now() + CHECKPOINTS_PATIENCE;
        loop {
            // A checkpoint is due when the log has grown by half of all versions: without this
            // each would take twice as long as the one before.
            self.compact();
            self.kill(away);
            self.until_checkpoints(deadline);
            if is_compacted {
                self.compact();
            }
            self.restart(away);
            // A leader that was about to send entries keeps them for that yet.
            if self.cluster.member(away).told().contains(TOOK_OVER) {
                return;
            }
        }
    }

    /// Waits until who runs has written so many checkpoints that the log is given back.
    fn until_checkpoints(&self, deadline: Instant) {
        let written =
            || -> Vec<u64> { self.cluster.running().map(|it| checkpoints(it.1)).collect() };
        let before = written();
        loop {
            let now = written();
            let mut both = now.iter().zip(&before);
            if both.all(|(now, before)| now - before >= CHECKPOINTS_AWAY) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "no checkpoints: {before:?}, {now:?}{}",
                self.last_words()
            );
            self.wait(LOOK);
        }
    }

    /// The last lines that each running member has told.
    fn last_words(&self) -> String {
        let mut words = String::new();
        for (at, member) in self.cluster.running() {
            let told = member.told();
            let lines: Vec<&str> = told.lines().rev().take(LAST_WORDS_LINES).collect();
            for line in lines.into_iter().rev() {
                words.extend(["\n", &at.to_string(), ": ", line]);
            }
        }
        words
    }

    /// Removes a member and has a new one take its place.
    fn replace(&mut self, whom: &Whom, is_killed: bool, amid: Amid, lasts: Duration) {
        let old = self.one(whom);
        let url = self.cluster.peer_url(old);
        let id = self.runtime.block_on(id_of(&self.stage, old, &url));
        if is_killed {
            self.kill(old);
        }
        let removing = self.change(old, Wish::Remove(id));
        if amid == Amid::Removal {
            self.lose_leader(old, lasts);
        }
        self.until_made(removing);
        if !is_killed {
            let ended = self.cluster.take(old).ended();
            ended.assert(6, &REMOVED);
            self.told.push(ended.told);
        }
        self.is_gone(old);
        self.wipe(old);
        let adding = self.change(old, Wish::Add(url));
        self.until_made(adding);
        self.wrap(old);
        let mut daemon = self.cluster.rig(old).spawn();
        if amid == Amid::Joining {
            self.lose_leader(old, lasts);
        }
        let deadline = Instant::now() + PATIENCE;
        while !daemon.serves_within(PATIENCE) {
            let ended = daemon.ended();
            assert_eq!(
                ended.status.code(),
                Some(UNREACHABLE_CODE),
                "{}",
                ended.told
            );
            assert!(Instant::now() < deadline, "does not join: {}", ended.told);
            daemon = self.cluster.rig(old).spawn();
        }
        self.cluster.place(old, daemon);
        self.note(old, self.cluster.member(old));
        let stage = Arc::clone(&self.stage);
        self.runtime.block_on(all_vote(&stage, old));
    }

    /// The leader, or any other one that is not `but`, is killed and comes back.
    fn lose_leader(&mut self, but: usize, lasts: Duration) {
        let leader = self.leader();
        let mut others = self.cluster.running().map(|(at, _)| at);
        let lost = match leader == but {
            true => others.find(|at| *at != but).expect("others run"),
            false => leader,
        };
        drop(others);
        self.kill(lost);
        self.wait(lasts);
        self.restart(lost);
    }

    /// Nothing is left of a member; the next one in its place joins.
    fn wipe(&mut self, at: usize) {
        let rig = self.cluster.rig(at);
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = fs::remove_dir_all(&rig.data) {
            // Who wrote a checkpoint for it ends a moment later.
            let again = error.kind() == ErrorKind::DirectoryNotEmpty;
            assert!(again && Instant::now() < deadline, "{error}");
        }
        if !rig.flags.iter().any(|it| it == "existing") {
            let existing = ["--initial-cluster-state", "existing"];
            rig.flags.extend(existing.map(Into::into));
        }
    }

    /// Has a change made by members other than `but`, while others may be killed.
    fn change(&self, but: usize, wish: Wish) -> JoinHandle<()> {
        let stage = Arc::clone(&self.stage);
        // Ends when it is made; a panic is met by who waits for it.
        self.runtime.spawn(make(stage, but, wish))
    }

    fn until_made(&self, change: JoinHandle<()>) {
        self.runtime.block_on(change).expect("does not panic");
    }
}

/// How many checkpoints a member has written.
fn checkpoints(member: &Daemon) -> u64 {
    let page = page(member, "/metrics");
    let name = "coracle_checkpoint_duration_seconds_count ";
    let mut counts = page.lines().filter_map(|line| line.strip_prefix(name));
    let count = counts.next().expect("it counts them");
    count.parse().expect("a number")
}

#[derive(Clone, Debug)]
enum Wish {
    Remove(u64),
    Add(String),
}

/// Asks members in turn until one has made a change.
async fn make(stage: Arc<Stage>, but: usize, wish: Wish) {
    let deadline = Instant::now() + PATIENCE;
    let mut why = String::new();
    for at in (0..stage.members()).cycle().filter(|at| *at != but) {
        assert!(Instant::now() < deadline, "{wish:?} is not made: {why}");
        if let Some(channel) = channel(&stage.url(at)) {
            match timeout(ASK_LIMIT, ask(channel, &wish)).await {
                Ok(Ok(())) => return,
                Ok(Err(status)) => why = status.to_string(),
                Err(late) => why = late.to_string(),
            }
        }
        sleep(PAUSE_AFTER_ERROR).await;
    }
}

async fn ask(channel: Channel, wish: &Wish) -> Result<(), Status> {
    let mut client = ClusterClient::new(channel);
    let (answer, made_before) = match wish {
        Wish::Remove(id) => {
            let request = pb::MemberRemoveRequest { id: *id };
            let answer = client.member_remove(request).await.map(drop);
            (answer, "etcdserver: member not found")
        }
        Wish::Add(url) => {
            let request = pb::MemberAddRequest {
                peer_ur_ls: vec![url.clone()],
                is_learner: false,
            };
            let answer = client.member_add(request).await.map(drop);
            (answer, "etcdserver: Peer URLs already exists")
        }
    };
    match answer {
        Err(status) if status.message() == made_before => Ok(()),
        answer => answer,
    }
}

/// What a member says of all, if it can.
async fn members_by(stage: &Stage, at: usize) -> Option<Vec<pb::Member>> {
    let mut client = ClusterClient::new(channel(&stage.url(at))?);
    let list = pb::MemberListRequest { linearizable: true };
    let answer = timeout(ASK_LIMIT, client.member_list(list)).await;
    Some(answer.ok()?.ok()?.into_inner().members)
}

async fn id_of(stage: &Stage, member: usize, url: &str) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    for at in (0..stage.members()).cycle().filter(|at| *at != member) {
        if let Some(members) = members_by(stage, at).await {
            let mut found = members.iter().filter(|it| it.peer_ur_ls == [url]);
            return found.next().expect("it is listed").id;
        }
        assert!(Instant::now() < deadline, "nobody says who the members are");
    }
    unreachable!("members are asked again and again");
}

/// Waits until all members vote, as others than `but` say.
async fn all_vote(stage: &Stage, but: usize) {
    let deadline = Instant::now() + PATIENCE;
    for at in (0..stage.members()).cycle().filter(|at| *at != but) {
        let members = members_by(stage, at).await;
        let vote = |members: &Vec<pb::Member>| {
            members.len() == stage.members() && members.iter().all(|it| !it.is_learner)
        };
        if members.as_ref().is_some_and(vote) {
            return;
        }
        assert!(Instant::now() < deadline, "not all vote: {members:?}");
        sleep(LOOK).await;
    }
}

/// Asks members in turn until one has compacted, and cannot read what was before.
async fn compact_by(stage: &Stage, members: &[usize], revision: Revision, physical: bool) {
    let deadline = Instant::now() + PATIENCE;
    let before = pb::RangeRequest {
        key: "k".into(),
        revision: revision - 1,
        ..pb::RangeRequest::default()
    };
    let mut why = String::new();
    for at in members.iter().cycle() {
        assert!(
            Instant::now() < deadline,
            "{revision} is not compacted: {why}"
        );
        if let Some(channel) = channel(&stage.url(*at)) {
            let mut client = KvClient::new(channel);
            let request = pb::CompactionRequest { revision, physical };
            // Made, or found to be made: the reading tells.
            let asked = timeout(ASK_LIMIT, client.compact(request)).await;
            match timeout(ASK_LIMIT, client.range(before.clone())).await {
                Ok(Err(status)) if status.code() == Code::OutOfRange => return,
                read => why = format!("{asked:?}, {read:?}"),
            }
        }
        sleep(PAUSE_AFTER_ERROR).await;
    }
}
