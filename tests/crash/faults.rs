//! Faults at the points that a run passes: each is followed by the same command again, and then
//! the site has to look as if nothing had happened.

use std::collections::BTreeSet;

use crate::scenarios::{self, Scenario};
use crate::site::{Ended, Picture, Site};
use crate::world::Engine;

/// Error numbers: no space, broken disk, no permission, connection lost.
const ERRORS: [u32; 4] = [28, 5, 13, 104];

/// How many points of a run are tried when not all are.
const FEW: usize = 1;

/// What is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// An apply, which is then run again.
    Apply,
    /// The undoing of a finished run, which is then run again.
    Undo,
    /// An apply, which is then taken back as far as it came.
    Abandon,
    /// The bringing back of what a finished run put into quarantine, which is then run again.
    BringBack,
}

impl What {
    /// Whether it is about a run that has finished.
    fn is_of_a_finished_run(self) -> bool {
        matches!(self, Self::Undo | Self::BringBack)
    }
}

/// A command that is disturbed, and the site it is run on.
struct Trial<'a> {
    site: &'a Site,
    what: What,
    end: Picture,
    points: usize,
}

impl<'a> Trial<'a> {
    /// Runs it undisturbed, to see how it ends and how many points it passes.
    fn new(site: &'a Site, what: What) -> Self {
        site.reset();
        let beginning = site.picture();
        let trace = site.at("trace");
        let _ = std::fs::remove_file(&trace);
        if what.is_of_a_finished_run() {
            site.apply(None).must(0);
        }
        let mut trial = Self { site, what, end: beginning, points: 0 };
        trial.first(Some(&format!("trace@{}", trace.display()))).must(0);
        trial.points = std::fs::read_to_string(&trace).unwrap().lines().count();
        match what {
            What::Undo => differences(&trial.end, &site.picture()).unwrap(),
            What::Apply | What::Abandon | What::BringBack => {
                assert!(site.picture() != trial.end, "the plan does nothing");
            }
        }
        if what != What::Abandon {
            trial.end = site.picture();
        }
        trial
    }

    /// What is disturbed.
    fn first(&self, fault: Option<&str>) -> Ended {
        match self.what {
            What::Undo => self.site.undo(fault),
            What::BringBack => self.site.bring_back(fault),
            What::Apply | What::Abandon => self.site.apply(fault),
        }
    }

    /// What is run after it.
    fn again(&self) -> Ended {
        if matches!(self.what, What::Apply | What::BringBack) {
            return self.first(None);
        }
        let undone = self.site.undo(None);
        // What a command did that was killed in the middle of its work, nobody can tell.
        let unknown = undone.code == Some(3) && undone.said.contains("the interrupted command");
        if unknown { self.site.undo_discarding() } else { undone }
    }

    /// Disturbs it at one point, then goes on; returns whether the fault was met, or what is not as
    /// it should be.
    fn disturb(&self, fault: &str) -> Result<bool, String> {
        self.site.reset();
        if self.what.is_of_a_finished_run() {
            self.site.apply(None).must(0);
        }
        let first = self.first(Some(fault));
        let again = self.again();
        // Where nothing was begun there is nothing to undo.
        let never = self.what == What::Abandon
            && ["never applied", "nothing was ever run", "state directory"]
                .iter()
                .any(|said| again.said.contains(said));
        if again.code != Some(0) && !never {
            return Err(format!("after {fault}: {}\nbefore that: {}", again.said, first.said));
        }
        differences(&self.end, &self.site.picture())
            .map_err(|what| format!("after {fault}: {what}"))?;
        Ok(first.signal.is_some() || first.code != Some(0))
    }
}

/// What the second of two pictures lacks or has beside the first.
fn differences(expected: &Picture, found: &Picture) -> Result<(), String> {
    let lines = |picture: &Picture| {
        let files = picture.files.iter().map(|file| format!("{file:?}"));
        files.chain(picture.database.lines().map(str::to_owned)).collect::<Vec<_>>()
    };
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (lines(expected), lines(found));
    let gone: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let new: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    Err(format!("missing {gone:#?}, new {new:#?}"))
}

/// How many faults of a kind are tried in each trial: `TTPLAN_CRASH=full` for all, or a number.
pub fn wanted() -> usize {
    match std::env::var("TTPLAN_CRASH") {
        Ok(how) if how == "full" => usize::MAX,
        Ok(how) => how.parse().unwrap_or(FEW),
        Err(_) => FEW,
    }
}

/// The faults of one kind that are tried: all, or a few of them evenly apart.
fn chosen(points: usize, of_kind: impl Fn(usize) -> Vec<String>) -> Vec<String> {
    let all: Vec<String> = (1..=points).flat_map(of_kind).collect();
    let every = all.len().div_ceil(wanted()).max(1);
    // Not always the first point of a round of errors.
    all.into_iter().skip(every / 2).step_by(every).collect()
}

fn disturb_all(engine: Engine, scenario: &Scenario, what: What) {
    let site = Site::new(engine, scenario);
    let trial = Trial::new(&site, what);
    let mut faults = chosen(trial.points, |n| vec![format!("kill@{n}")]);
    faults.extend(chosen(trial.points, |n| {
        ERRORS.iter().map(|error| format!("{error}@{n}")).collect()
    }));
    let (mut met, mut failures) = (0, Vec::new());
    for fault in &faults {
        match trial.disturb(fault) {
            Ok(was_met) => met += usize::from(was_met),
            Err(why) => failures.push(why),
        }
    }
    println!(
        "{what:?} {} {engine:?}: {} points, {} faults, {met} met, {} converged, {} not",
        scenario.name,
        trial.points,
        faults.len(),
        faults.len() - failures.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(met * 2 >= faults.len(), "half of the faults have to be met at least");
}

macro_rules! trials {
    ($($name:ident: $engine:ident $scenario:ident $what:ident;)*) => {
        $(#[test]
        fn $name() {
            disturb_all(Engine::$engine, &scenarios::$scenario, What::$what);
        })*
        const TRIED: usize = [$(stringify!($name)),*].len();
    };
}

trials! {
    drops_on_sqlite_converge: Sqlite DROPS Apply;
    drops_on_postgres_converge: Postgres DROPS Apply;
    quarantine_on_sqlite_converges: Sqlite QUARANTINE Apply;
    quarantine_on_postgres_converges: Postgres QUARANTINE Apply;
    migrations_on_sqlite_converge: Sqlite MIGRATIONS Apply;
    migrations_on_postgres_converge: Postgres MIGRATIONS Apply;
    a_leftover_on_sqlite_converges: Sqlite LEFTOVER Apply;
    a_leftover_on_postgres_converges: Postgres LEFTOVER Apply;
    a_stamp_on_sqlite_converges: Sqlite STAMP Apply;
    a_stamp_on_postgres_converges: Postgres STAMP Apply;
    beginning_anew_on_sqlite_converges: Sqlite ANEW Apply;
    beginning_anew_on_postgres_converges: Postgres ANEW Apply;
    references_on_sqlite_converge: Sqlite REFERENCES Apply;
    references_on_postgres_converge: Postgres REFERENCES Apply;
    a_release_on_sqlite_converges: Sqlite RELEASE Apply;
    a_release_on_postgres_converges: Postgres RELEASE Apply;
    undoing_drops_on_sqlite_converges: Sqlite DROPS Undo;
    undoing_drops_on_postgres_converges: Postgres DROPS Undo;
    bringing_back_on_sqlite_converges: Sqlite QUARANTINE BringBack;
    bringing_back_on_postgres_converges: Postgres QUARANTINE BringBack;
    undoing_quarantine_on_sqlite_converges: Sqlite QUARANTINE Undo;
    undoing_quarantine_on_postgres_converges: Postgres QUARANTINE Undo;
    undoing_migrations_on_sqlite_converges: Sqlite MIGRATIONS Undo;
    undoing_migrations_on_postgres_converges: Postgres MIGRATIONS Undo;
    undoing_a_leftover_on_sqlite_converges: Sqlite LEFTOVER Undo;
    undoing_a_leftover_on_postgres_converges: Postgres LEFTOVER Undo;
    undoing_a_stamp_on_sqlite_converges: Sqlite STAMP Undo;
    undoing_a_stamp_on_postgres_converges: Postgres STAMP Undo;
    undoing_a_beginning_on_sqlite_converges: Sqlite ANEW Undo;
    undoing_a_beginning_on_postgres_converges: Postgres ANEW Undo;
    undoing_references_on_sqlite_converges: Sqlite REFERENCES Undo;
    undoing_references_on_postgres_converges: Postgres REFERENCES Undo;
    undoing_a_release_on_sqlite_converges: Sqlite RELEASE Undo;
    undoing_a_release_on_postgres_converges: Postgres RELEASE Undo;
    drops_on_sqlite_can_be_abandoned: Sqlite DROPS Abandon;
    drops_on_postgres_can_be_abandoned: Postgres DROPS Abandon;
    quarantine_on_sqlite_can_be_abandoned: Sqlite QUARANTINE Abandon;
    quarantine_on_postgres_can_be_abandoned: Postgres QUARANTINE Abandon;
    migrations_on_sqlite_can_be_abandoned: Sqlite MIGRATIONS Abandon;
    migrations_on_postgres_can_be_abandoned: Postgres MIGRATIONS Abandon;
    a_leftover_on_sqlite_can_be_abandoned: Sqlite LEFTOVER Abandon;
    a_leftover_on_postgres_can_be_abandoned: Postgres LEFTOVER Abandon;
    a_stamp_on_sqlite_can_be_abandoned: Sqlite STAMP Abandon;
    a_stamp_on_postgres_can_be_abandoned: Postgres STAMP Abandon;
    beginning_anew_on_sqlite_can_be_abandoned: Sqlite ANEW Abandon;
    beginning_anew_on_postgres_can_be_abandoned: Postgres ANEW Abandon;
    references_on_sqlite_can_be_abandoned: Sqlite REFERENCES Abandon;
    references_on_postgres_can_be_abandoned: Postgres REFERENCES Abandon;
    a_release_on_sqlite_can_be_abandoned: Sqlite RELEASE Abandon;
    a_release_on_postgres_can_be_abandoned: Postgres RELEASE Abandon;
    replacing_on_sqlite_converges: Sqlite REPLACE Apply;
    replacing_on_postgres_converges: Postgres REPLACE Apply;
    undoing_a_replacement_on_sqlite_converges: Sqlite REPLACE Undo;
    undoing_a_replacement_on_postgres_converges: Postgres REPLACE Undo;
    replacing_on_sqlite_can_be_abandoned: Sqlite REPLACE Abandon;
    replacing_on_postgres_can_be_abandoned: Postgres REPLACE Abandon;
    renaming_on_sqlite_converges: Sqlite RENAME Apply;
    renaming_on_postgres_converges: Postgres RENAME Apply;
    undoing_a_renaming_on_sqlite_converges: Sqlite RENAME Undo;
    undoing_a_renaming_on_postgres_converges: Postgres RENAME Undo;
    renaming_on_sqlite_can_be_abandoned: Sqlite RENAME Abandon;
    renaming_on_postgres_can_be_abandoned: Postgres RENAME Abandon;
}

#[test]
fn every_scenario_is_tried_on_every_engine_there_and_back() {
    // One of them is also brought back.
    assert_eq!(TRIED, (scenarios::ALL.len() * 3 + 1) * Engine::ALL.len());
}

#[test]
fn every_kind_of_action_is_in_some_scenario() {
    let kinds = scenarios::ALL
        .iter()
        .flat_map(|one| Engine::ALL.map(|engine| (one.kinds)(engine)))
        .flatten();
    // Purging needs an earlier run, and trials of its own.
    let tried: BTreeSet<&str> = kinds.chain(["purge_run"]).collect();
    let missing =
        ttplan::actions::ALL.iter().map(|action| action.kind).filter(|kind| !tried.contains(kind));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}
