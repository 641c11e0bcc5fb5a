//! The rules by example, and by a model that makes changes and failures at random.

use crate::core::cluster::membership::*;
use crate::core::kv::model::Numbers;

const SILENCE_MAX: Duration = Duration::from_secs(1);
const DEAD: Duration = Duration::from_secs(60);

fn seen(id: u64, votes: bool) -> Seen {
    Seen {
        votes,
        name: format!("m{id}"),
        peer_urls: vec![format!("http://127.0.0.1:{id}")],
        is_started: true,
        behind: Some(0),
        silent: Duration::ZERO,
    }
}

/// Voters from 1 on, of whom 1 leads and `dead` are dead.
fn group(voters: u64, dead: &[u64]) -> Group {
    let mut group = Group {
        leader: 1,
        members: (1..=voters).map(|id| (id, seen(id, true))).collect(),
        silence_max: SILENCE_MAX,
    };
    for id in dead {
        group.members.get_mut(id).expect("a voter").silent = DEAD;
    }
    group
}

fn with_learner(mut group: Group, id: u64) -> Group {
    group.members.insert(id, seen(id, false));
    group
}

fn after(replace_after: Option<Duration>) -> Turnover {
    Turnover {
        replace_after,
        ..Turnover::default()
    }
}

fn add(id: u64) -> Change {
    let peer_urls = vec![format!("http://127.0.0.1:{id}")];
    Change::Add { id, peer_urls }
}

fn refused(group: &Group, change: &Change) -> KvError {
    group.check(change).expect_err("it is refused").error()
}

#[test]
fn a_live_voter_goes_only_if_a_majority_of_the_rest_is_alive() {
    let remove = |id| Change::Remove { id };
    assert_eq!(group(3, &[]).check(&remove(2)), Ok(()));
    assert_eq!(group(3, &[]).check(&remove(1)), Ok(()));
    assert_eq!(group(3, &[3]).check(&remove(3)), Ok(()));
    assert_eq!(refused(&group(3, &[3]), &remove(2)), KvError::Unhealthy);
    assert_eq!(group(5, &[5]).check(&remove(2)), Ok(()));
    assert_eq!(refused(&group(5, &[4, 5]), &remove(2)), KvError::Unhealthy);
    assert_eq!(group(5, &[4, 5]).check(&remove(5)), Ok(()));
    assert_eq!(group(2, &[]).check(&remove(2)), Ok(()));
    let why = group(3, &[3]).check(&remove(2)).expect_err("unsafe");
    assert_eq!(
        why.to_string(),
        "of 2 voters 1 would be alive afterwards, and 2 are needed"
    );
}

#[test]
fn the_last_voter_stays() {
    let lonely = group(1, &[]);
    let refusal = refused(&lonely, &Change::Remove { id: 1 });
    assert_eq!(refusal, KvError::NotEnoughStarted);
    let beside_a_learner = with_learner(lonely, 2);
    let refusal = refused(&beside_a_learner, &Change::Remove { id: 1 });
    assert_eq!(refusal, KvError::NotEnoughStarted);
    assert_eq!(beside_a_learner.check(&Change::Remove { id: 2 }), Ok(()));
}

#[test]
fn a_voter_that_never_started_counts_as_missing() {
    let mut group = group(4, &[3, 4]);
    for id in [3, 4] {
        group.members.get_mut(&id).expect("a voter").is_started = false;
    }
    group.members.insert(5, seen(5, true));
    // Of five, three are alive: the majority that a change needs.
    let refusal = refused(&group, &Change::Remove { id: 2 });
    assert_eq!(refusal, KvError::NotEnoughStarted);
}

#[test]
fn a_member_is_added_while_another_is_down_because_it_does_not_vote_yet() {
    assert_eq!(group(3, &[3]).check(&add(4)), Ok(()));
    assert_eq!(refused(&group(3, &[]), &add(3)), KvError::PeerUrlExists);
    let mut full = group(1, &[]);
    for id in 0..LEARNERS_MAX as u64 {
        full = with_learner(full, 10 + id);
    }
    assert_eq!(refused(&full, &add(9)), KvError::TooManyLearners);
}

#[test]
fn what_is_no_url_is_refused() {
    for url in [
        "",
        "a:1",
        "http://a",
        "http://a:b",
        "http://a:1/x",
        "ftp://a:1",
    ] {
        let peer_urls = vec![url.to_owned()];
        let refusal = refused(&group(1, &[]), &Change::Add { id: 2, peer_urls });
        assert_eq!(refusal, KvError::MemberBadUrls, "{url:?}");
    }
    for url in ["http://a:1", "https://10.0.0.1:2380", "http://[::1]:2380"] {
        let peer_urls = vec![url.to_owned()];
        let change = Change::Add { id: 2, peer_urls };
        assert_eq!(group(1, &[]).check(&change), Ok(()), "{url:?}");
    }
    let peer_urls = Vec::new();
    let refusal = refused(&group(1, &[]), &Change::Update { id: 1, peer_urls });
    assert_eq!(refusal, KvError::MemberBadUrls);
}

#[test]
fn a_learner_votes_when_it_has_been_heard_and_has_caught_up() {
    let promote = |id| Change::Promote { id };
    let mut group = with_learner(group(3, &[]), 4);
    assert_eq!(group.check(&promote(4)), Ok(()));
    assert_eq!(refused(&group, &promote(3)), KvError::MemberNotLearner);
    assert_eq!(refused(&group, &promote(9)), KvError::MemberNotFound);
    let learner = group.members.get_mut(&4).expect("added");
    learner.behind = Some(BEHIND_ENTRIES_MAX + 1);
    assert_eq!(refused(&group, &promote(4)), KvError::LearnerNotReady);
    let learner = group.members.get_mut(&4).expect("added");
    (learner.behind, learner.is_started) = (Some(0), false);
    assert_eq!(refused(&group, &promote(4)), KvError::LearnerNotReady);
    assert_eq!(group.due(&Turnover::default()), None);
}

#[test]
fn learners_that_have_caught_up_vote_together() {
    let group = with_learner(with_learner(group(1, &[]), 2), 3);
    let shift = group.due(&Turnover::default()).expect("both are ready");
    assert_eq!(shift.promote, BTreeSet::from([2, 3]));
    assert!(shift.remove.is_empty());
}

#[test]
fn a_dead_voter_is_replaced_in_one_change_once_the_new_one_has_caught_up() {
    let patience = Some(DEAD / 2);
    let group = group(3, &[3]);
    assert_eq!(group.overdue(patience), [3]);
    assert!(group.overdue(Some(DEAD * 2)).is_empty());
    assert!(group.overdue(None).is_empty());
    assert_eq!(
        group.due(&after(patience)),
        None,
        "nobody is there to replace it"
    );
    let group = with_learner(group, 4);
    let shift = group.due(&after(patience)).expect("it is ready");
    assert_eq!((shift.promote, shift.remove), ([4].into(), [3].into()));
    // Without the patience it becomes a fourth one.
    assert_eq!(group.due(&Turnover::default()), Some(Shift::promote(4)));
}

#[test]
fn the_lead_goes_only_to_a_voter_that_is_alive() {
    let group = with_learner(group(3, &[3]), 4);
    assert_eq!(group.check_successor(2), Ok(()));
    assert_eq!(group.check_successor(1), Ok(()));
    for id in [3, 4, 9] {
        let refusal = group.check_successor(id).expect_err("it cannot lead");
        assert_eq!(refusal.error(), KvError::BadTransferee);
    }
}

#[test]
fn a_change_that_was_made_is_known_again() {
    let group = group(3, &[]);
    assert!(!group.has(&add(4)) && group.has(&add(3)));
    assert!(group.has(&Change::Remove { id: 4 }) && !group.has(&Change::Remove { id: 3 }));
    assert!(group.has(&Change::Promote { id: 3 }));
}

/// Changes and failures at random. Failures alone never take the majority here, so that whatever
/// does is our doing.
#[test]
fn no_sequence_of_changes_loses_the_majority() {
    let mut changes = 0;
    for seed in 0..300 {
        let mut numbers = Numbers::new(seed);
        let mut group = group(1 + numbers.below(5), &[]);
        let mut fresh = 100;
        for _ in 0..200 {
            let ids: Vec<u64> = group.members.keys().copied().collect();
            let any = ids[numbers.below(ids.len() as u64) as usize];
            match numbers.below(8) {
                0 => fail(&mut group, any),
                1 => revive(&mut group, any, &mut numbers),
                2 => {
                    fresh += 1;
                    if group.check(&add(fresh)).is_ok() {
                        let mut learner = seen(fresh, false);
                        (learner.is_started, learner.silent) = (false, DEAD);
                        group.members.insert(fresh, learner);
                    }
                }
                3 => {
                    if group.check(&Change::Remove { id: any }).is_ok() {
                        let votes = group.members[&any].votes;
                        let shift = Shift::remove(any);
                        make(&mut group, &shift, seed);
                        changes += usize::from(votes);
                    }
                }
                4 => {
                    if group.check(&Change::Promote { id: any }).is_ok() {
                        make(&mut group, &Shift::promote(any), seed);
                        changes += 1;
                    }
                }
                _ => {
                    if let Some(shift) = group.due(&after(Some(DEAD / 2))) {
                        make(&mut group, &shift, seed);
                        changes += 1;
                    }
                }
            }
        }
    }
    assert!(changes > 300 * 10, "{changes} changes of who votes");
}

fn has_majority(group: &Group) -> bool {
    let voters = group.voters();
    let alive = voters.iter().filter(|id| group.is_alive(**id)).count();
    alive > voters.len() / 2
}

/// Another voter that is alive leads when the leader is gone.
fn elect(group: &mut Group) {
    let voters = group.voters();
    let silent = |id: &u64| group.members[id].silent > SILENCE_MAX;
    let alive = voters.iter().find(|id| !silent(id));
    group.leader = *alive.expect("a majority is alive");
}

fn fail(group: &mut Group, id: u64) {
    let before = group.clone();
    group.members.get_mut(&id).expect("a member").silent = DEAD;
    if group.leader == id {
        group.leader = 0;
    }
    match has_majority(group) {
        true if group.leader == 0 => elect(group),
        true => {}
        false => *group = before,
    }
}

fn revive(group: &mut Group, id: u64, numbers: &mut Numbers) {
    let behind = numbers.below(2 * BEHIND_ENTRIES_MAX);
    let member = group.members.get_mut(&id).expect("a member");
    (member.silent, member.is_started) = (Duration::ZERO, true);
    member.behind = Some(behind);
}

/// Makes an allowed change, and looks at both majorities.
fn make(group: &mut Group, shift: &Shift, seed: u64) {
    assert!(has_majority(group), "seed {seed}: none before {shift:?}");
    for id in &shift.promote {
        group.members.get_mut(id).expect("a learner").votes = true;
    }
    for id in &shift.remove {
        group.members.remove(id);
    }
    if shift.remove.contains(&group.leader) {
        elect(group);
    }
    assert!(has_majority(group), "seed {seed}: lost by {shift:?}");
}

#[test]
fn who_is_replaced_goes_in_the_same_step_in_which_the_other_comes() {
    let group = with_learner(group(3, &[3]), 4);
    let replacing = |old| Turnover {
        replacing: BTreeMap::from([(4, old)]),
        ..Turnover::default()
    };
    let shift = group.due(&replacing(3)).expect("it is ready");
    assert_eq!(shift.promote, BTreeSet::from([4]));
    assert_eq!(shift.remove, BTreeSet::from([3]));
    // Who is gone already, or leads, is not taken out by this.
    for old in [1, 9] {
        assert_eq!(group.due(&replacing(old)), Some(Shift::promote(4)));
    }
}

#[test]
fn a_learner_is_lost_when_it_is_gone_for_too_long() {
    let mut group = with_learner(with_learner(group(3, &[3]), 4), 5);
    group.members.get_mut(&5).expect("a learner").silent = DEAD;
    assert_eq!(group.lost(Some(DEAD / 2)), [5]);
    assert!(group.lost(Some(DEAD)).is_empty());
    assert!(group.lost(None).is_empty());
}
