//! The database server falls and comes back in the middle of a run: the run ends with an error, and
//! the same command again comes to the end of an undisturbed one.

use std::process::Child;

use crate::faults::wanted;
use crate::ground::cluster;
use crate::scenarios::{self, Scenario};
use crate::site::{Ended, Site};
use crate::world::{Engine, World};

/// Waits until the process stands still at its point; false where it ended before.
fn stands_still(run: &mut Child) -> bool {
    loop {
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", run.id())).unwrap();
        // Behind the name, which stands in parentheses and may hold anything.
        if stat.rsplit(')').next().unwrap().trim_start().starts_with('T') {
            return true;
        }
        std::thread::yield_now();
    }
}

fn go_on(run: &Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
}

fn converges(scenario: &Scenario, few: usize) {
    let site = Site::on(cluster::cluster_of_its_own, Engine::Postgres, scenario);
    let World::Postgres { database, .. } = &site.world else { unreachable!() };
    let trace = site.at("trace");
    site.reset();
    site.apply(Some(&format!("trace@{}", trace.display()))).must(0);
    let end = site.picture();
    let points = std::fs::read_to_string(&trace).unwrap().lines().count();
    let tried = wanted().max(few).min(points);
    let (mut met, mut interrupted) = (0, 0);
    for n in (1..=points).skip(points / tried / 2).step_by(points.div_ceil(tried)) {
        site.reset();
        let mut run = site.start_apply(Some(&format!("stop@{n}")));
        if stands_still(&mut run) {
            met += 1;
            database.cluster.crash_and_restart();
            go_on(&run);
        }
        let ended = Ended::of(&run.wait_with_output().unwrap());
        assert_eq!(ended.signal, None, "{}", ended.said);
        interrupted += usize::from(ended.code != Some(0));
        let again = site.apply(None);
        assert_eq!(
            again.code,
            Some(0),
            "after a restart at {n}: {}\nbefore that: {}",
            again.said,
            ended.said
        );
        assert!(site.picture() == end, "after a restart at {n} the end is another");
    }
    println!(
        "Restart {}: {points} points, {met} restarts, {interrupted} runs ended by it, all converged",
        scenario.name
    );
    assert!(met > 0 && interrupted > 0);
}

#[test]
fn drops_survive_a_restart_of_the_server() {
    converges(&scenarios::DROPS, 4);
}

#[test]
fn migrations_survive_a_restart_of_the_server() {
    converges(&scenarios::MIGRATIONS, 4);
}

#[test]
fn references_survive_a_restart_of_the_server() {
    converges(&scenarios::REFERENCES, 3);
}
