//! Machines of a group in any order of events: what must never be, and what comes in the end.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::core::lock::name::Group;
use crate::core::lock::reboot::{
    Held, Manager, Now, Phase, Record, Rules, Seen, Step, Strategy, Urgency, Want,
};
use crate::core::lock::semaphore::{Holder, Semaphore};
use crate::core::lock::window::opening;

/// A Monday, at midnight.
const BEGIN: &str = "2026-11-23T00:00:00Z";

/// The world of all machines.
struct World {
    semaphore: Semaphore,
    passed: Duration,
    random: StdRng,
}

/// One machine, with what the world does to it.
struct Machine {
    id: String,
    rules: Rules,
    manager: Manager,
    /// What is on its disk.
    saved: Record,
    boot: u32,
    wants: Vec<Want>,
    objections: Vec<String>,
    users: usize,
    is_well: bool,
    /// Whether the semaphore can be reached.
    is_linked: bool,
    reboots_fail: bool,
    /// It is told to reboot and does not, or not yet.
    reboots_late: bool,
    /// It was told, and nothing has come of it.
    is_told: bool,
    in_line: bool,
    /// Whether a place was taken for a reboot that nobody has seen to be well.
    is_unproved: bool,
    /// When nobody objected to who held the place.
    agreed: Option<Duration>,
    /// What was done, in words.
    done: Vec<String>,
}

fn rules(strategy: Strategy) -> Rules {
    Rules {
        strategy,
        group: Group::default(),
        windows: Vec::new(),
        zone: TimeZone::UTC,
        has_blockers: false,
        check_interval: Duration::from_secs(60),
        users_delay: None,
        health_deadline: Duration::from_secs(600),
    }
}

fn want(mark: &str, urgency: Urgency) -> Want {
    Want {
        by: "a test".to_owned(),
        mark: mark.to_owned(),
        urgency,
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            semaphore: Semaphore::default(),
            passed: Duration::ZERO,
            random: StdRng::seed_from_u64(seed),
        }
    }

    fn now(&self) -> Now {
        let begin: Timestamp = BEGIN.parse().expect("a time");
        Now {
            wall: begin + self.passed,
            up: self.passed,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.passed += Duration::from_secs(seconds);
    }
}

impl Machine {
    fn new(id: &str, rules: Rules, world: &World) -> Self {
        let manager = Manager::new(rules.clone(), None, "0", world.now());
        Self {
            id: id.to_owned(),
            saved: manager.record().clone(),
            rules,
            manager,
            boot: 0,
            wants: Vec::new(),
            objections: Vec::new(),
            users: 0,
            is_well: true,
            is_linked: true,
            reboots_fail: false,
            reboots_late: false,
            is_told: false,
            in_line: false,
            is_unproved: false,
            agreed: None,
            done: Vec::new(),
        }
    }

    fn holds(&self, world: &World) -> bool {
        world.semaphore.holder(&self.id).is_some()
    }

    fn seen(&self, world: &World) -> Seen {
        Seen {
            // Of those in the store nothing is heard.
            wants: match self.is_linked {
                true => self.wants.clone(),
                false => Vec::new(),
            },
            is_complete: self.is_linked,
            place: match (self.is_linked, self.holds(world)) {
                (false, _) => Held::Unknown,
                (true, true) => Held::Yes,
                (true, false) => Held::No,
            },
            users: self.users,
        }
    }

    fn state(&self, world: &World) -> (String, String) {
        let shown = self.manager.shown(&self.seen(world), world.now());
        (shown.state, shown.why)
    }

    /// The daemon ends without a word and starts from what it saved, in the same boot or another.
    fn restart(&mut self, world: &World) {
        let record = Record::decode(&self.saved.encode()).expect("reads back");
        let boot = self.boot.to_string();
        self.manager = Manager::new(self.rules.clone(), Some(record), &boot, world.now());
        self.in_line = false;
    }

    fn boots(&mut self, world: &World) {
        self.boot += 1;
        self.is_told = false;
        self.is_unproved = self.holds(world);
        self.restart(world);
    }

    /// Takes steps until there is nothing to do now.
    fn settle(&mut self, world: &mut World) {
        for _ in 0..100 {
            if !self.step(world) {
                return;
            }
        }
        panic!("{} does not come to rest: {:?}", self.id, self.done);
    }

    /// Takes one step; whether there may be another one at once.
    fn step(&mut self, world: &mut World) -> bool {
        let now = world.now();
        let seen = self.seen(world);
        let step = self.manager.next(&seen, now);
        self.saved = self.manager.record().clone();
        match step {
            Step::Wait { .. } => return false,
            Step::Queue { .. } => {
                self.in_line = true;
                let holder =
                    Holder::new(&self.id.parse().expect("an id"), Timestamp::UNIX_EPOCH, "");
                let is_taken = self.is_linked && world.semaphore.take(holder, 0).is_ok();
                return is_taken;
            }
            Step::AskBlockers => {
                let is_asked = matches!(self.saved.phase, Phase::Held | Phase::Rebooting { .. });
                let agrees = is_asked && self.objections.is_empty();
                self.agreed = agrees.then_some(now.up);
                self.manager.blockers_said(self.objections.clone(), now);
            }
            Step::Warn => self.done.push("warned".to_owned()),
            Step::Drain => {
                self.manager.drained(Ok(()), now);
                self.done.push("drained".to_owned());
            }
            Step::Reboot => self.reboot(world),
            Step::CheckHealth => {
                let said = match self.is_well {
                    true => Ok(()),
                    false => Err("the disk is gone".to_owned()),
                };
                self.is_unproved &= !self.is_well;
                self.manager.health_said(said, now);
            }
            Step::Explain(why) => {
                self.manager.explained(self.is_linked, now);
                self.done.push(why);
            }
            Step::GiveBack => self.give_back(world),
        }
        true
    }

    fn reboot(&mut self, world: &World) {
        let now = world.now();
        let is_locked = matches!(self.rules.strategy, Strategy::Lock | Strategy::Off);
        assert!(!is_locked || self.holds(world), "{} has no place", self.id);
        let is_urgent = self.wants.iter().any(|want| want.urgency == Urgency::Now);
        let is_open = opening(&self.rules.windows, now.wall, &TimeZone::UTC).is_open();
        assert!(is_urgent || is_open, "{} is outside its window", self.id);
        assert!(is_urgent || self.rules.strategy != Strategy::Off);
        let is_new = |agreed: Duration| now.up < agreed + self.rules.check_interval;
        let agrees = !self.rules.has_blockers || self.agreed.is_some_and(is_new);
        assert!(is_urgent || agrees, "{} is blocked", self.id);
        self.done.push("rebooted".to_owned());
        match (self.reboots_fail, self.reboots_late) {
            (true, _) => self.manager.reboot_failed("no", now),
            (false, true) => self.is_told = true,
            (false, false) => self.boots(world),
        }
    }

    fn give_back(&mut self, world: &mut World) {
        assert!(
            !self.is_unproved,
            "{} gives an unproved place back",
            self.id
        );
        assert!(!self.is_told, "{} may reboot at any time", self.id);
        self.in_line = false;
        let done = match self.is_linked {
            true => {
                world.semaphore.give_back(&self.id);
                Ok(())
            }
            false => Err("nobody answers".to_owned()),
        };
        self.manager.gave_back(done, world.now());
        self.done.push("gave back".to_owned());
    }
}

#[test]
fn a_machine_drains_reboots_and_gives_its_place_back_when_it_is_well() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
    machine.settle(&mut world);
    assert_eq!(machine.state(&world).0, "idle");
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    assert_eq!(machine.done, ["drained", "rebooted", "gave back"]);
    let why = "nothing wants a reboot".to_owned();
    assert_eq!(
        machine.state(&world),
        ("idle".to_owned(), why),
        "it is done"
    );
    assert!(!machine.holds(&world));
}

#[test]
fn what_was_wanted_before_a_reboot_is_done_and_what_comes_after_is_not() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Immediate), &world);
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    world.pass(60);
    machine.settle(&mut world);
    machine.restart(&world);
    machine.settle(&mut world);
    let reboots = |machine: &Machine| machine.done.iter().filter(|it| *it == "rebooted").count();
    assert_eq!(reboots(&machine), 1);
    machine.wants.push(want("libc", Urgency::Agreed));
    machine.settle(&mut world);
    assert_eq!(reboots(&machine), 2);
}

#[test]
fn what_was_done_is_done_also_while_nobody_says_what_is_wanted() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Immediate), &world);
    machine.wants = vec![want("note 7", Urgency::Agreed)];
    while machine.boot == 0 {
        machine.step(&mut world);
    }
    let nobody = Seen {
        wants: Vec::new(),
        is_complete: false,
        place: Held::Unknown,
        users: 0,
    };
    machine.manager.next(&nobody, world.now());
    assert!(machine.manager.record().is_done("note 7"));
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1);
}

#[test]
fn a_machine_that_comes_back_outside_its_window_gives_its_place_back() {
    let mut world = World::new(0);
    let windows = vec!["00:00-01:00".parse().expect("a window")];
    let rules = Rules {
        windows,
        ..rules(Strategy::Lock)
    };
    let mut machine = Machine::new("a", rules, &world);
    machine.is_well = false;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    assert!(machine.holds(&world));
    machine.is_well = true;
    machine.rules.health_deadline = Duration::from_secs(24 * 3_600);
    world.pass(2 * 3_600);
    machine.restart(&world);
    machine.settle(&mut world);
    assert!(!machine.holds(&world));
}

#[test]
fn a_place_that_was_taken_is_given_back_under_any_strategy() {
    for strategy in Strategy::ALL {
        for reboots in [false, true] {
            let mut world = World::new(0);
            let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
            machine.wants = vec![want("kernel", Urgency::Agreed)];
            // Up to where it holds the place.
            while !machine.holds(&world) {
                machine.step(&mut world);
            }
            machine.rules.strategy = strategy;
            machine.wants.clear();
            match reboots {
                true => machine.boots(&world),
                false => machine.restart(&world),
            }
            machine.settle(&mut world);
            assert!(!machine.holds(&world), "{strategy}, {reboots}");
        }
    }
}

#[test]
fn a_place_that_cannot_be_used_is_given_back() {
    let windows = vec!["00:00-01:00".parse().expect("a window")];
    let rules = Rules {
        windows,
        has_blockers: true,
        users_delay: Some(Duration::from_secs(300)),
        ..rules(Strategy::Lock)
    };
    type Change = fn(&mut Machine, &mut World);
    let changes: [(Change, &str); 3] = [
        (
            |_, world| world.pass(3_600),
            "its window is closed until Tue 2026-11-24 00:00 UTC",
        ),
        (
            |machine, world| {
                machine.objections = vec!["a backup runs".to_owned()];
                world.pass(60);
            },
            "it is blocked: a backup runs",
        ),
        (|machine, _| machine.wants.clear(), "nothing wants a reboot"),
    ];
    for (change, why) in changes {
        let mut world = World::new(0);
        let mut machine = Machine::new("a", rules.clone(), &world);
        machine.wants = vec![want("kernel", Urgency::Agreed)];
        // People are there: it holds the place and waits.
        machine.users = 1;
        machine.settle(&mut world);
        assert_eq!(machine.done, ["warned"]);
        assert!(machine.holds(&world));
        change(&mut machine, &mut world);
        machine.settle(&mut world);
        assert!(!machine.holds(&world), "{why}");
        assert_eq!(machine.state(&world).1, why);
    }
}

#[test]
fn a_machine_that_is_not_well_keeps_its_place_until_a_person_gives_it_back() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
    machine.is_well = false;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    let (state, why) = machine.state(&world);
    assert_eq!(state, "checking");
    assert_eq!(why, "it came back and is not well yet: the disk is gone");
    world.pass(601);
    machine.settle(&mut world);
    let (state, why) = machine.state(&world);
    assert_eq!(state, "failed");
    assert_eq!(why, "it came back and is not well: the disk is gone");
    assert_eq!(machine.done.last(), Some(&why), "the semaphore says so");
    machine.is_well = true;
    machine.wants.push(want("more", Urgency::Agreed));
    world.pass(600);
    machine.restart(&world);
    machine.settle(&mut world);
    assert!(machine.holds(&world), "it was late");
    world.semaphore.give_back("a");
    machine.is_unproved = false;
    machine.wants.clear();
    machine.settle(&mut world);
    assert_eq!(machine.state(&world).0, "idle");
}

#[test]
fn a_machine_that_was_repaired_and_rebooted_by_a_person_is_asked_anew() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
    machine.is_well = false;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    world.pass(601);
    machine.settle(&mut world);
    machine.is_well = true;
    machine.wants.push(want("a person", Urgency::Now));
    machine.settle(&mut world);
    assert_eq!(machine.boot, 2);
    assert!(!machine.holds(&world));
}

#[test]
fn people_who_are_logged_in_are_told_and_given_time() {
    let mut world = World::new(0);
    let rules = Rules {
        users_delay: Some(Duration::from_secs(300)),
        ..rules(Strategy::Immediate)
    };
    let mut machine = Machine::new("a", rules, &world);
    machine.users = 2;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    world.pass(299);
    machine.settle(&mut world);
    assert_eq!(machine.done, ["warned"]);
    let why = "people are logged in (2): they were told";
    assert_eq!(
        machine.state(&world),
        ("preparing".to_owned(), why.to_owned())
    );
    world.pass(1);
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1);
}

#[test]
fn who_goes_earlier_is_waited_for_no_longer() {
    let mut world = World::new(0);
    let rules = Rules {
        users_delay: Some(Duration::from_secs(300)),
        ..rules(Strategy::Immediate)
    };
    let mut machine = Machine::new("a", rules, &world);
    machine.users = 1;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    machine.users = 0;
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1);
}

#[test]
fn a_reboot_that_fails_gives_the_place_to_others_and_is_tried_later() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
    machine.reboots_fail = true;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    assert!(!machine.holds(&world));
    let why = "the reboot failed: no";
    assert_eq!(
        machine.state(&world),
        ("waiting".to_owned(), why.to_owned())
    );
    machine.reboots_fail = false;
    world.pass(600);
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1);
}

#[test]
fn a_machine_that_was_told_to_reboot_keeps_its_place_until_it_does() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Lock), &world);
    machine.reboots_late = true;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    machine.wants.clear();
    world.pass(3_600);
    machine.restart(&world);
    machine.settle(&mut world);
    let why = "it was told to reboot and is up still: it may go at any time".to_owned();
    assert_eq!(machine.state(&world), ("rebooting".to_owned(), why));
    assert!(machine.holds(&world));
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.reboots_late = false;
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1, "it is told again");
    assert!(!machine.holds(&world));
}

#[test]
fn a_person_reboots_a_machine_whose_strategy_is_off_with_a_place() {
    let mut world = World::new(0);
    let mut machine = Machine::new("a", rules(Strategy::Off), &world);
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    assert_eq!((machine.state(&world).0.as_str(), machine.boot), ("off", 0));
    machine.wants.push(want("a person", Urgency::Now));
    machine.settle(&mut world);
    assert_eq!(machine.boot, 1);
    assert!(!machine.holds(&world));
}

#[test]
fn a_place_that_somebody_frees_before_the_reboot_is_missed() {
    let mut world = World::new(0);
    let rules = Rules {
        users_delay: Some(Duration::from_secs(300)),
        ..rules(Strategy::Lock)
    };
    let mut machine = Machine::new("a", rules, &world);
    machine.users = 1;
    machine.wants = vec![want("kernel", Urgency::Agreed)];
    machine.settle(&mut world);
    world.semaphore.give_back("a");
    machine.users = 0;
    machine.settle(&mut world);
    assert_eq!(machine.boot, 0);
    assert_eq!(machine.state(&world).1, "somebody else gave its place back");
}

/// One thing that happens to one of the machines.
fn disturb(world: &mut World, machines: &mut [Machine], at: usize) {
    let what = world.random.random_range(0..15);
    let mark = world.random.random::<u32>().to_string();
    let machine = &mut machines[at];
    match what {
        0 | 1 => machine.wants.push(want(&mark, Urgency::Agreed)),
        2 if world.random.random_bool(0.2) => machine.wants.push(want(&mark, Urgency::Now)),
        3 => machine.wants.clear(),
        4 => machine.objections = vec!["a backup runs".to_owned()],
        5 => machine.objections.clear(),
        6 => machine.users = world.random.random_range(0..2),
        7 => machine.is_well = world.random.random_bool(0.7),
        8 => machine.is_linked = world.random.random_bool(0.7),
        9 => machine.reboots_fail = world.random.random_bool(0.3),
        10 => machine.restart(world),
        13 => machine.reboots_late = world.random.random_bool(0.3),
        // A power cut.
        11 => machine.boots(world),
        12 => {
            let strategies = [Strategy::Lock, Strategy::Lock, Strategy::Off];
            machine.rules.strategy = strategies[world.random.random_range(0..3)];
            machine.restart(world);
        }
        _ if world.random.random_bool(0.1) => {
            world.semaphore.give_back(&machine.id);
            (machine.is_unproved, machine.is_told) = (false, false);
        }
        _ => {}
    }
}

/// Whatever happens: the checks are in [`Machine::reboot`] and [`Machine::give_back`]. Afterwards
/// everything is in order, and everybody who wants to has rebooted.
#[test]
fn any_order_of_events_reboots_one_at_a_time_and_all_in_the_end() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        let windows = vec!["02:00-05:00".parse().expect("a window")];
        let rules = Rules {
            windows,
            has_blockers: true,
            users_delay: Some(Duration::from_secs(300)),
            ..rules(Strategy::Lock)
        };
        let new = |id: &&str| Machine::new(id, rules.clone(), &world);
        let mut machines: Vec<Machine> = ["a", "b", "c"].iter().map(new).collect();
        for _ in 0..2_000 {
            let at = world.random.random_range(0..machines.len());
            if world.random.random_bool(0.3) {
                disturb(&mut world, &mut machines, at);
            }
            let seconds = world.random.random_range(0..120);
            world.pass(seconds);
            machines[at].step(&mut world);
            assert!(world.semaphore.holders.len() <= 1, "seed {seed}");
        }
        for machine in &mut machines {
            machine.is_well = true;
            machine.is_linked = true;
            machine.reboots_fail = false;
            machine.reboots_late = false;
            machine.users = 0;
            machine.objections.clear();
            machine.rules.strategy = Strategy::Lock;
            machine.wants = vec![want("last", Urgency::Agreed)];
            // Those that failed are repaired by a reboot.
            machine.boots(&world);
            machine.wants = vec![want("very last", Urgency::Agreed)];
        }
        for _ in 0..48 * 4 {
            world.pass(15 * 60);
            machines
                .iter_mut()
                .for_each(|machine| machine.settle(&mut world));
        }
        for machine in &machines {
            let (state, why) = machine.state(&world);
            assert_eq!(state, "idle", "seed {seed}: {} {why}", machine.id);
            assert_eq!(machine.manager.record().phase, Phase::Idle);
        }
        assert_eq!(world.semaphore.holders, [], "seed {seed}");
    }
}
