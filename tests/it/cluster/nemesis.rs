//! What goes wrong in a run, planned from its seed: members are killed, paused, cut off, started
//! again, kept away, replaced; clocks jump; versions are compacted, snapshots taken, leads handed
//! over.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use coracle::core::bench::input::Source;

use crate::cluster::network::Network;
use crate::rig::output;

/// How long a fault lasts, and how long the members are left alone after it: shorter and longer
/// than an election takes.
const FAULT_MS: (u64, u64) = (200, 3_500);
const REST_MS: (u64, u64) = (100, 2_000);

/// What the faults that every plan has may take together.
const MUSTS: Duration = Duration::from_secs(8);

/// By how much clocks jump, ahead or back.
const JUMP_S_MAX: u64 = 3_600;

/// Whom a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Leader,
    /// By their numbers.
    These(Vec<usize>),
}

/// Which ways between members are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// They hear nobody and nobody hears them.
    Off,
    /// They are heard, and hear nobody.
    Deaf,
    /// They hear everybody, and nobody hears them.
    Mute,
    /// Each hears only its neighbours in a ring; a majority in each place, another one in each.
    Ring,
}

/// When the leader is killed while a member is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amid {
    Never,
    /// The old member is being removed.
    Removal,
    /// The new one is catching up, or is given its vote.
    Joining,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Kill(Whom),
    /// Ended in order.
    End(Whom),
    Pause(Whom),
    Cut(Cut, Whom),
    Compact,
    Snapshot(usize),
    /// A member is removed for good, killed before that or not, and another one with an empty
    /// directory comes in its place.
    Replace {
        whom: Whom,
        is_killed: bool,
        amid: Amid,
    },
    /// Killed, until the others have given back the log that it would need; compacted meanwhile or
    /// not.
    Away {
        whom: Whom,
        is_compacted: bool,
    },
    /// Clocks jump ahead by so many seconds of the true time, and when it is over to another place.
    Jump(Whom, i64, i64),
}

/// What the members are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) members: usize,
    /// Cuts can be made.
    pub(crate) has_network: bool,
    /// Clocks can be set.
    pub(crate) has_clocks: bool,
}

/// A fault, how long it lasts, and the time until the next.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) fault: Fault,
    pub(crate) lasts: Duration,
    pub(crate) rest: Duration,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lasts, rest) = (self.lasts.as_millis(), self.rest.as_millis());
        write!(f, "{:?} for {lasts} ms, then {rest} ms", self.fault)
    }
}

impl Fault {
    /// One word for each kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "killed",
            Self::End(_) => "ended",
            Self::Pause(_) => "paused",
            Self::Cut(Cut::Off, _) => "cut off",
            Self::Cut(Cut::Deaf, _) => "deaf",
            Self::Cut(Cut::Mute, _) => "mute",
            Self::Cut(Cut::Ring, _) => "in a ring",
            Self::Compact => "compacted",
            Self::Snapshot(_) => "snapshot read",
            Self::Replace { .. } => "replaced",
            Self::Away { .. } => "kept away",
            Self::Jump(..) => "clocks jumped",
        }
    }
}

/// The faults of a run that takes `length` or longer: those that every plan has, at any place among
/// those that chance gives.
pub(crate) fn plan(random: &mut Source, means: Means, length: Duration) -> Vec<Act> {
    let mut faults = musts(random, means);
    let mut times: Vec<_> = faults.iter().map(|_| times_of(random)).collect();
    let mut left = length.saturating_sub(MUSTS);
    loop {
        let (lasts, rest) = times_of(random);
        left = left.saturating_sub(lasts + rest);
        faults.push(fault(random, means));
        times.push((lasts, rest));
        if left == Duration::ZERO {
            break;
        }
    }
    let shuffled = times.into_iter().map(|(lasts, rest)| {
        let at = random.below(faults.len() as u64) as usize;
        let fault = faults.swap_remove(at);
        Act { fault, lasts, rest }
    });
    shuffled.collect()
}

/// How long a fault lasts, and how long there is none after it.
fn times_of(random: &mut Source) -> (Duration, Duration) {
    let [lasts, rest] = [FAULT_MS, REST_MS]
        .map(|(least, most)| Duration::from_millis(least + random.below(most - least)));
    (lasts, rest)
}

/// What every plan has.
fn musts(random: &mut Source, means: Means) -> Vec<Fault> {
    let mut musts = vec![replace(random, means), away(random, means), Fault::Compact];
    if means.has_clocks {
        let ahead = 60 + random.below(JUMP_S_MAX) as i64;
        musts.push(Fault::Jump(whom(random, means), ahead, jump(random)));
    }
    musts
}

/// One member, of which the others are a majority.
fn one(random: &mut Source, means: Means) -> Whom {
    match random.below(2) {
        0 => Whom::Leader,
        _ => Whom::These(vec![random.below(means.members as u64) as usize]),
    }
}

fn replace(random: &mut Source, means: Means) -> Fault {
    Fault::Replace {
        whom: one(random, means),
        is_killed: random.below(2) == 0,
        amid: match random.below(3) {
            0 => Amid::Never,
            1 => Amid::Removal,
            _ => Amid::Joining,
        },
    }
}

fn away(random: &mut Source, means: Means) -> Fault {
    Fault::Away {
        whom: one(random, means),
        is_compacted: random.below(2) == 0,
    }
}

fn jump(random: &mut Source) -> i64 {
    random.below(2 * JUMP_S_MAX) as i64 - JUMP_S_MAX as i64
}

fn whom(random: &mut Source, means: Means) -> Whom {
    let all = means.members as u64;
    let most = match random.below(8) {
        // Even all of them, now and then.
        0 => all,
        _ => all.div_ceil(2) - 1,
    };
    match random.below(2) {
        0 => Whom::Leader,
        _ => {
            let mut numbers: Vec<usize> = (0..means.members).collect();
            let count = 1 + random.below(most) as usize;
            let chosen = (0..count).map(|_| {
                let at = random.below(numbers.len() as u64) as usize;
                numbers.swap_remove(at)
            });
            Whom::These(chosen.collect())
        }
    }
}

fn fault(random: &mut Source, means: Means) -> Fault {
    let whom = whom(random, means);
    let kinds = if means.has_network { 17 } else { 10 };
    match random.below(kinds) {
        0 | 1 => Fault::Kill(whom),
        2 => Fault::End(whom),
        3 | 4 => Fault::Pause(whom),
        5 => Fault::Compact,
        6 => Fault::Snapshot(random.below(means.members as u64) as usize),
        7 => replace(random, means),
        8 => away(random, means),
        9 if means.has_clocks => Fault::Jump(whom, jump(random), jump(random)),
        9 => Fault::Pause(whom),
        10..13 => Fault::Cut(Cut::Off, whom),
        13 => Fault::Cut(Cut::Deaf, whom),
        14 => Fault::Cut(Cut::Mute, whom),
        _ => Fault::Cut(Cut::Ring, whom),
    }
}

impl Cut {
    /// Whether it lets nothing pass from one member to another.
    fn stops(self, from: usize, to: usize, whom: &[usize], members: usize) -> bool {
        let (from_cut, to_cut) = (whom.contains(&from), whom.contains(&to));
        match self {
            Self::Off => from_cut != to_cut,
            Self::Deaf => to_cut && !from_cut,
            Self::Mute => from_cut && !to_cut,
            Self::Ring => {
                let apart = from.abs_diff(to);
                apart != 1 && apart != members - 1 || members == 3 && to == (from + 1) % 3
            }
        }
    }

    pub(crate) fn make(self, network: &Network, whom: &[usize], members: usize) {
        for from in 0..members {
            for to in (0..members).filter(|to| *to != from) {
                if self.stops(from, to, whom, members) {
                    network.cut(from, to);
                }
            }
        }
    }
}

/// Sends a signal by name.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = output(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]));
    assert!(sent.status.success(), "{sent:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_and_every_fault_is_in_some() {
        let means = Means {
            members: 5,
            has_network: true,
            has_clocks: true,
        };
        let of = |seed| plan(&mut Source::new(seed, 0), means, Duration::from_secs(20));
        let text = |seed| of(seed).iter().map(Act::to_string).collect::<String>();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
        let all: String = (0..50).map(text).collect();
        let words = "Kill End Pause Cut(Off Cut(Deaf Cut(Mute Cut(Ring Snapshot Leader Removal \
                     Joining Never is_killed:true is_killed:false is_compacted:true";
        let all = all.replace(": ", ":");
        for word in words.split_whitespace() {
            assert!(all.contains(word), "no {word}");
        }
    }

    #[test]
    fn every_plan_replaces_keeps_away_compacts_and_sets_clocks() {
        for seed in 0..50 {
            let means = Means {
                members: 3,
                has_network: seed % 2 == 0,
                has_clocks: true,
            };
            let plan = plan(&mut Source::new(seed, 0), means, Duration::from_secs(6));
            let kinds: Vec<&str> = plan.iter().map(|it| it.fault.kind()).collect();
            for kind in ["replaced", "kept away", "compacted", "clocks jumped"] {
                assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
            }
            assert!(kinds.len() > 4, "{kinds:?}");
        }
    }

    #[test]
    fn cuts_stop_what_they_should() {
        let ways = |cut: Cut, whom: &[usize], members: usize| {
            let all = (0..members).flat_map(|from| (0..members).map(move |to| (from, to)));
            let between = all.filter(|(from, to)| from != to);
            let stopped = between.filter(|(from, to)| cut.stops(*from, *to, whom, members));
            stopped.collect::<Vec<_>>()
        };
        assert_eq!(ways(Cut::Off, &[0], 3), [(0, 1), (0, 2), (1, 0), (2, 0)]);
        assert_eq!(ways(Cut::Deaf, &[0], 3), [(1, 0), (2, 0)]);
        assert_eq!(ways(Cut::Mute, &[0], 3), [(0, 1), (0, 2)]);
        assert_eq!(ways(Cut::Ring, &[], 3), [(0, 1), (1, 2), (2, 0)]);
        assert_eq!(ways(Cut::Ring, &[], 5).len(), 10);
    }
}
