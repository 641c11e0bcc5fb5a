//! What goes wrong in a run, planned from its seed: members are killed, paused, cut off, started
//! again; versions are compacted, snapshots taken, leads handed over.

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Kill(Whom),
    /// Ended in order.
    End(Whom),
    Pause(Whom),
    Cut(Cut, Whom),
    Compact,
    Snapshot(usize),
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

/// The faults of a run of `members` that takes `length`.
pub(crate) fn plan(
    random: &mut Source,
    members: usize,
    length: Duration,
    has_network: bool,
) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut left = length;
    let mut between = |(least, most)| Duration::from_millis(least + random.below(most - least));
    let mut times = Vec::new();
    while left > Duration::ZERO {
        let (lasts, rest) = (between(FAULT_MS), between(REST_MS));
        left = left.saturating_sub(lasts + rest);
        times.push((lasts, rest));
    }
    for (lasts, rest) in times {
        let fault = fault(random, members, has_network);
        acts.push(Act { fault, lasts, rest });
    }
    acts
}

fn fault(random: &mut Source, members: usize, has_network: bool) -> Fault {
    let all = members as u64;
    let most = match random.below(8) {
        // Even all of them, now and then.
        0 => all,
        _ => all.div_ceil(2) - 1,
    };
    let whom = match random.below(2) {
        0 => Whom::Leader,
        _ => {
            let mut numbers: Vec<usize> = (0..members).collect();
            let count = 1 + random.below(most) as usize;
            let chosen = (0..count).map(|_| {
                let at = random.below(numbers.len() as u64) as usize;
                numbers.swap_remove(at)
            });
            Whom::These(chosen.collect())
        }
    };
    let kinds = if has_network { 14 } else { 7 };
    match random.below(kinds) {
        0 | 1 => Fault::Kill(whom),
        2 => Fault::End(whom),
        3 | 4 => Fault::Pause(whom),
        5 => Fault::Compact,
        6 => Fault::Snapshot(random.below(all) as usize),
        7..10 => Fault::Cut(Cut::Off, whom),
        10 => Fault::Cut(Cut::Deaf, whom),
        11 => Fault::Cut(Cut::Mute, whom),
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
        let of = |seed| plan(&mut Source::new(seed, 0), 5, Duration::from_secs(20), true);
        let text = |seed| of(seed).iter().map(Act::to_string).collect::<String>();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
        let all: String = (0..50).map(text).collect();
        let words = "Kill End Pause Cut(Off Cut(Deaf Cut(Mute Cut(Ring Compact Snapshot Leader";
        for word in words.split(' ') {
            assert!(all.contains(word), "no {word}");
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
