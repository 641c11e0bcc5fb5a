//! What clients of a cluster saw, and the checks of it: every key is linearizable, all revisions
//! tell one story, watches leave nothing out.
//!
//! - Times are microseconds of one clock; who tells two calls apart by them needs no other one.
//! - Each written value is used once, so that a value names its write.
//! - A call without an answer may have been made, at any time after it began, or never.

mod key;
mod leases;
mod story;
mod watch;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

pub(crate) use watch::{Noted, Sighting};

pub(crate) type Key = u16;
pub(crate) type Value = u64;
pub(crate) type Revision = i64;
pub(crate) type Micros = u64;

/// A key as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) value: Value,
    pub(crate) created: Revision,
    pub(crate) modified: Revision,
    pub(crate) version: i64,
    pub(crate) lease: i64,
}

/// One part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Get(Key),
    Put(Key, Value, i64),
    Delete(Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The steps are made.
    Plain,
    /// One get, from what the member has.
    Serializable,
    /// The first step is made if its key has this value (none: is absent), else it is read.
    If(Option<Value>),
    /// The lease ends, and with it the keys that hang on it; there are no steps.
    Revoke(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Got(Option<Pair>),
    Put,
    Deleted(bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) ended: Micros,
    pub(crate) revision: Revision,
    pub(crate) succeeded: bool,
    /// One for each step; what was read instead if it did not succeed.
    pub(crate) found: Vec<Found>,
}

/// One request of one client.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    #[expect(dead_code, reason = "people want to know")]
    pub(crate) client: usize,
    #[expect(dead_code, reason = "people want to know")]
    pub(crate) member: usize,
    pub(crate) begun: Micros,
    pub(crate) kind: Kind,
    pub(crate) steps: Vec<Step>,
    pub(crate) answer: Option<Answer>,
}

/// A lease was renewed: asked at `begun`, told at `ended` that it has `seconds` again.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    pub(crate) lease: i64,
    pub(crate) begun: Micros,
    pub(crate) ended: Micros,
    pub(crate) seconds: i64,
}

/// Versions up to a revision were asked to be dropped.
#[derive(Clone, Debug)]
pub(crate) struct Compaction {
    pub(crate) begun: Micros,
    pub(crate) revision: Revision,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    /// None: deleted.
    pub(crate) after: Option<Pair>,
    pub(crate) before: Option<Pair>,
}

/// What all clients of one run saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) calls: Vec<Call>,
    pub(crate) renewals: Vec<Renewal>,
    pub(crate) compactions: Vec<Compaction>,
    pub(crate) sightings: Vec<Vec<Sighting>>,
    /// How the keys stand at the end, and at which revision, as every member says.
    pub(crate) last: (Revision, BTreeMap<Key, Pair>),
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a check adds to when it finds something.
pub(crate) type Violations = Vec<Violation>;

/// Everything that is wrong with a history.
pub(crate) fn check(history: &History) -> Violations {
    let mut found = Violations::new();
    let log = watch::check(history, &mut found);
    story::check(history, &log, &mut found);
    leases::check(history, &mut found);
    key::check(&history.calls, &mut found);
    found
}

impl Call {
    /// Whether it changed something, as far as is known.
    fn wrote(&self, answer: &Answer) -> bool {
        if let Kind::Revoke(_) = self.kind {
            // Whether keys hung on it is not said.
            return false;
        }
        let steps = self.steps.iter().zip(&answer.found);
        answer.succeeded
            && steps.into_iter().any(|(step, found)| match step {
                Step::Get(_) => false,
                Step::Put(..) => true,
                Step::Delete(_) => *found == Found::Deleted(true),
            })
    }
}

impl History {
    /// As text, for people.
    pub(crate) fn text(&self) -> String {
        let mut lines: Vec<(Micros, String)> = Vec::new();
        lines.extend(self.calls.iter().map(|it| (it.begun, format!("{it:?}"))));
        lines.extend(self.renewals.iter().map(|it| (it.begun, format!("{it:?}"))));
        let compactions = self.compactions.iter();
        lines.extend(compactions.map(|it| (it.begun, format!("{it:?}"))));
        for (watcher, sightings) in self.sightings.iter().enumerate() {
            let seen = sightings.iter();
            lines.extend(seen.map(|it| (it.at, format!("watcher {watcher}: {it:?}"))));
        }
        lines.sort();
        let mut text = String::new();
        for (at, line) in lines {
            writeln!(text, "{at:>10} {line}").expect("memory takes it");
        }
        write!(text, "last {:?}", self.last).expect("memory takes it");
        text
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Histories made by hand.

    use super::*;

    pub(crate) fn pair(value: Value, created: Revision, modified: Revision, version: i64) -> Pair {
        Pair {
            value,
            created,
            modified,
            version,
            lease: 0,
        }
    }

    fn call(times: (Micros, Micros), kind: Kind, steps: Vec<Step>) -> Call {
        Call {
            client: 0,
            member: 0,
            begun: times.0,
            kind,
            steps,
            answer: None,
        }
    }

    impl Call {
        fn told(mut self, ended: Micros, revision: Revision, found: Vec<Found>) -> Self {
            self.answer = Some(Answer {
                ended,
                revision,
                succeeded: true,
                found,
            });
            self
        }

        pub(crate) fn failed(mut self, found: Option<Pair>) -> Self {
            let answer = self.answer.as_mut().expect("was answered");
            answer.succeeded = false;
            answer.found = vec![Found::Got(found)];
            self
        }

        /// Nobody heard of its outcome.
        pub(crate) fn unheard(mut self) -> Self {
            self.answer = None;
            self
        }
    }

    pub(crate) fn put(times: (Micros, Micros), revision: Revision, value: Value) -> Call {
        let steps = vec![Step::Put(0, value, 0)];
        call(times, Kind::Plain, steps).told(times.1, revision, vec![Found::Put])
    }

    pub(crate) fn get(times: (Micros, Micros), revision: Revision, found: Option<Pair>) -> Call {
        let steps = vec![Step::Get(0)];
        call(times, Kind::Plain, steps).told(times.1, revision, vec![Found::Got(found)])
    }

    pub(crate) fn delete(times: (Micros, Micros), revision: Revision, existed: bool) -> Call {
        let steps = vec![Step::Delete(0)];
        call(times, Kind::Plain, steps).told(times.1, revision, vec![Found::Deleted(existed)])
    }

    pub(crate) fn swap(
        times: (Micros, Micros),
        revision: Revision,
        from: Option<Value>,
        to: Value,
    ) -> Call {
        let steps = vec![Step::Put(0, to, 0)];
        call(times, Kind::If(from), steps).told(times.1, revision, vec![Found::Put])
    }
}
