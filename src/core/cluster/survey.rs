//! What the members of a cluster say of themselves, put together: who leads, who votes, who is
//! behind, which workers there are, what is wrong, and what to type about it.
//!
//! A member counts as alive if it answered. Nothing is concluded from silence alone but that: the
//! one who asks may be cut off, which is why the words are "does not answer".

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::core::cluster::roll::Entry;
use crate::core::kv::machine::NOBODY_KNOWS_WHOSE;
use crate::core::kv::request::{Alarm, MemberAlarm};
use crate::core::units::Size;

/// A member that is further behind than this reads old data and would take time to lead.
const LAG_ENTRIES_MAX: u64 = 5_000;

/// Workers that are named when many are down.
const NAMED_MAX: usize = 5;

/// Share of the quota above which somebody should know, in percent.
const FULL_PERCENT: u64 = 80;

/// One member: what the list says of it, and what it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub id: u64,
    /// Empty: it was added and never started.
    pub name: String,
    /// What the machine is called that was given a seat as this member, if one was.
    pub seated: Option<String>,
    pub is_learner: bool,
    pub client_urls: Vec<String>,
    /// Why not, if it did not answer.
    pub answer: Result<Standing, String>,
}

/// How a member stands, by its own account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of the program; of etcd's API where it is another.
    pub version: String,
    /// 0: it knows none.
    pub leader: u64,
    pub term: u64,
    pub applied_index: u64,
    pub db_bytes: u64,
    pub db_in_use_bytes: u64,
    /// 0: none.
    pub quota_bytes: u64,
}

/// How the whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Well,
    /// It works, and something is to be done.
    Degraded,
    /// Nothing can be written, or read as of now.
    Unavailable,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub health: Health,
    pub what: String,
    /// What to do, with the command.
    pub remedy: String,
}

/// The members together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub cluster_id: u64,
    /// Whom the newest term has as its leader; 0: nobody.
    pub leader: u64,
    pub term: u64,
    pub members: Vec<Report>,
    pub workers: Vec<Entry>,
    pub problems: Vec<Problem>,
}

impl Health {
    pub fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Report {
    /// What people call it.
    pub fn label(&self) -> String {
        match (self.name.as_str(), &self.seated) {
            ("", Some(machine)) => machine.clone(),
            ("", None) => format!("{:x}", self.id),
            (name, _) => name.to_owned(),
        }
    }

    fn standing(&self) -> Option<&Standing> {
        self.answer.as_ref().ok()
    }
}

impl Survey {
    /// Judges what was told. `members` are all that the list names, in its order.
    pub fn of(
        cluster_id: u64,
        members: Vec<Report>,
        workers: Vec<Entry>,
        alarms: &[MemberAlarm],
    ) -> Self {
        let newest = members.iter().filter_map(Report::standing);
        let newest = newest.max_by_key(|standing| (standing.term, standing.leader));
        let (term, leader) = newest.map_or((0, 0), |newest| (newest.term, newest.leader));
        let mut survey = Self {
            cluster_id,
            leader,
            term,
            members,
            workers,
            problems: Vec::new(),
        };
        survey.judge_quorum();
        survey.judge_members();
        survey.judge_workers();
        survey.judge_alarms(alarms);
        survey.judge_versions();
        survey
            .problems
            .sort_by_key(|problem| Reverse(problem.health));
        survey
    }

    pub fn health(&self) -> Health {
        let problems = self.problems.iter().map(|problem| problem.health);
        problems.max().unwrap_or(Health::Well)
    }

    /// Entries that a member has not applied and the furthest one has.
    pub fn lag(&self, member: &Standing) -> u64 {
        let all = self.members.iter().filter_map(Report::standing);
        let furthest = all.map(|standing| standing.applied_index).max();
        furthest.unwrap_or(0).saturating_sub(member.applied_index)
    }

    /// The voter that could lead best in the leader's stead: the one whose log is nearest.
    pub fn successor(&self) -> Option<&Report> {
        let others = self.voters().filter(|voter| voter.id != self.leader);
        let others = others.filter_map(|voter| Some((voter, voter.standing()?)));
        let nearest = others.min_by_key(|(_, standing)| self.lag(standing));
        nearest.map(|(voter, _)| voter)
    }

    pub fn voters(&self) -> impl Iterator<Item = &Report> {
        self.members.iter().filter(|member| !member.is_learner)
    }

    fn judge_quorum(&mut self) {
        let voters = self.voters().count();
        let alive = self.voters().filter(|voter| voter.answer.is_ok()).count();
        let majority = voters / 2 + 1;
        if alive < majority {
            self.problems.push(Problem {
                health: Health::Unavailable,
                what: format!("{alive} of {voters} voters answer, and {majority} are needed"),
                remedy: "start the daemons that are down; while a majority is away nothing can \
                         be written. If they are lost: `coracle daemon --force-new-cluster` makes \
                         a cluster of one that is left"
                    .to_owned(),
            });
        } else if self.leader == 0 {
            self.problems.push(Problem {
                health: Health::Unavailable,
                what: "nobody leads".to_owned(),
                remedy: "ask again in a few seconds; if it stays so, see whether the members \
                         reach each other's peer URLs with `kvctl member list`"
                    .to_owned(),
            });
        } else if alive == majority && voters > majority {
            self.problems.push(Problem {
                health: Health::Degraded,
                what: format!(
                    "{alive} of {voters} voters answer: the next one that is lost stops the \
                     cluster"
                ),
                remedy: "bring back those that do not answer first".to_owned(),
            });
        } else if voters.is_multiple_of(2) {
            self.problems.push(Problem {
                health: Health::Well,
                what: format!(
                    "{voters} voters bear the loss of {}, no more than {} would",
                    voters - majority,
                    voters - 1
                ),
                remedy:
                    "make it an odd number: `coracle cluster promote NODE`, `demote NODE` if it \
                         joined by a token, or `remove NODE`"
                        .to_owned(),
            });
        }
    }

    fn has_quorum(&self) -> bool {
        let alive = self.voters().filter(|voter| voter.answer.is_ok()).count();
        alive > self.voters().count() / 2
    }

    /// What to do about a member that is lost for good, if it is; the others can do it only while
    /// they are a majority.
    fn if_lost(&self, member: &Report) -> String {
        let label = member.label();
        if !self.has_quorum() {
            return "if it is lost, bring back a majority first".to_owned();
        }
        match self.workers.iter().any(|worker| worker.up == Some(true)) {
            true => format!("if it is lost: `coracle cluster replace {label}`"),
            false => format!(
                "if it is lost: `coracle cluster remove {label}`, and join another machine with \
                 the token of `coracle cluster token create`"
            ),
        }
    }

    /// A worker holds nothing: that it is down is worth knowing, and the cluster is well.
    fn judge_workers(&mut self) {
        let down = self.workers.iter().filter(|it| it.up == Some(false));
        let labels: Vec<String> = down.map(Entry::label).collect();
        let what = match &labels[..] {
            [] => return,
            [one] => format!("worker {one} is down"),
            several => {
                let named = several[..several.len().min(NAMED_MAX)].join(", ");
                let more = match several.len() > NAMED_MAX {
                    true => " and others",
                    false => "",
                };
                format!("{} workers are down: {named}{more}", several.len())
            }
        };
        self.problems.push(Problem {
            health: Health::Well,
            what,
            remedy: format!(
                "start its daemon; if it is gone for good: `coracle cluster remove {}`",
                labels[0]
            ),
        });
    }

    fn judge_members(&mut self) {
        let mut found = Vec::new();
        for member in &self.members {
            let label = member.label();
            let mut tell = |what: String, remedy: String| {
                found.push(Problem {
                    health: Health::Degraded,
                    what,
                    remedy,
                });
            };
            match &member.answer {
                // It takes its seat by itself.
                Err(_) if member.name.is_empty() && member.seated.is_some() => {}
                Err(_) if member.name.is_empty() => tell(
                    format!("{label} was added and has not started"),
                    format!(
                        "start its daemon with --initial-cluster-state existing, or take it back: \
                         `coracle cluster remove {label}`"
                    ),
                ),
                Err(why) => tell(
                    format!("{label} does not answer: {why}"),
                    format!(
                        "on its machine: `systemctl start coracle`, or see `journalctl -u \
                         coracle`; {}",
                        self.if_lost(member)
                    ),
                ),
                Ok(standing) => {
                    let lag = self.lag(standing);
                    if lag > LAG_ENTRIES_MAX {
                        tell(
                            format!("{label} is {lag} entries behind"),
                            "wait; if it falls further behind, look at its disk and its network"
                                .to_owned(),
                        );
                    }
                    if standing.term == self.term && standing.leader != self.leader {
                        tell(
                            format!("{label} knows no leader"),
                            "see whether it reaches the others' peer URLs with `kvctl member list`"
                                .to_owned(),
                        );
                    }
                    let quota = standing.quota_bytes;
                    if quota > 0 && standing.db_in_use_bytes > quota / 100 * FULL_PERCENT {
                        let used = Size(standing.db_in_use_bytes).rounded();
                        let quota = Size(quota).rounded();
                        tell(
                            format!("{label} holds {used} of the {quota} that it may"),
                            "make space with `kvctl del` and `kvctl compaction REVISION`, or \
                             give the daemons a larger --quota-backend-bytes"
                                .to_owned(),
                        );
                    }
                }
            }
        }
        self.problems.append(&mut found);
    }

    fn judge_alarms(&mut self, alarms: &[MemberAlarm]) {
        for raised in alarms {
            let of = self
                .members
                .iter()
                .find(|member| member.id == raised.member);
            let label = of.map_or_else(|| format!("{:x}", raised.member), Report::label);
            let (health, what, remedy) = match raised.alarm {
                Alarm::NoSpace => (
                    Health::Unavailable,
                    format!("{label} is full: nothing more is written"),
                    "make space with `kvctl del` and `kvctl compaction REVISION`; the alarm then \
                     clears itself"
                        .to_owned(),
                ),
                Alarm::Corrupt if raised.member == NOBODY_KNOWS_WHOSE => (
                    Health::Unavailable,
                    "the members hold different data, and no majority says which is right"
                        .to_owned(),
                    "compare them with `kvctl endpoint hashkv`, start the one that you trust with \
                     --force-new-cluster, and join the others to it anew"
                        .to_owned(),
                ),
                Alarm::Corrupt => (
                    Health::Degraded,
                    format!("{label} holds other data than the rest"),
                    match of {
                        Some(member) => self.if_lost(member),
                        None => "disarm it with `kvctl alarm disarm`: it is a member no longer"
                            .to_owned(),
                    },
                ),
            };
            self.problems.push(Problem {
                health,
                what,
                remedy,
            });
        }
    }

    fn judge_versions(&mut self) {
        let standings = self.members.iter().filter_map(Report::standing);
        let versions: BTreeSet<&str> = standings.map(|it| it.version.as_str()).collect();
        if versions.len() > 1 {
            let versions: Vec<&str> = versions.into_iter().collect();
            self.problems.push(Problem {
                health: Health::Degraded,
                what: format!("the members run {}", versions.join(" and ")),
                remedy: "finish the update: bring all to the newest".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::{MachineId, Metadata};
    use crate::core::cluster::roll::Part;

    fn member(id: u64) -> Report {
        Report {
            id,
            name: format!("m{id}"),
            seated: None,
            is_learner: false,
            client_urls: Vec::new(),
            answer: Ok(Standing {
                version: "1".to_owned(),
                leader: 1,
                term: 2,
                applied_index: 10,
                db_bytes: 100,
                db_in_use_bytes: 50,
                quota_bytes: 1000,
            }),
        }
    }

    fn silent(id: u64) -> Report {
        Report {
            answer: Err("connection refused".to_owned()),
            ..member(id)
        }
    }

    fn with(id: u64, change: impl FnOnce(&mut Standing)) -> Report {
        let mut member = member(id);
        change(member.answer.as_mut().expect("it answered"));
        member
    }

    fn problems(members: Vec<Report>, alarms: &[MemberAlarm]) -> (Health, Vec<String>) {
        let survey = Survey::of(1, members, Vec::new(), alarms);
        let what = survey.problems.iter().map(|it| it.what.clone()).collect();
        (survey.health(), what)
    }

    #[test]
    fn members_that_agree_are_well() {
        let members = vec![member(1), member(2), member(3)];
        let survey = Survey::of(1, members, Vec::new(), &[]);
        assert_eq!((survey.leader, survey.term), (1, 2));
        assert_eq!(survey.health(), Health::Well);
        assert_eq!(survey.problems, []);
    }

    #[test]
    fn a_silent_minority_degrades_and_is_named() {
        let (health, what) = problems(vec![member(1), member(2), silent(3)], &[]);
        assert_eq!(health, Health::Degraded);
        assert!(
            what[0].contains("2 of 3 voters answer: the next"),
            "{what:?}"
        );
        assert_eq!(what[1], "m3 does not answer: connection refused");
        // Of five, two more may go.
        let members = [1, 2, 3, 4].map(member).into_iter().chain([silent(5)]);
        let (health, what) = problems(members.collect(), &[]);
        assert_eq!((health, what.len()), (Health::Degraded, 1));
    }

    #[test]
    fn a_silent_majority_is_told_first() {
        let (health, what) = problems(vec![silent(1), silent(2), member(3)], &[]);
        assert_eq!(health, Health::Unavailable);
        assert_eq!(what[0], "1 of 3 voters answer, and 2 are needed");
    }

    #[test]
    fn learners_do_not_count_for_the_majority() {
        let learner = |of: Report| Report {
            is_learner: true,
            ..of
        };
        let members = vec![member(1), learner(silent(2)), learner(silent(3))];
        assert_eq!(problems(members, &[]).0, Health::Degraded);
    }

    #[test]
    fn without_a_leader_nothing_works() {
        let members = [1, 2, 3].map(|id| with(id, |it| it.leader = 0));
        let (health, what) = problems(members.to_vec(), &[]);
        assert_eq!(health, Health::Unavailable);
        assert_eq!(what[0], "nobody leads");
    }

    #[test]
    fn who_is_behind_or_knows_no_leader_is_named() {
        let behind = with(2, |it| it.applied_index = 10);
        let ahead = with(1, |it| it.applied_index = 10_000);
        let lost = with(3, |it| {
            it.leader = 0;
            it.applied_index = 9_999;
        });
        let (health, what) = problems(vec![ahead, behind, lost], &[]);
        assert_eq!(health, Health::Degraded);
        assert_eq!(what, ["m2 is 9990 entries behind", "m3 knows no leader"]);
    }

    #[test]
    fn a_member_that_was_added_and_never_started_is_told_as_that() {
        let added = Report {
            name: String::new(),
            is_learner: true,
            ..silent(0xab)
        };
        let seated = Report {
            seated: Some("w7".to_owned()),
            ..added.clone()
        };
        assert_eq!(seated.label(), "w7");
        let members = vec![member(1), member(2), member(3), seated];
        assert_eq!(problems(members, &[]).0, Health::Well, "it is on its way");
        let members = vec![member(1), member(2), member(3), added];
        let (_, what) = problems(members, &[]);
        assert!(
            what.iter()
                .any(|it| it == "ab was added and has not started")
        );
    }

    #[test]
    fn alarms_and_a_quota_that_is_nearly_used_are_told() {
        let alarm = |alarm| MemberAlarm { member: 1, alarm };
        let (health, what) = problems(vec![member(1)], &[alarm(Alarm::NoSpace)]);
        assert_eq!(health, Health::Unavailable);
        assert_eq!(what, ["m1 is full: nothing more is written"]);
        let (health, _) = problems(vec![member(1)], &[alarm(Alarm::Corrupt)]);
        assert_eq!(health, Health::Degraded);
        let (_, what) = problems(vec![with(1, |it| it.db_in_use_bytes = 801)], &[]);
        assert_eq!(what, ["m1 holds 801 B of the 1000 B that it may"]);
    }

    #[test]
    fn the_nearest_voter_that_answers_could_lead_next() {
        let behind = with(2, |it| it.applied_index = 5);
        let learner = Report {
            is_learner: true,
            ..member(4)
        };
        let of = |members| Survey::of(1, members, Vec::new(), &[]);
        let survey = of(vec![member(1), behind.clone(), member(3), learner.clone()]);
        assert_eq!(survey.successor().map(|it| it.id), Some(3));
        let survey = of(vec![member(1), behind, silent(3), learner.clone()]);
        assert_eq!(survey.successor().map(|it| it.id), Some(2));
        assert_eq!(of(vec![member(1), silent(3), learner]).successor(), None);
    }

    #[test]
    fn members_of_two_versions_are_told() {
        let newer = with(2, |it| it.version = "2".to_owned());
        let (_, what) = problems(vec![member(1), newer, member(3)], &[]);
        assert_eq!(what, ["the members run 1 and 2"]);
    }

    fn worker(number: u64, up: bool) -> Entry {
        Entry {
            name: format!("w{number}"),
            part: Part::Worker,
            machine: Some(MachineId::of_random(u128::from(number))),
            member: None,
            up: Some(up),
            since_ms: None,
            version: None,
            metadata: Metadata::default(),
            client_urls: Vec::new(),
        }
    }

    #[test]
    fn workers_that_are_down_are_told_and_the_cluster_is_well() {
        let told = |workers: Vec<Entry>| {
            let survey = Survey::of(1, vec![member(1)], workers, &[]);
            assert_eq!(survey.health(), Health::Well);
            let problems = survey.problems.into_iter();
            let texts = problems.map(|it| format!("{}: {}", it.what, it.remedy));
            texts.collect::<Vec<_>>().join("")
        };
        assert_eq!(told(vec![worker(1, true)]), "");
        let one = told(vec![worker(1, true), worker(2, false)]);
        assert!(one.starts_with("worker w2 is down: start"), "{one}");
        assert!(one.ends_with("`coracle cluster remove w2`"), "{one}");
        let many = told((1..=7).map(|number| worker(number, false)).collect());
        assert!(many.starts_with("7 workers are down: w1, w2, w3, w4, w5 and others"));
    }

    #[test]
    fn an_even_number_of_voters_is_told_and_is_well() {
        let (health, what) = problems([1, 2, 3, 4].map(member).to_vec(), &[]);
        assert_eq!(health, Health::Well);
        assert_eq!(what, ["4 voters bear the loss of 1, no more than 3 would"]);
    }

    #[test]
    fn for_a_member_that_is_lost_it_is_said_what_to_type() {
        let remedy = |workers| {
            let members = vec![member(1), member(2), silent(3)];
            let survey = Survey::of(1, members, workers, &[]);
            survey.problems[1].remedy.clone()
        };
        let replace = remedy(vec![worker(1, true)]);
        assert!(
            replace.ends_with("`coracle cluster replace m3`"),
            "{replace}"
        );
        let remove = remedy(vec![worker(1, false)]);
        assert!(remove.contains("`coracle cluster remove m3`"), "{remove}");
    }
}
