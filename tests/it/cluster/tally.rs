//! What runs in which things go wrong amount to, for people and for the long run's record.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::troubles::TOOK_OVER;
use crate::history::{History, Noted};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: u64,
    /// Calls without an answer.
    unheard: u64,
    renewals: u64,
    watchers: u64,
    /// Answers of watches.
    sightings: u64,
    /// Watchers that were told that what they wanted was compacted.
    compacted: u64,
    revisions: u64,
    /// Members that took over the whole state of a leader.
    pub(crate) states: u64,
    pub(crate) violations: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a fault that is over.
    pub(crate) fn count(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(crate) fn faults(&self, kind: &str) -> u64 {
        self.faults.get(kind).copied().unwrap_or(0)
    }

    /// Counts what all saw and members said.
    pub(crate) fn note(&mut self, history: &History, told: &[String], violations: usize) {
        let unheard = history.calls.iter().filter(|it| it.answer.is_none());
        let sightings = || history.sightings.iter().flatten();
        let compacted = sightings().filter(|it| matches!(it.noted, Noted::Compacted(_)));
        self.calls += history.calls.len() as u64;
        self.unheard += unheard.count() as u64;
        self.renewals += history.renewals.len() as u64;
        self.watchers += history.sightings.len() as u64;
        self.sightings += sightings().count() as u64;
        self.compacted += compacted.count() as u64;
        self.revisions += history.last.0 as u64;
        self.states += told
            .iter()
            .map(|it| it.matches(TOOK_OVER).count() as u64)
            .sum::<u64>();
        self.violations += violations as u64;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.unheard += other.unheard;
        self.renewals += other.renewals;
        self.watchers += other.watchers;
        self.sightings += other.sightings;
        self.compacted += other.compacted;
        self.revisions += other.revisions;
        self.states += other.states;
        self.violations += other.violations;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls,
            unheard,
            renewals,
            watchers,
            sightings,
            compacted,
            revisions,
            states,
            violations,
            faults,
        } = self;
        write!(
            f,
            "{calls} calls, {unheard} without an answer, {renewals} renewals, {watchers} watchers \
             were told {sightings} things and {compacted} times of a compaction, {revisions} \
             revisions, {states} whole states taken over"
        )?;
        for (kind, count) in faults {
            write!(f, ", {count} {kind}")?;
        }
        write!(f, ", {violations} violations")
    }
}
