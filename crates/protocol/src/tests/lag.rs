//! What lag must read in each case in which it is tempted to lie.

use crate::lag::{Beat, Condition, Evidence, Here, Lag, LagTracker, Mark, Stage, StreamEnd, judge};
use std::time::Duration;
use understudy_types::{BootTime, Lsn};

const EVERY: Duration = Duration::from_millis(500);

/// A record is this many bytes here.
const BYTES: u64 = 10;

/// A standby's shard and its primary, with as little around them as will do.
struct Scene {
    tracker: LagTracker,
    now: BootTime,
    connected: Option<BootTime>,
    ended: Option<StreamEnd>,
    heard: Option<BootTime>,
    batch: Option<BootTime>,
    primary: u64,
    received: u64,
    flushed: u64,
    applied: u64,
    restoring: bool,
}

fn mark(records: u64) -> Mark {
    Mark {
        lsn: Lsn::new(records),
        bytes: records * BYTES,
    }
}

impl Scene {
    /// Follows a primary that has 100 records, and has all of them.
    fn healthy() -> Scene {
        let mut scene = Scene {
            tracker: LagTracker::default(),
            now: BootTime::from_nanos(1_000_000_000_000),
            connected: None,
            ended: None,
            heard: None,
            batch: None,
            primary: 100,
            received: 100,
            flushed: 100,
            applied: 100,
            restoring: false,
        };
        scene.connect();
        (0..4).for_each(|_| scene.beat());
        scene
    }

    /// Started a moment ago, with half of what the primary has.
    fn restarted() -> Scene {
        let mut scene = Scene::healthy();
        scene.tracker = LagTracker::default();
        (scene.heard, scene.batch) = (None, None);
        scene.received = 50;
        scene.flushed = 50;
        scene.applied = 50;
        scene.connect();
        scene
    }

    fn connect(&mut self) {
        self.connected = Some(self.now);
        self.tracker.welcomed(Lsn::new(self.primary), self.now);
    }

    fn ends(&mut self, end: StreamEnd) {
        self.connected = None;
        self.ended = Some(end);
    }

    fn pass(&mut self) {
        self.now = self.now + EVERY;
    }

    fn receive(&mut self, upto: u64) {
        self.received = upto.min(self.primary);
        self.batch = Some(self.now);
        self.tracker
            .received(Lsn::new(self.received).expect("some"));
        self.tracker.sample(Lsn::new(self.applied), self.now);
    }

    /// All that the primary has arrives, and a heartbeat behind it that is as
    /// old as this.
    fn beat_of_age(&mut self, age: Duration) {
        self.pass();
        self.received = self.primary;
        self.heard = Some(self.now);
        self.tracker.heard(Beat {
            flushed: Lsn::new(self.primary),
            bytes: self.primary * BYTES,
            made_after: Some(self.now - age),
        });
        self.tracker.sample(Lsn::new(self.applied), self.now);
    }

    fn beat(&mut self) {
        self.beat_of_age(Duration::from_millis(1));
    }

    fn work_all_off(&mut self) {
        self.flushed = self.received;
        self.applied = self.received;
    }

    fn lag(&mut self) -> Lag {
        let here = Here {
            received: mark(self.received),
            flushed: mark(self.flushed),
            applied: mark(self.applied),
        };
        let lag = self.tracker.lag(&here, self.now, EVERY);
        lag.expect("the primary has said something")
    }

    fn condition(&mut self) -> Condition {
        let lag = self.lag();
        let since = |moment: Option<BootTime>| moment.map(|moment| self.now.since(moment));
        judge(&Evidence {
            connected: since(self.connected),
            ended: self.ended,
            heartbeat_age: since(self.heard),
            batch_age: since(self.batch),
            lag: Some(&lag),
            restoring: self.restoring,
            to_apply: self.applied < self.flushed,
            work_age: since(self.tracker.worked_at()),
            heartbeat_every: EVERY,
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Seconds {
    Zero,
    /// A second more each second.
    Grow,
}
use Seconds::{Grow, Zero};

/// The case; how it begins; what happens every half second; records behind at
/// each stage after four seconds; seconds, known, and the word.
type Case = (
    &'static str,
    fn() -> Scene,
    fn(&mut Scene),
    [u64; 3],
    Seconds,
    bool,
    Condition,
);

fn silent(scene: &mut Scene) {
    scene.pass();
}

fn writes_unheard(scene: &mut Scene) {
    scene.primary += 10;
    scene.pass();
}

fn dead(end: StreamEnd) -> Scene {
    let mut scene = Scene::healthy();
    scene.ends(end);
    scene
}

const CASES: [Case; 12] = [
    (
        "idle primary, healthy",
        Scene::healthy,
        Scene::beat,
        [0, 0, 0],
        Zero,
        true,
        Condition::UpToDate,
    ),
    (
        "primary writes, healthy",
        Scene::healthy,
        |scene| {
            scene.primary += 10;
            scene.beat();
            scene.work_all_off();
        },
        [0, 0, 0],
        Zero,
        true,
        Condition::UpToDate,
    ),
    (
        "stream dead, primary idle",
        || dead(StreamEnd::Closed),
        silent,
        [0, 0, 0],
        Grow,
        false,
        Condition::Unknown,
    ),
    (
        "stream dead, primary writes",
        || dead(StreamEnd::Unreachable),
        writes_unheard,
        [0, 0, 0],
        Grow,
        false,
        Condition::Unknown,
    ),
    (
        "primary frozen, or its sender hangs",
        Scene::healthy,
        writes_unheard,
        [0, 0, 0],
        Grow,
        false,
        Condition::Silent,
    ),
    (
        "heartbeats come from a queue of ten seconds",
        Scene::healthy,
        |scene| scene.beat_of_age(Duration::from_secs(10)),
        [0, 0, 0],
        Grow,
        false,
        Condition::Unknown,
    ),
    (
        "the state is stuck, the stream is fine",
        Scene::healthy,
        |scene| {
            scene.primary += 10;
            scene.beat();
            scene.flushed = scene.received;
        },
        [0, 0, 80],
        Grow,
        true,
        Condition::ApplyStalled,
    ),
    (
        "the log is stuck, the stream is fine",
        Scene::healthy,
        |scene| {
            scene.primary += 10;
            scene.beat();
        },
        [0, 80, 80],
        Grow,
        true,
        Condition::FlushStalled,
    ),
    (
        "standby restarted: its own log first",
        || {
            let mut scene = Scene::restarted();
            scene.restoring = true;
            scene
        },
        silent,
        [50, 50, 50],
        Grow,
        false,
        Condition::ReplayingLocal,
    ),
    (
        "catching up: no heartbeat behind all that data yet",
        || {
            let mut scene = Scene::restarted();
            scene.primary = 10_000;
            scene.connect();
            scene
        },
        |scene| {
            scene.pass();
            scene.receive(scene.received + 100);
            scene.work_all_off();
        },
        [9_150, 9_150, 9_150],
        Grow,
        false,
        Condition::CatchingUp,
    ),
    (
        "gap in the stream",
        || {
            let mut scene = Scene::healthy();
            scene.primary += 10;
            scene.beat();
            scene.received = 100;
            scene.ends(StreamEnd::Gap);
            scene
        },
        silent,
        [10, 10, 10],
        Grow,
        false,
        Condition::Gap,
    ),
    (
        "two primaries",
        || dead(StreamEnd::OtherEpoch),
        silent,
        [0, 0, 0],
        Grow,
        false,
        Condition::Conflict,
    ),
];

#[test]
fn every_case_reads_as_it_must() {
    for (case, begin, goes_on, records, seconds, known, condition) in CASES {
        let mut scene = begin();
        (0..4).for_each(|_| goes_on(&mut scene));
        let earlier = scene.lag().at(Stage::Applied).age;
        (0..4).for_each(|_| goes_on(&mut scene));
        let lag = scene.lag();
        let age = lag.at(Stage::Applied).age;
        let found = Stage::ALL.map(|stage| lag.at(stage).records);
        assert_eq!(found, records, "{case}");
        match seconds {
            Zero => assert_eq!(age, Duration::ZERO, "{case}"),
            Grow => assert_eq!(age - earlier, EVERY * 4, "{case}"),
        }
        assert_eq!(lag.known, known, "{case}");
        assert_eq!(scene.condition(), condition, "{case}");
    }
}

#[test]
fn bytes_are_counted_on_the_same_stream_at_every_stage() {
    let mut scene = Scene::healthy();
    scene.primary = 200;
    scene.beat();
    (scene.flushed, scene.applied) = (150, 120);
    let lag = scene.lag();
    let bytes = Stage::ALL.map(|stage| lag.at(stage).bytes);
    assert_eq!(bytes, [Some(0), Some(500), Some(800)]);
}

#[test]
fn restarted_standby_knows_its_lag_when_it_has_reached_what_it_was_told() {
    let mut scene = Scene::restarted();
    assert!(!scene.lag().known);
    scene.beat();
    assert!(
        !scene.lag().known,
        "how old the oldest one is, is not known"
    );
    scene.work_all_off();
    assert!(scene.lag().known);
    assert_eq!(scene.condition(), Condition::UpToDate);
}

#[test]
fn backlog_that_is_worked_off_is_no_stall() {
    let mut scene = Scene::restarted();
    scene.primary = 10_000;
    scene.connect();
    for _ in 0..10 {
        scene.beat();
        scene.flushed = scene.received;
        scene.applied += 100;
    }
    assert_eq!(scene.condition(), Condition::CatchingUp);
    let seconds = scene.tracker.catchup_seconds(Lsn::new(scene.applied));
    let seconds = seconds.expect("a backlog is known of");
    assert!((seconds - 44.75).abs() < 0.1, "at 200 a second: {seconds}");
    (0..4).for_each(|_| scene.beat());
    assert_eq!(scene.condition(), Condition::ApplyStalled);
}

#[test]
fn nothing_is_said_of_a_primary_that_said_nothing() {
    let mut tracker = LagTracker::default();
    let lag = tracker.lag(&Here::default(), BootTime::from_nanos(1), EVERY);
    assert_eq!(lag, None);
    assert_eq!(tracker.catchup_seconds(None), None);
}
