//! What a machine does about a reboot, from what is so now to the next step.
//!
//! - It reboots only while it holds its place, in a window, and after no blocker objected since it
//!   has the place.
//! - A place that cannot be used is given back at once, for others; not once the machine was told
//!   to reboot, because it may do so at any time.
//! - After a reboot the place is given back when the machine is well, in a window or not. If it is
//!   not well in time, the place stays held until a person gives it back.
//! - A place that was taken is given back under any strategy, [`Strategy::Off`] too.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::lock::reboot::{
    Held, Now, Phase, Place, Record, Rules, Seen, Shown, Step, Strategy, Urgency, Want,
};
use crate::core::lock::window::{Opening, opening, shown};

/// How long a machine that was told to reboot may stop its services before it is told again.
const REBOOT_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// After a reboot or a drain that failed: others may take the place meanwhile.
const REST: Duration = Duration::from_secs(10 * 60);
/// Between two questions whether the machine is well.
const HEALTH_PAUSE: Duration = Duration::from_secs(2);
/// Before a place is given back again that could not be, or is looked at again.
const PLACE_PAUSE: Duration = Duration::from_secs(2);

/// The manager of one machine's reboots.
#[derive(Clone, Debug)]
pub struct Manager {
    rules: Rules,
    record: Record,
    /// What the blockers said last.
    said: Option<Said>,
    /// When people were told.
    warned: Option<Duration>,
    is_drained: bool,
    /// No try before that.
    rest: Option<Rest>,
    /// When the place or the health was asked about last, or it was told once more to reboot.
    asked: Option<Duration>,
    is_explained: bool,
    why: String,
    since: Timestamp,
}

#[derive(Clone, Debug)]
struct Said {
    at: Duration,
    objections: Vec<String>,
}

#[derive(Clone, Debug)]
struct Rest {
    from: Duration,
    why: String,
}

/// Whether everybody but the others in the group agrees.
enum Agreement {
    /// As far as is known, for so long.
    Yes {
        at_most: Option<Duration>,
    },
    No {
        why: String,
        at_most: Option<Duration>,
    },
    Unasked,
}

impl Manager {
    /// Goes on from what is known; `boot` is the id of this boot.
    pub fn new(rules: Rules, record: Option<Record>, boot: &str, now: Now) -> Self {
        let mut record = record.unwrap_or_else(|| Record::new(boot));
        if record.boot != boot {
            record.rebooted(boot, now);
        }
        // In the same boot everybody is asked again, who gets the place included.
        if record.phase == Phase::Held {
            record.phase = match record.place {
                Some(_) => Phase::Queued,
                None => Phase::Returning {
                    why: "the daemon began anew".to_owned(),
                },
            };
        }
        Self {
            rules,
            record,
            said: None,
            warned: None,
            is_drained: false,
            rest: None,
            asked: None,
            is_explained: false,
            why: String::new(),
            since: now.wall,
        }
    }

    /// What must be on the disk before the next step is taken.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Decides what to do now.
    pub fn next(&mut self, seen: &Seen, now: Now) -> Step {
        let marks = seen.wants.iter().map(|want| want.mark.clone());
        match seen.is_complete {
            true => {
                self.record.wanted = marks.collect();
                // What is gone may come again, and is another want then.
                let record = &mut self.record;
                record.done.retain(|mark| record.wanted.contains(mark));
            }
            false => self.record.wanted.extend(marks),
        }
        match self.record.phase.clone() {
            Phase::Idle => self.idle(seen, now),
            Phase::Queued => self.queued(seen, now),
            Phase::Held => self.held(seen, now),
            Phase::Rebooting { since } => self.rebooting(since, seen, now),
            Phase::Checking { .. } => self.checking(now),
            Phase::Failed => self.failed(seen, now),
            Phase::Returning { why } => self.returning(why, now),
        }
    }

    /// What each blocker has against a reboot; empty: nothing.
    pub fn blockers_said(&mut self, objections: Vec<String>, now: Now) {
        self.said = Some(Said {
            at: now.up,
            objections,
        });
    }

    /// Whether the units went elsewhere.
    pub fn drained(&mut self, drained: Result<(), String>, now: Now) {
        match drained {
            Ok(()) => self.is_drained = true,
            Err(why) => drop(self.give_up(format!("its units do not go: {why}"), now)),
        }
    }

    /// The machine will not reboot. If it was told before, that may come of it yet.
    pub fn reboot_failed(&mut self, why: &str, now: Now) {
        if self.asked.is_some() {
            return;
        }
        self.give_up(format!("the reboot failed: {why}"), now);
    }

    /// Whether the machine is well, or what is wrong.
    pub fn health_said(&mut self, said: Result<(), String>, now: Now) {
        let Phase::Checking { since } = self.record.phase else {
            return;
        };
        self.asked = Some(now.up);
        match said {
            Ok(()) => {
                self.record.unwell = None;
                self.give_back("it came back and is well".to_owned(), now);
            }
            Err(why) if left(since, self.rules.health_deadline, now).is_none() => {
                self.record.unwell = Some(why);
                self.enter(Phase::Failed, now);
            }
            Err(why) => self.why = format!("it came back and is not well yet: {why}"),
        }
    }

    /// Whether the semaphore says why the place is kept.
    pub fn explained(&mut self, done: bool, now: Now) {
        self.asked = Some(now.up);
        self.is_explained = done;
    }

    /// Whether the place could be given back.
    pub fn gave_back(&mut self, done: Result<(), String>, now: Now) {
        let Phase::Returning { why } = &self.record.phase else {
            return;
        };
        match done {
            Ok(()) => {
                let why = why.clone();
                self.record.place = None;
                (self.is_drained, self.warned) = (false, None);
                self.enter(Phase::Idle, now);
                self.why = why;
            }
            Err(error) => {
                self.why = format!("cannot give its place back: {error}");
                self.asked = Some(now.up);
            }
        }
    }

    /// How it is, for people.
    pub fn shown(&self, seen: &Seen, now: Now) -> Shown {
        let is_wanted = self.want(seen).is_some();
        let state = match &self.record.phase {
            Phase::Idle if !is_wanted => "idle",
            Phase::Idle if self.is_off(seen) => "off",
            Phase::Idle => "waiting",
            Phase::Queued => "queued",
            Phase::Held => "preparing",
            Phase::Rebooting { .. } => "rebooting",
            Phase::Checking { .. } => "checking",
            Phase::Failed => "failed",
            Phase::Returning { .. } => "returning",
        };
        let next_window = match self.opening(now.wall) {
            Opening::Open { .. } => None,
            Opening::Closed { next } => Some(next),
        };
        let wants = seen
            .wants
            .iter()
            .filter(|want| !self.record.is_done(&want.mark));
        Shown {
            state: state.to_owned(),
            why: self.why.clone(),
            group: self.rules.group.to_string(),
            wanted_by: wants.map(|want| want.by.clone()).collect(),
            since: self.since,
            next_window,
        }
    }

    fn idle(&mut self, seen: &Seen, now: Now) -> Step {
        let Some(urgency) = self.want(seen) else {
            "nothing wants a reboot".clone_into(&mut self.why);
            return Step::Wait { at_most: None };
        };
        if self.is_off(seen) {
            let hint = "its strategy is off: reboot it with `lockctl reboot`, or set one";
            hint.clone_into(&mut self.why);
            return Step::Wait { at_most: None };
        }
        if let Some(rest) = &self.rest {
            if let Some(left) = left(rest.from, REST, now) {
                self.why.clone_from(&rest.why);
                let at_most = Some(left);
                return Step::Wait { at_most };
            }
            self.rest = None;
        }
        match self.agreement(urgency, now) {
            Agreement::No { why, at_most } => {
                self.why = why;
                Step::Wait { at_most }
            }
            Agreement::Unasked => self.ask(),
            Agreement::Yes { .. } => {
                self.record.place = match self.rules.strategy {
                    Strategy::Lock | Strategy::Off => {
                        Some(Place::Group(self.rules.group.to_string()))
                    }
                    Strategy::FleetLock => Some(Place::FleetLock),
                    Strategy::Immediate => None,
                };
                match self.record.place {
                    Some(_) => self.enter(Phase::Queued, now),
                    None => self.enter(Phase::Held, now),
                }
                self.next(seen, now)
            }
        }
    }

    fn queued(&mut self, seen: &Seen, now: Now) -> Step {
        let Some(urgency) = self.want(seen).filter(|_| !self.is_off(seen)) else {
            return self.unwanted(seen, now);
        };
        if seen.place == Held::Yes {
            self.enter(Phase::Held, now);
            return self.next(seen, now);
        }
        match self.agreement(urgency, now) {
            Agreement::No { why, .. } => self.give_back(why, now),
            Agreement::Unasked => self.ask(),
            Agreement::Yes { at_most } => {
                "it stands in line for a place".clone_into(&mut self.why);
                Step::Queue { at_most }
            }
        }
    }

    fn held(&mut self, seen: &Seen, now: Now) -> Step {
        if self.record.place.is_some() {
            match seen.place {
                Held::Yes => {}
                Held::No => {
                    return self.give_up("somebody else gave its place back".to_owned(), now);
                }
                Held::Unknown => {
                    "nobody says whether it holds its place".clone_into(&mut self.why);
                    let at_most = Some(PLACE_PAUSE);
                    return Step::Wait { at_most };
                }
            }
        }
        let Some(urgency) = self.want(seen).filter(|_| !self.is_off(seen)) else {
            return self.unwanted(seen, now);
        };
        match self.agreement(urgency, now) {
            Agreement::No { why, .. } => {
                return self.give_back(why, now);
            }
            Agreement::Unasked => return self.ask(),
            Agreement::Yes { .. } => {}
        }
        if let Some(step) = self.warn(seen, urgency, now) {
            return step;
        }
        if !self.is_drained {
            "its units go elsewhere".clone_into(&mut self.why);
            return Step::Drain;
        }
        self.enter(Phase::Rebooting { since: now.up }, now);
        "it was told to reboot".clone_into(&mut self.why);
        Step::Reboot
    }

    fn unwanted(&mut self, seen: &Seen, now: Now) -> Step {
        match seen.is_complete {
            true => self.give_back("it is wanted no longer".to_owned(), now),
            // Somebody may want it still.
            false => Step::Wait {
                at_most: Some(PLACE_PAUSE),
            },
        }
    }

    fn ask(&mut self) -> Step {
        // What they said before is worth more to people than that they are asked again.
        if self.said.is_none() {
            "its blockers are asked".clone_into(&mut self.why);
        }
        Step::AskBlockers
    }

    /// People who are logged in are told, and given time.
    fn warn(&mut self, seen: &Seen, urgency: Urgency, now: Now) -> Option<Step> {
        let delay = self.rules.users_delay?;
        if urgency == Urgency::Now || seen.users == 0 {
            return None;
        }
        self.why = format!("people are logged in ({}): they were told", seen.users);
        let Some(warned) = self.warned else {
            self.warned = Some(now.up);
            return Some(Step::Warn);
        };
        let left = left(warned, delay, now)?;
        // They may go earlier.
        let at_most = Some(left.min(self.rules.check_interval));
        Some(Step::Wait { at_most })
    }

    fn rebooting(&mut self, since: Duration, seen: &Seen, now: Now) -> Step {
        if self.record.place.is_some() && seen.place == Held::No {
            return self.give_up("somebody else gave its place back".to_owned(), now);
        }
        let at_most = left(since, REBOOT_PATIENCE, now);
        if at_most.is_some() {
            return Step::Wait { at_most };
        }
        "it was told to reboot and is up still: it may go at any time".clone_into(&mut self.why);
        let Some(urgency) = self.want(seen) else {
            return match self.record.place {
                Some(_) => Step::Wait { at_most: None },
                None => self.unwanted(seen, now),
            };
        };
        match self.agreement(urgency, now) {
            Agreement::No { at_most, .. } => Step::Wait { at_most },
            Agreement::Unasked => Step::AskBlockers,
            Agreement::Yes { .. } => {
                let pause = self.pause(REBOOT_PATIENCE, now);
                pause.unwrap_or_else(|| {
                    self.asked = Some(now.up);
                    Step::Reboot
                })
            }
        }
    }

    fn checking(&mut self, now: Now) -> Step {
        if self.why.is_empty() {
            "it came back and is asked whether it is well".clone_into(&mut self.why);
        }
        self.pause(HEALTH_PAUSE, now).unwrap_or(Step::CheckHealth)
    }

    fn failed(&mut self, seen: &Seen, now: Now) -> Step {
        if self.record.place.is_some() && seen.place == Held::No {
            // A person gave it back, who knows.
            (self.record.place, self.record.unwell) = (None, None);
            self.enter(Phase::Idle, now);
            return self.next(seen, now);
        }
        let is_resting = self
            .rest
            .as_ref()
            .is_some_and(|rest| left(rest.from, REST, now).is_some());
        let is_sent = self.want(seen) == Some(Urgency::Now) && seen.place != Held::Unknown;
        if is_sent && !is_resting {
            self.enter(Phase::Held, now);
            return self.next(seen, now);
        }
        let what = self.record.unwell.as_deref().unwrap_or_default();
        self.why = format!("it came back and is not well: {what}");
        if self.record.place.is_none() || self.is_explained {
            return Step::Wait { at_most: None };
        }
        let pause = self.pause(PLACE_PAUSE, now);
        pause.unwrap_or_else(|| Step::Explain(self.why.clone()))
    }

    fn returning(&mut self, why: String, now: Now) -> Step {
        match self.pause(PLACE_PAUSE, now) {
            Some(pause) => pause,
            None => {
                self.why = why;
                Step::GiveBack
            }
        }
    }

    /// The most urgent of what is wanted.
    fn want(&self, seen: &Seen) -> Option<Urgency> {
        let new = |want: &&Want| !self.record.is_done(&want.mark);
        let mut urgencies = seen.wants.iter().filter(new).map(|want| want.urgency);
        let first = urgencies.next()?;
        Some(match urgencies.any(|urgency| urgency == Urgency::Now) {
            true => Urgency::Now,
            false => first,
        })
    }

    fn is_off(&self, seen: &Seen) -> bool {
        self.rules.strategy == Strategy::Off && self.want(seen) != Some(Urgency::Now)
    }

    fn opening(&self, now: Timestamp) -> Opening {
        opening(&self.rules.windows, now, &self.rules.zone)
    }

    /// What is left of a pause since it asked last.
    fn pause(&self, length: Duration, now: Now) -> Option<Step> {
        let at_most = left(self.asked?, length, now);
        at_most.is_some().then_some(Step::Wait { at_most })
    }

    /// What windows and blockers say.
    fn agreement(&self, urgency: Urgency, now: Now) -> Agreement {
        if urgency == Urgency::Now {
            return Agreement::Yes { at_most: None };
        }
        let until = |at: Timestamp| now.wall.duration_until(at).unsigned_abs();
        let closes = match self.opening(now.wall) {
            Opening::Open { until: end } => end.map(until),
            Opening::Closed { next } => {
                let at = shown(next, &self.rules.zone);
                let why = format!("its window is closed until {at}");
                let at_most = Some(until(next));
                return Agreement::No { why, at_most };
            }
        };
        if !self.rules.has_blockers {
            return Agreement::Yes { at_most: closes };
        }
        let interval = self.rules.check_interval;
        let counts = |said: &Said| left(said.at, interval, now);
        let Some((said, counts)) = self.said.as_ref().and_then(|it| Some((it, counts(it)?))) else {
            return Agreement::Unasked;
        };
        match said.objections.as_slice() {
            [] => Agreement::Yes {
                at_most: Some(closes.map_or(counts, |closes| closes.min(counts))),
            },
            objections => Agreement::No {
                why: format!("it is blocked: {}", objections.join("; ")),
                at_most: Some(counts),
            },
        }
    }

    /// The place is for others now, and so is the next try.
    fn give_up(&mut self, why: String, now: Now) -> Step {
        self.rest = Some(Rest {
            from: now.up,
            why: why.clone(),
        });
        self.give_back(why, now)
    }

    /// Begins to give the place back; one that is kept because the machine is not well is kept.
    fn give_back(&mut self, why: String, now: Now) -> Step {
        if self.record.unwell.is_some() {
            self.enter(Phase::Failed, now);
            return Step::Wait {
                at_most: Some(PLACE_PAUSE),
            };
        }
        self.why.clone_from(&why);
        self.enter(Phase::Returning { why }, now);
        Step::GiveBack
    }

    fn enter(&mut self, phase: Phase, now: Now) {
        self.asked = None;
        self.is_explained = false;
        self.since = now.wall;
        if phase == Phase::Held {
            // What they said before counts no more: they are asked by who holds the place.
            self.said = None;
        }
        self.record.phase = phase;
    }
}

/// What is left of a time that began then; none when it is over.
fn left(from: Duration, length: Duration, now: Now) -> Option<Duration> {
    let over = from.saturating_add(length);
    over.checked_sub(now.up).filter(|left| !left.is_zero())
}
