//! Runs that meet others: fifty at once, one that holds the lock and lives, one that held it and
//! died, a writer who has not stopped, signals.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::faults::wanted;
use crate::ground::cluster::TestDatabase;
use crate::scenarios;
use crate::site::{Ended, Site};
use crate::world::{Engine, World};

const AT_ONCE: usize = 50;

/// A run that stands still at a point of its way.
struct Halted(Child);

impl Halted {
    fn at(site: &Site, point: usize) -> Self {
        let child = site.start_apply(Some(&format!("stop@{point}")));
        let halted = waitpid(Some(Pid::from_child(&child)), WaitOptions::UNTRACED).unwrap();
        assert!(
            halted.is_some_and(|(_, status)| status.stopped()),
            "it ended before point {point}"
        );
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn end(self) -> Ended {
        self.signal(Signal::CONT);
        Ended::of(&self.0.wait_with_output().unwrap())
    }
}

/// The numbers of the points with this name, as an undisturbed run passes them.
fn points(site: &Site, name: &str) -> Vec<usize> {
    let trace = site.at("trace");
    let _ = std::fs::remove_file(&trace);
    site.apply(Some(&format!("trace@{}", trace.display()))).must(0);
    site.reset();
    let text = std::fs::read_to_string(trace).unwrap();
    let found = text.lines().enumerate().filter(|(_, line)| *line == name);
    found.map(|(index, _)| index + 1).collect()
}

/// In the middle of the run: a journal line has just been written.
fn middle(site: &Site) -> usize {
    let lines = points(site, "journal: after a line");
    lines[lines.len() / 2]
}

fn journals(site: &Site) -> Vec<String> {
    let runs = std::fs::read_dir(site.at("state/runs")).unwrap();
    runs.map(|run| std::fs::read_to_string(run.unwrap().path().join("journal.jsonl")).unwrap())
        .collect()
}

#[test]
fn fifty_runs_at_once_have_one_effect() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::DROPS);
        site.apply(None).must(0);
        let end = site.picture();
        site.reset();
        let running: Vec<Child> = (0..AT_ONCE)
            .map(|_| {
                let plan = site.plan.to_str().unwrap();
                site.command(&["apply", plan, "--auto-approve", "--lock-timeout", "10m"], None)
                    .spawn()
                    .unwrap()
            })
            .collect();
        let ended: Vec<Ended> = running
            .into_iter()
            .map(|child| Ended::of(&child.wait_with_output().unwrap()))
            .collect();
        for one in &ended {
            one.must(0);
        }
        assert_eq!(ended.iter().filter(|one| one.said.contains("done:")).count(), 1, "{engine:?}");
        assert!(site.picture() == end);
        let journals = journals(&site);
        assert_eq!(journals.len(), 1);
        assert_eq!(journals[0].matches("\"finished\"").count(), 1);
        assert_eq!(journals[0].matches("\"attempt\"").count(), 1);
    }
}

#[test]
fn a_live_holder_is_named_and_a_dead_one_s_lock_is_free() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::MIGRATIONS);
        let halted = Halted::at(&site, middle(&site));
        let other = site.apply(None);
        other.must(5);
        assert!(other.said.contains(&format!("pid {}", halted.0.id())), "{}", other.said);
        let plan = site.plan.to_str().unwrap();
        site.run(&["apply", plan, "--auto-approve", "--lock-timeout", "1s"], None).must(5);
        halted.signal(Signal::KILL);
        assert_eq!(halted.end_killed(), Some(9));
        site.apply(None).must(0);
    }
}

impl Halted {
    fn end_killed(mut self) -> Option<i32> {
        self.0.wait().unwrap().signal()
    }
}

#[test]
fn signals_stop_a_run_between_moves_and_it_is_gone_on_with() {
    for engine in Engine::ALL {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let site = Site::new(engine, &scenarios::DROPS);
            site.apply(None).must(0);
            let end = site.picture();
            site.reset();
            let halted = Halted::at(&site, middle(&site));
            halted.signal(signal);
            let stopped = halted.end();
            stopped.must(code);
            assert!(journals(&site)[0].contains("stopped by a signal"), "it is not journalled");
            site.apply(None).must(0);
            assert!(site.picture() == end);
        }
    }
}

/// Writes a row as somebody else, who does not wait long. False where he was kept out.
fn write_row(database: &TestDatabase, id: usize) -> bool {
    let mut psql = database.cluster.client("psql", &database.name);
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "SET lock_timeout = '100ms'", "-c"]);
    psql.arg(format!("INSERT INTO _alembic_tmp_projects VALUES ({id}, 'written meanwhile', NULL)"));
    psql.stderr(std::process::Stdio::null()).status().unwrap().success()
}

#[test]
fn what_others_write_until_the_very_moment_of_a_drop_is_saved() {
    let site = Site::new(Engine::Postgres, &scenarios::LEFTOVER);
    let World::Postgres { database, .. } = &site.world else { unreachable!() };
    let rows = || {
        let text = database.psql("SELECT id FROM _alembic_tmp_projects ORDER BY id");
        text.lines().map(|id| id.parse().unwrap()).collect::<Vec<usize>>()
    };
    let dropped = points(&site, "server: before a change")[0];
    // The last line before the drop says what was saved, the one before it that the step was begun.
    let lines = points(&site, "journal: after a line");
    let begun = lines.iter().rev().filter(|point| **point < dropped).nth(1).unwrap();
    let (mut saved, mut refused, mut kept_out) = (0, 0, 0);
    let every = if wanted() == usize::MAX { 1 } else { 6 };
    for point in (begun - 24..=dropped).step_by(every) {
        site.reset();
        let mut expected = rows();
        let halted = Halted::at(&site, point);
        let written = write_row(database, 100);
        let ended = halted.end();
        if written {
            expected.push(100);
        } else {
            kept_out += 1;
        }
        match ended.code {
            // It came before the rows were counted for the last time, and nobody may lose it
            // unseen.
            Some(3) => refused += 1,
            Some(0) => {
                saved += usize::from(written);
                site.undo(None).must(0);
            }
            _ => panic!("at {point}: {}", ended.said),
        }
        assert_eq!(rows(), expected, "at {point}");
    }
    println!("{saved} rows saved, {refused} runs refused, {kept_out} writers kept out");
    assert!(saved > 0 && refused > 0 && kept_out > 0, "{saved} {refused} {kept_out}");
}

#[test]
fn what_is_in_quarantine_is_listed_until_it_is_brought_back() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::QUARANTINE);
        let list = || {
            let listed = site.run(&["quarantine", "list"], None);
            listed.must(0);
            listed.said
        };
        site.apply(None).must(0);
        let said = list();
        for name in ["orders", "order_lines", "large_orders"] {
            assert!(said.contains(&format!("`{name}`")), "{said}");
        }
        // One by one: what stands on another comes after it.
        let refused = site
            .run(&["quarantine", "restore", &site.run_id(), "invoices", "--auto-approve"], None);
        assert_eq!(refused.code, Some(64), "{}", refused.said);
        assert!(refused.said.contains("put no `invoices` into quarantine"), "{}", refused.said);
        let one = ["quarantine", "restore", &site.run_id(), "orders", "--auto-approve"];
        site.run(&one, None).must(0);
        let said = list();
        assert!(!said.contains("`orders`") && said.contains("`order_lines`"), "{said}");
        assert!(site.run(&one, None).said.contains("nothing was changed"));
        site.bring_back(None).must(0);
        assert_eq!(list(), "nothing is in quarantine\n");
        // The plan stays closed, and its run can still be taken back.
        let picture = site.picture();
        site.apply(None).must(0);
        assert_eq!(site.picture(), picture);
        site.undo_discarding().must(0);
        assert!(site.bring_back(None).said.contains("ttplan undo"));
    }
}

#[test]
fn nothing_comes_back_under_a_name_that_is_taken() {
    for engine in Engine::ALL {
        let site = Site::new(engine, &scenarios::QUARANTINE);
        site.apply(None).must(0);
        site.world.sql("CREATE TABLE orders (mine INTEGER);");
        let picture = site.picture();
        let refused =
            site.run(&["quarantine", "restore", &site.run_id(), "orders", "--auto-approve"], None);
        assert_eq!(refused.code, Some(3), "{}", refused.said);
        assert!(refused.said.contains("something else has its name by now"), "{}", refused.said);
        assert_eq!(site.picture(), picture);
    }
}
